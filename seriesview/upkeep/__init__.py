"""A storage directory in order: what is kept, what may be removed, what is found again, and whether bytes are right."""
