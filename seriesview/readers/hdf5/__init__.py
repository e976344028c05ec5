"""HDF5: any dataset by its path, with what names, attributes and neighbours say of rates, channels and clocks."""
