"""Photographs in, faces with Action Units out; tables and overlays."""
