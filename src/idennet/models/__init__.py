"""One file a system; bundled weights."""
