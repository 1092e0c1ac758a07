"""A protocol as it is carried out on a run's model, every value said."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from tfrecords.sampling import CROP
from tfrecords.sampling.rules import RULES
from tfrecords.text import counted
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateConfig
from training.evaluate.protocols import PROTOCOLS, Protocol


@dataclass(frozen=True)
class Settings:
    """A protocol as it is carried out on a model: every value said; `str` gives it in words.

    Args:
        protocol: Its name.
        changed: Whether the views are not the protocol's.
        rule: As in `Protocol`.
        num_clips: As in `Protocol`.
        num_crops: As in `Protocol`.
        sampling: `"dense"` or `"segments"`.
        interval: Frames from one frame of a dense clip to the next.
        num_frames: Frames of a clip.
        image_size: Side of a crop as the model reads it, in pixels.
        scale: Short side of a frame for a crop of 224.
        average: As in `Protocol`.
        own_size: Side of a crop in the protocol, where the model can read its own size only.
    """

    protocol: str
    changed: bool
    rule: str
    num_clips: int
    num_crops: int
    sampling: str
    interval: int
    num_frames: int
    image_size: int
    scale: int
    average: str
    own_size: int | None = None

    def clip_options(self) -> dict[str, Any]:
        """Which views are taken, for `tfrecords.clips`."""
        names = ("rule", "num_clips", "num_crops", "sampling", "interval", "num_frames")
        values = {name: getattr(self, name) for name in (*names, "image_size")}
        return values | {"scale": (self.scale, self.scale)}

    def in_own_size(self, image_size: int) -> "Settings":
        """The same views in the pixels of a model that cannot read others."""
        return dataclasses.replace(self, image_size=image_size, own_size=self.image_size)

    def __str__(self) -> str:
        frames = f"{counted(self.num_clips, 'clip')} x {counted(self.num_crops, 'crop')}"
        apart = f"{self.interval} apart" if self.sampling == "dense" else "one of each equal part"
        own = f" ({self.own_size} in the protocol: TCC keeps its size)" if self.own_size else ""
        changed = self.changed or self.average != PROTOCOLS[self.protocol].average
        return (
            f"{'like ' * changed}{self.protocol}: {frames} of {self.image_size}{own} from "
            f"{self._frame()}, {counted(self.num_frames, 'frame')}, {apart}; {self.average} "
            "averaged"
        )

    def _frame(self) -> str:
        """What the frame is scaled to."""
        sides = RULES[self.rule].canvas or (self.scale,)
        sides = [str(round(side * self.image_size / CROP)) for side in reversed(sides)]
        return " x ".join(sides) if len(sides) > 1 else f"short side {sides[0]}"


def settings_for(asked: EvaluateConfig, run: TrainConfig) -> Settings:
    """The protocol that was asked for, with the values that were said otherwise, on a run.

    Args:
        asked: The options of `ctm evaluate`.
        run: What the run was trained with.

    Raises:
        ValueError: If there is no such protocol, or a value does not go with it.
    """
    name = asked.protocol or "ctm"
    if name not in PROTOCOLS:
        raise ValueError(f"There is no protocol {name!r}; there are {', '.join(PROTOCOLS)}.")
    protocol = PROTOCOLS[name]
    own = {f.name: getattr(asked, f.name, None) for f in dataclasses.fields(Protocol)}
    own = {name: value for name, value in own.items() if value is not None}
    if "short_side" in own and RULES[protocol.rule].canvas:
        raise ValueError(f"--short-side is fixed by the protocol {name}.")
    said = dataclasses.replace(protocol, **own)
    short_side = said.short_side or run.scale[0]
    if not 1 <= said.crop <= short_side:
        raise ValueError(f"--crop must be from 1 to the short side {short_side}, got {said.crop}.")
    return Settings(
        protocol=name,
        changed=dataclasses.replace(said, average=protocol.average) != protocol
        or asked.interval not in (None, run.interval),
        rule=said.rule,
        num_clips=said.num_clips,
        num_crops=said.num_crops,
        sampling=said.sampling or run.sampling,
        interval=asked.interval or run.interval,
        num_frames=said.num_frames or run.num_frames,
        image_size=round(said.crop * run.image_size / CROP),
        scale=round(CROP * short_side / said.crop),
        average=said.average,
    )
