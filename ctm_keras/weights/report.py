"""Report of the weights that a model was built with."""

from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class AdoptionReport:
    """Report of the weights that a model was built with.

    Args:
        source: `"imagenet"`, `"video"` (a video model of this project), the name of the project of
            a PyTorch checkpoint, or None.
        adopted: Layers whose weights were loaded.
        new: Layers that are newly initialized.
        unused: Layers of the source whose weights were not used.
        head_started: Whether the head is newly initialized because the classes differ.
        interpolated: TCC kernels that were interpolated, with both sizes.
        class_difference: How the file's classes differ from the model's.
        left_out: Layers without weights that only the file's network has, if its method differs.
        kept: Settings that were taken from the file.
        changed: Settings that differ from the file's: frames, image size.

    Example:
        >>> AdoptionReport("imagenet", adopted=("conv1_conv",), new=("scores",)).new
        ('scores',)
    """

    source: str | None = None
    adopted: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    head_started: bool = False
    interpolated: tuple[str, ...] = ()
    class_difference: str = ""
    left_out: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.source is None:
            return f"All {len(self.new)} layers with weights are newly initialized."
        origin = {"imagenet": "ImageNet", "video": "a video model"}.get(self.source, self.source)
        lines = [f"Weights of {origin}: {len(self.adopted)} layers adopted."]
        lines += [f"{what}: {', '.join(names)}." for what, names in self._named() if names]
        if self.head_started:
            why = f" ({self.class_difference})" if self.class_difference else ""
            lines.append(f"The classes differ from the file's{why}: the head is new.")
        return "\n".join(lines)

    def _named(self) -> Any:
        return (
            ("New", self.new),
            ("Unused", self.unused),
            ("TCC kernels interpolated", self.interpolated),
            ("Left out because the method differs", self.left_out),
            ("As in the file", self.kept),
            ("Different from the file", self.changed),
        )


def adoption_report(model: keras.Model) -> AdoptionReport:
    """Returns the report of the weights that a video model was built with.

    Args:
        model: A video model. If it was loaded from a file, all its layers are adopted.

    Example:
        >>> model = build_video_model("tsn", "tiny", 4, image_size=64, weights=None)
        >>> adoption_report(model).adopted
        ()
    """
    report = getattr(model, "_adoption", None)
    if report is not None:
        return report
    return AdoptionReport("video", tuple(layer.name for layer in model.layers if layer.weights))
