"""Video models: an image model read frame by frame, with temporal layers grafted in."""
