"""The embedded kachery node: a small server that speaks the kachery daemon's HTTP protocol."""
