"""SpikeGLX recordings: .bin files of int16 with a .meta beside each, in run and probe folders."""
