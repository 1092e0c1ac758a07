"""Grafting: an image model applied to each frame, with temporal layers at named sites."""

from .anatomy import Anatomy
from .families import FAMILIES, UNGRAFTABLE
from .folding import Unfold

__all__ = ["FAMILIES", "UNGRAFTABLE", "Anatomy", "Unfold"]
