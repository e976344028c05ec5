"""Pictures of series as PNG, drawn from stored levels."""
