"""Where samples lie in files, and reading them by byte range."""
