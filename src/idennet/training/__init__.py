"""Recipes, the two stages, the loop, checkpoints, data parallel."""
