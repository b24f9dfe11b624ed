"""Pages on which officers decide on grant lists, and the public notices."""
