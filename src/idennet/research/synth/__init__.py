"""The renderer and the SynFACS corpora."""
