"""Folders that look like licensed data sets, with their quirks, filled with people who do not exist."""
