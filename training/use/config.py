"""Options of `ctm export`."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from training.config.options import check_counts
from training.config.use import ModelPath
from training.evaluate.config import ProtocolConfig


@dataclass(frozen=True, kw_only=True)
class ExportConfig(ProtocolConfig):
    """Export a trained model for TF Serving.

    The evaluation protocol is built into the signature `video`, which scores whole videos. For
    example:
      ctm export runs/mine --to served/mine
      ctm export runs/mine --to served/mine --num-clips 3 --num-crops 1
      ctm export tsm.keras --to served/tsm --protocol tsm
    """

    model: Positional[ModelPath]
    """Folder of a run, a .keras file, or a name that `ctm weights` lists."""
    to: Path
    """Folder of the served model; its name is the model's name in the URL."""
    version: int | None = None
    """Version number, the name of a subfolder; TF Serving serves the highest (default: the next
    one, at first 1)."""
    which: str | None = None
    """Of a run: model (the last, or with `ctm train --patience` the best) or best (the best on the
    validation split) (default: model)."""

    def check(self) -> None:
        """Raises ValueError for invalid values."""
        super().check()
        check_counts(self, "version")
