"""From nothing to the weights that ship."""
