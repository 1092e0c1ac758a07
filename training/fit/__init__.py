"""A config to a trained model: the loop, its state on disk, the optimizer's schedule."""
