"""Writes docs/models.md: the methods, their costs next to the papers', their backbones.

    python benchmarks/models_page.py --speed speed.md    # half an hour
    python benchmarks/models_page.py --quick             # half a minute

`speed.md` is what `python benchmarks/model.py` printed; without it the page keeps its figures.
`--quick` rewrites the table of methods and the table of backbones and keeps the rest.
"""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import ctm_keras
from training.costs.count import multiply_adds, trained_parameters
from training.costs.table import compatibility, cost_table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "models.md"
REFERENCES = list((ROOT / "tests/ctm_keras/reference/goldens").glob("*.json"))


@dataclass(frozen=True)
class Published:
    """A model whose cost somebody printed.

    Args:
        source: where.
        method: of the model.
        backbone: of the model.
        classes: of the model.
        frames: of a clip.
        size: height and width in pixels.
        giga: multiply-adds of a clip, in thousands of millions; the papers say FLOPs.
        parameters: as printed.
        options: of the method.
    """

    source: str
    method: str
    backbone: str
    classes: int
    frames: int
    size: int
    giga: float
    parameters: str = ""
    options: dict = field(default_factory=dict)


STM = "STM, Table 9"
IBM = "IBM's log of 87 classes"
ANALYSIS = "analysis, Table 6"
SLOWFAST = "SlowFast, Table 2"
ALL_OF_RES4 = {"variant": "8x8", "temporal_blocks": 23}  # PySlowFast's own network has 6
PUBLISHED = (
    Published(STM, "tsm", "tv_resnet50", 174, 8, 224, 32.9, "23.9 M"),
    Published(STM, "stm", "tv_resnet50", 174, 8, 224, 33.3, "24.0 M"),
    Published(IBM, "tsn", "tv_resnet50", 87, 8, 224, 32.70, "23,686,295"),
    Published(IBM, "tam", "tv_resnet50", 87, 8, 224, 32.83, "23,725,655"),
    Published(IBM, "i3d", "tv_resnet50", 87, 8, 224, 64.18, "46,339,607"),
    Published(IBM, "s3d", "tv_resnet50", 87, 8, 224, 39.52, "27,485,079"),
    Published(ANALYSIS, "tam", "tv_resnet50", 400, 32, 256, 171.5),
    Published(ANALYSIS, "i3d", "tv_resnet50", 400, 32, 256, 335.3),
    Published(ANALYSIS, "tam", "tv_resnet101", 400, 32, 256, 327.1),
    Published(ANALYSIS, "i3d", "tv_resnet101", 400, 32, 256, 654.7),
    Published(ANALYSIS, "slowfast", "resnet50", 400, 32, 256, 65.7, "", {"variant": "8x8"}),
    Published(ANALYSIS, "slowfast", "resnet101", 400, 32, 256, 125.9, "", ALL_OF_RES4),
    Published(ANALYSIS, "slowfast", "resnet101", 400, 64, 256, 213.0, "", {"variant": "16x8"}),
    Published(SLOWFAST, "slowfast", "resnet50", 400, 32, 256, 36.1, "", {"variant": "4x16"}),
    Published(SLOWFAST, "slowfast", "resnet101", 400, 32, 256, 106.0, "", {"variant": "8x8"}),
)


def main():
    """Writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", type=Path, help="what benchmarks/model.py printed")
    parser.add_argument("--quick", action="store_true", help="keep all measured figures")
    args = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    parts = [HEAD, methods(), COSTS]
    parts += [kept(page, COSTS, PROOF) if args.quick else costs(), PROOF, PAPERS]
    parts += [kept(page, PAPERS, FITS) if args.quick else compared_with_papers(), FITS, fits()]
    speed = args.speed.read_text(encoding="utf-8") if args.speed else page.partition(SPEED)[2]
    PAGE.write_text("\n\n".join([*parts, SPEED, speed.strip()]) + "\n", encoding="utf-8")
    print(f"Written: {PAGE}")


def kept(page: str, head: str, end: str) -> str:
    """The table of the page that ends the section of a heading, whatever the text above it."""
    first, last = (f"\n{text.splitlines()[0]}\n" for text in (head, end))
    return page.partition(first)[2].partition(last)[0].strip().rpartition("\n\n")[2]


HEAD = """# Models

What each method is, what it costs, and on which backbones it works. H, W and T are height, width
and time; Res2 to Res5 are the stages of a ResNet. `python benchmarks/models_page.py` writes this
page.

## Methods"""

COSTS = """## What they cost
A clip has 8 frames of 224 x 224 (32 or 64 for SlowFast's variants), there are 400 classes, and the
backbone is `tv_resnet50`, the ResNet-50 of torchvision, whose costs the papers print. `ctm models
--table --backbone tv_resnet50` prints this table on your machine. CoST, its baselines `c2d` and
`c3d`, and `i3d_3x1x1` halve the number of frames after the first layers, so they cost less than
TSN. The column clips/s is a quick measurement on two cores: the fastest of three steps with one
clip. [Speed](#speed) has careful measurements, medians of several rounds, which differ from these
by up to 14%."""

PROOF = f"""## Compared with the original implementations
`tests/ctm_keras/reference` compares {len(REFERENCES)} networks with the original PyTorch code
(IBM's, TSM's, mmaction2's, PySlowFast's, CoST's, and STM's by its author). Each original network
gets weights from a formula; `ctm_keras.import_weights` converts them. Both networks then score two
clips in each of two shapes. The largest difference of their logits, relative to the largest logit,
was 9.1e-6 for softmax non-local blocks and 2e-6 for all others (2026-11-21). These differences come
from rounding and depend on the weights: with other weights, one reached 2.5e-5 on ResNet-101. For
comparison, reversing a clip changes the logits of networks that see order by 3e-3 to 5e-1. The
parameter counts are equal, except for biases that change no score: IBM's S3D on Inception has
biases before batch norms, which this library omits, and each non-local block has one bias that
mmaction2 omits."""

PAPERS = """## Compared with the papers' figures
Multiply-adds of one clip, which the papers call FLOPs, counted from the model's graph, and
parameters. In parentheses is ours divided by theirs. "IBM's log" is a log of
IBM/action-recognition-pytorch; "analysis" is [arXiv 2010.11757](https://arxiv.org/abs/2010.11757)."""

FITS = """## Which method works on which backbone
SlowFast is not in this table: it builds its own pathways, with the depth of ResNet-50 or ResNet-101
only. Nor does it hold for `--options stages=head`: with this option, `ctm`, `stm`, `tsm`, `tam`,
`nonlocal`, `conv`, `avg` and `max` work on all backbones except NASNet.

MobileNet alternates depthwise k x k and ordinary 1 x 1 convolutions. `i3d`, `s3d` and `stm`, which
elsewhere work on the k x k convolution of a block, work on the 1 x 1 convolution there: `i3d`, for
example, inflates it to 3 x 1 x 1. In MobileNetV2, MobileNetV3 and EfficientNet they work on the
depthwise convolution, which `i3d` cannot inflate."""

SPEED = "## Speed"


def methods() -> str:
    """The methods, each with its line."""
    lines = [f"| `{name}` | {line} |" for name, line in ctm_keras.list_models().items()]
    return "\n".join(["| method | what it is |", "|---|---|", *lines])


def costs() -> str:
    """The table of costs."""
    return "\n".join(["```", *cost_table("tv_resnet50", 8), "```"])


def compared_with_papers() -> str:
    """Published costs next to those of this library's models."""
    lines = [
        "| source | model | theirs | ours | parameters, theirs | ours |",
        "|---|---|---|---|---|---|",
    ]
    for row in PUBLISHED:
        keras.backend.clear_session()
        shape = (row.classes, row.frames, row.size)
        model = ctm_keras.build_video_model(
            row.method, row.backbone, *shape, weights=None, **row.options
        )
        giga = multiply_adds(model) / 1e9
        options = "".join(f" {option}={value}" for option, value in row.options.items())
        name = f"{row.method} {row.backbone}{options}"
        lines.append(
            f"| {row.source} | {name}, {row.frames} x {row.size} | {row.giga:.1f} G | {giga:.1f} G "
            f"({giga / row.giga:.3f}) | {row.parameters} | {trained_parameters(model):,} |"
        )
    return "\n".join(lines)


def fits() -> str:
    """The backbones, each with the methods that do not support it, and why."""
    return "\n".join(
        ["| backbones | methods that do not work, and why |", "|---|---|", *compatibility()]
    )


if __name__ == "__main__":
    main()
