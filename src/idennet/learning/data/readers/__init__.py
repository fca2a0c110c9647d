"""Readers of data sets, one file each; `kinds.py` names them."""
