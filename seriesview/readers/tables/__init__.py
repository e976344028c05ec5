"""Tables: text, Parquet and Arrow; what their columns mean."""
