"""The resident backend: registers with a kachery daemon or node, runs tasks, reports every outcome."""
