"""The graft: an image model read frame by frame, with temporal layers at named sites."""
