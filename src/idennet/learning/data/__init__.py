"""Corpora on disk become face stores; samplers draw batches from them."""
