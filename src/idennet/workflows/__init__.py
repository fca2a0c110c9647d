"""Whole jobs that join several rooms: the demo, and the way from a recipe to bundled weights."""
