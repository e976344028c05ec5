"""Figures: what a link shows, links to it, and the server in this process that answers them."""
