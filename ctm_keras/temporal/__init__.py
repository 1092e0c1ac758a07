"""Temporal methods: one file each, with its layers and the recipe that says where they stand."""

from .slowfast import ALPHAS, frames_of_variant

__all__ = ["ALPHAS", "frames_of_variant"]
