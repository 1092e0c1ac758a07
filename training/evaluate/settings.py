"""A protocol applied to a model, with every value filled in."""

import dataclasses
from dataclasses import dataclass
from typing import Any, cast

from tfrecords import ClipOptions
from tfrecords.sampling import CROP
from tfrecords.sampling.rules import RULES
from tfrecords.text import counted
from training.config.clips import options_given
from training.evaluate.config import ProtocolConfig
from training.evaluate.protocols import PROTOCOLS, Protocol, ProtocolName
from training.view import View


@dataclass(frozen=True, kw_only=True)
class Settings(ClipOptions):
    """How videos are viewed and their scores averaged; `str` describes it in words.

    Args:
        protocol: The protocol's name.
        changed: Whether the views differ from the protocol's.
        average: What to average over views, `"probabilities"` or `"logits"`.
        own_size: Side of a crop in the protocol, if the model supports only its own size.
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
        """The settings as values that JSON supports."""
        return {**vars(self), "scale": self.scale[0]}

    def in_own_size(self, image_size: int) -> "Settings":
        """The same views, with crops resized to the image size of the model."""
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
        """The size to which frames are scaled, as text."""
        sides = RULES[self.rule].canvas or self.scale[:1]
        words = [str(round(side * self.image_size / CROP)) for side in reversed(sides)]
        return " x ".join(words) if len(words) > 1 else f"short side {words[0]}"


def settings_for(requested: ProtocolConfig, view: View) -> Settings:
    """The requested protocol, overridden by the given options, for a model.

    Args:
        requested: The options of `ctm evaluate` that concern the views.
        view: How the model's clips are made from videos.

    Raises:
        ValueError: If the protocol is unknown, or an option cannot be combined with it.
    """
    name = cast(ProtocolName, requested.protocol or view.protocol)
    if name not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, received {name!r}.")
    protocol = PROTOCOLS[name]
    if requested.short_side and RULES[protocol.views["rule"]].canvas:
        raise ValueError(
            f"--short-side is fixed by the protocol {name}, received {requested.short_side}. "
            "Remove --short-side or use another protocol."
        )
    given = dataclasses.replace(
        protocol,
        views=protocol.views | options_given(requested),
        short_side=requested.short_side or protocol.short_side,
        crop=requested.crop or protocol.crop,
        average=requested.average or protocol.average,
    )
    options = _clip_options(given, view.clips)
    changed = options != _clip_options(protocol, view.clips)
    return Settings(**vars(options), protocol=name, changed=changed, average=given.average)


def _clip_options(protocol: Protocol, trained: ClipOptions) -> ClipOptions:
    """The clip options of a protocol for a model that was trained with others."""
    short_side = protocol.short_side or trained.scale[0]
    if not 1 <= protocol.crop <= short_side:
        raise ValueError(
            f"--crop must be from 1 to the short side {short_side}, received {protocol.crop}."
        )
    scale = round(CROP * short_side / protocol.crop)
    size = round(protocol.crop * trained.image_size / CROP)
    views: dict[str, Any] = {**protocol.views, "image_size": size, "scale": (scale, scale)}
    return dataclasses.replace(trained, **views)
