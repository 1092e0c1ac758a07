"""A run's numbers: protocols, predictions, scores."""
