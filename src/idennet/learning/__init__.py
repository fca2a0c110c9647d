"""Learning: data, losses, training, evaluation."""
