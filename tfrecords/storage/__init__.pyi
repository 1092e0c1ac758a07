from .disk_space import free_bytes, full_disk_in_words
from .files import AnyPath, absolute, as_path, is_file, is_remote
from .retry import StorageError

__all__ = [
    "AnyPath",
    "StorageError",
    "absolute",
    "as_path",
    "free_bytes",
    "full_disk_in_words",
    "is_file",
    "is_remote",
]
