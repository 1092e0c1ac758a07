"""Temporal methods, one per file: the layers and the recipe that places them in a backbone."""

from .slowfast import ALPHAS, frames_of_variant

__all__ = ["ALPHAS", "frames_of_variant"]
