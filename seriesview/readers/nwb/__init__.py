"""NWB 2 in HDF5: time series, units, events and intervals (nwb-schema.readthedocs.io), over the datasets of HDF5."""
