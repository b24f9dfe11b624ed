"""`citybrain …`: the verbs people and DAGs call. One module per room; each is imported only when its verb is used."""
