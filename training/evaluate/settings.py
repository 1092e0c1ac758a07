"""A protocol as it is carried out on a run's model, with every value."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from tfrecords import ClipOptions
from tfrecords.sampling import CROP
from tfrecords.sampling.rules import RULES
from tfrecords.text import counted
from training.config.clips import options_given
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateConfig
from training.evaluate.protocols import PROTOCOLS, Protocol, ProtocolName


@dataclass(frozen=True, kw_only=True)
class Settings(ClipOptions):
    """How the videos of a split are viewed and their scores joined; `str` gives it in words.

    Args:
        protocol: The protocol's name.
        changed: Whether the views are not the protocol's.
        average: As in `Protocol`.
        own_size: Side of a crop in the protocol, where the model can read its own size only.
    """

    protocol: ProtocolName
    changed: bool
    average: str
    own_size: int | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Settings":
        """The settings that `to_dict` wrote."""
        return cls(**{**values, "scale": (values["scale"], values["scale"])})

    def to_dict(self) -> dict[str, Any]:
        """The settings as report.json holds them."""
        return {**vars(self), "scale": self.scale[0]}

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
        sides = RULES[self.rule].canvas or self.scale[:1]
        words = [str(round(side * self.image_size / CROP)) for side in reversed(sides)]
        return " x ".join(words) if len(words) > 1 else f"short side {words[0]}"


def settings_for(asked: EvaluateConfig, run: TrainConfig) -> Settings:
    """The requested protocol, with the values that were given instead of its own, on a run.

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
    if asked.short_side and RULES[protocol.views["rule"]].canvas:
        raise ValueError(f"--short-side is fixed by the protocol {name}.")
    given = dataclasses.replace(
        protocol,
        views=protocol.views | options_given(asked),
        short_side=asked.short_side or protocol.short_side,
        crop=asked.crop or protocol.crop,
        average=asked.average or protocol.average,
    )
    options = _clip_options(given, run)
    changed = options != _clip_options(protocol, run)
    return Settings(**vars(options), protocol=name, changed=changed, average=given.average)


def _clip_options(protocol: Protocol, run: TrainConfig) -> ClipOptions:
    """How a protocol views videos with a run's model."""
    short_side = protocol.short_side or run.scale[0]
    if not 1 <= protocol.crop <= short_side:
        raise ValueError(
            f"--crop must be from 1 to the short side {short_side}, got {protocol.crop}."
        )
    scale = round(CROP * short_side / protocol.crop)
    size = round(protocol.crop * run.image_size / CROP)
    return run.clip_options(**protocol.views, image_size=size, scale=(scale, scale))
