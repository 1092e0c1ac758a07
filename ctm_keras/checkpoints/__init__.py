"""Import of PyTorch checkpoints: read safely, recognized by their keys, converted by name."""

from .importer import import_weights
from .published import cached_file, import_by_hand, open_weights
from .read import read_checkpoint
from .state import import_state

__all__ = [
    "cached_file",
    "import_by_hand",
    "import_state",
    "import_weights",
    "open_weights",
    "read_checkpoint",
]
