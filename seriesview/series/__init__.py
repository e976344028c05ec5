"""Series: manifests, arrays cut into parts, and reading windows, samples and statistics from them."""
