"""Photographs with movements added that people rarely show when they are photographed."""
