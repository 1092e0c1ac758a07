from . import sampling
from .augment import Augment, flip_report
from .checks.stats import stats
from .checks.typical_video import typical_video
from .checks.verify import VerifyReport, verify
from .foreign.import_records import import_records
from .format.manifest import Manifest, Shard, read_manifest
from .format.record import Failure, VideoEntry
from .reading.clip_options import ClipOptions, views
from .reading.clips import clips
from .reading.split import data_error
from .sources.published import explain_formats
from .video.read import read_frames
from .writing.build import build

__all__ = [
    "Augment",
    "ClipOptions",
    "Failure",
    "Manifest",
    "Shard",
    "VerifyReport",
    "VideoEntry",
    "build",
    "clips",
    "data_error",
    "explain_formats",
    "flip_report",
    "import_records",
    "read_frames",
    "read_manifest",
    "sampling",
    "stats",
    "typical_video",
    "verify",
    "views",
]
