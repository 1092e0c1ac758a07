"""Import of PyTorch checkpoints: read safely, recognized by their keys, converted by name."""

from .importer import import_weights
from .read import read_checkpoint
from .state import import_state

__all__ = ["import_state", "import_weights", "read_checkpoint"]
