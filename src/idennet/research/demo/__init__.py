"""The demonstration: a small training, told on one page."""
