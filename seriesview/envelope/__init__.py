"""Numbers only: closed-bin envelopes, levels, moments, counts, and merging bins into columns (numpy alone)."""
