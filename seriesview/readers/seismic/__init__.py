"""Seismograms: MiniSEED through pymseed, SAC and GSE2."""
