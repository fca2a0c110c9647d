"""Losses that only compared systems use."""
