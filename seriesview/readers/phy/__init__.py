"""Sorted units in the folders of phy and Kilosort."""
