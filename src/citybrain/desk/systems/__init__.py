"""Other systems that call the desk: who they are, their keys, and how much they ask."""
