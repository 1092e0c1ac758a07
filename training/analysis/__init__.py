"""Analyses of how much models gain from temporal modeling."""
