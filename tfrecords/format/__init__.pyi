from .decoded import FrameOptions
from .manifest import FILE, Manifest, checksum, named, write_json

__all__ = ["FILE", "FrameOptions", "Manifest", "checksum", "named", "write_json"]
