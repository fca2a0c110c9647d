"""Every system that the paper compares, behind one contract: fit to a fold's faces, score a store."""
