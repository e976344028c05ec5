"""Numbers only: filters, references, montages and other steps that turn one series into another, block by block."""
