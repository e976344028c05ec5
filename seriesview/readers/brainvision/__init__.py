"""BrainVision Core Data Format 1.0 and 2.0: a header and markers as text, samples in a file of their own."""
