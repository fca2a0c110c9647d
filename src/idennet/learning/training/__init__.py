"""Recipes, the two stages of training, the loop, checkpoints, several processes."""

from idennet.learning.training.fold import FoldFaces, faces_of_fold
from idennet.learning.training.recipe import Recipe, bundled_recipes, load_recipe
from idennet.learning.training.run import Run, open_run, train

__all__ = [
    "FoldFaces",
    "Recipe",
    "Run",
    "bundled_recipes",
    "faces_of_fold",
    "load_recipe",
    "open_run",
    "train",
]
