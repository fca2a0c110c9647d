"""Masked AU cross entropy, triplet hinge, hard-negative mining."""
