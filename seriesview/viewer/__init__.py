"""The viewer: plain ES modules, and how they are joined into the few files that browsers get."""
