"""Counts, metrics and held-out subjects; never trains."""
