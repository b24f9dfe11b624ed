"""Public pages: policy documents, their items, and what each asks for."""
