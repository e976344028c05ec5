"""MATLAB files of before 7.3 (levels 4 and 5); those of 7.3 are HDF5."""
