"""What is done with trained models."""

import functools
import sys
from pathlib import Path
from typing import Annotated

import tyro

RunFolder = Annotated[Path, tyro.conf.arg(metavar="RUN", help="Folder of the run.")]


def predict(
    run: tyro.conf.Positional[RunFolder],
    videos: tyro.conf.Positional[tuple[Path, ...]],
    json: bool = False,
    num_clips: int = 10,
    num_crops: int = 1,
    timelines: Path | None = None,
) -> None:
    """Print the five best classes of each video.

    A video of more than two clips' length gets a picture of its classes over time. For example:
      ctm predict runs/mine holiday.mp4
      ctm predict runs/mine *.mp4 --json > classes.json

    Args:
        run: Folder of the run.
        videos: Video files, GIFs, folders of frames or folders of videos.
        json: Print JSON for programs.
        num_clips: Clips of a video, evenly from its start to its end.
        num_crops: 1 (centre), 3, 5 or 10 crops of each clip.
        timelines: Where pictures of long videos go (default: RUN/timelines).
    """
    from training.use.predict import predict

    failed = predict(run, videos, json, num_clips, num_crops, timelines)
    if failed:
        sys.exit(1)


def analyze(
    runs: tyro.conf.Positional[tuple[RunFolder, ...]],
    out: Path = Path("analysis"),
    top: int | None = None,
    orders: bool = False,
    kernels: bool = False,
    views: bool = False,
) -> None:
    """Tell what evaluated models owe to space and to time, beside the TSN among them.

    From the predictions that `ctm evaluate` saved: spatial contribution Phi and temporal
    improvement Psi, temporal and static classes, how alike the models' gains are. Writes
    analysis.json and temporal_gains.png. For example:
      ctm analyze runs/mine-tsn runs/mine-ctm runs/mine-tsm
      ctm analyze runs/mine-ctm --orders
      ctm analyze runs/mine-ctm --kernels
      ctm analyze runs/mine-cost --views

    Args:
        runs: Folders of runs, evaluated on the same split with the same protocol.
        out: Folder for what it writes.
        top: Classes that count as temporal, and as static (default: 10, or half of all).
        orders: Instead evaluate with frames shuffled, reversed and repeated.
        kernels: Instead draw the kernels of the TCC layers over the image.
        views: Instead average the coefficients of CoST's views, by layer and by class.
    """
    if not runs:
        raise ValueError("ctm analyze needs runs: give their folders.")
    if orders + kernels + views + (top is not None) > 1:
        raise ValueError(
            "--orders, --kernels and --views are analyses of their own, and --top is of none of "
            "them: give one of the four."
        )
    if orders:
        from training.analysis.frame_orders import order_tests as lines_of
    elif kernels:
        from training.analysis.kernels import draw_all as lines_of
    elif views:
        from training.analysis.views import view_importances as lines_of
    else:
        from training.analysis.compare import analyze

        lines_of = functools.partial(analyze, top=top)
    for line in lines_of(runs, out):
        print(line)


def report(
    runs: tyro.conf.Positional[tuple[RunFolder, ...]],
    to: Path = Path("report.html"),
    title: str = "Video models",
) -> None:
    """Join runs in one HTML file: tables, curves, confusions with their clips.

    The file opens from disk and loads nothing. For example:
      ctm report runs/mine-tsn runs/mine-ctm --to report.html

    Args:
        runs: Folders of runs; those that `ctm evaluate` scored have their numbers in it.
        to: HTML file to write.
        title: Its heading.
    """
    from training.report.page import report

    report(runs, to, title)
    print(f"Written: {to}")


def explain(
    run: tyro.conf.Positional[RunFolder],
    video: tyro.conf.Positional[Path],
    to: Path,
    class_name: str | None = None,
) -> None:
    """Show where and when in a video the model sees a class, as a GIF or MP4.

    Each frame of the middle clip stands beside its class activation map. For example:
      ctm explain runs/mine holiday.mp4 --to holiday.gif
      ctm explain runs/mine holiday.mp4 --to dive.mp4 --class-name diving

    Args:
        run: Folder of the run.
        video: Video file, GIF or folder of frames.
        to: GIF or MP4 to write.
        class_name: Which class (default: the one that the model sees).
    """
    from training.use.explain import explain

    print(f"{explain(run, video, to, class_name)}\nWritten: {to}")


def export(
    run: tyro.conf.Positional[RunFolder], to: Path, version: int = 1, which: str = "model"
) -> None:
    """Write a trained model as TF Serving wants it.

    For example:
      ctm export runs/mine --to served/mine

    Args:
        run: Folder of the run.
        to: Folder of the served model; its last part is the model's name in the URL.
        version: Number of the version, a folder below.
        which: model (the last) or best (the best on the validation split).
    """
    from training.use.export import export

    print(f"Written: {export(run, to, version, which)}")
