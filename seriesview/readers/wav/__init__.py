"""WAV files and their large kin, RF64, BW64 and W64."""
