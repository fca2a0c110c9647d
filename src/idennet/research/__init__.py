"""The workshop: the renderer, the compared systems and their benchmark, the building of weights."""
