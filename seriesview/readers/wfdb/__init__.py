"""WFDB: records of PhysioNet, a header beside signal files and annotations (physionet.org/physiotools/wag)."""
