"""Image backbones that keras.applications lacks."""
