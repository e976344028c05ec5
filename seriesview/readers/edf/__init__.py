"""EDF, EDF+ and BDF: signals in records, annotations between them (edfplus.info/specs)."""
