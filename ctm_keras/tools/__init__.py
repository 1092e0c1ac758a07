"""Tools for trained video models."""
