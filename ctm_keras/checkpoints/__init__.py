"""Checkpoints of PyTorch projects: read safely, recognised by their keys, carried over by name."""

from .importer import import_state
from .read import read_checkpoint

__all__ = ["import_state", "read_checkpoint"]
