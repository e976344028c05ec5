"""The index of sessions: what is known of each, as JSON, as a table, and as a page."""
