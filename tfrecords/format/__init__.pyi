from .decoded import FrameOptions
from .manifest import FILE, Manifest, checksum, named, write_json
from .split_name import SplitName

__all__ = ["FILE", "FrameOptions", "Manifest", "SplitName", "checksum", "named", "write_json"]
