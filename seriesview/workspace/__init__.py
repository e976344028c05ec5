"""Workspaces: their manifests, and views with their panels."""
