"""Training: the loop, its state on disk, the learning rate schedule."""
