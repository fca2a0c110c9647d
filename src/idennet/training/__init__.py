"""Recipes, the two stages of training, the loop, checkpoints, several processes."""

from idennet.training.recipe import Recipe, bundled_recipes, load_recipe
from idennet.training.run import Run, open_run, train

__all__ = ["Recipe", "Run", "bundled_recipes", "load_recipe", "open_run", "train"]
