"""`ctm quickstart`: the whole workflow on generated videos."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tfrecords
from training.config.tools import QuickstartConfig
from training.config.train import TrainConfig
from training.evaluate.evaluate import Report, evaluate
from training.evaluate.interval import note, with_interval
from training.fit.train import train
from training.machines.devices import require_tensorflow
from training.pictures.charts import draw_clips
from training.quickstart.videos import write_direction_videos
from training.run_folder import Run
from training.use.config import ExportConfig
from training.use.export import export

VIDEOS_PER_CLASS = 150
EPOCHS = {"tsn": 2, "ctm": 9}  # TSN can only guess, however long it trains
RECIPE: dict[str, Any] = {
    "backbone": "tiny",
    "image_size": 64,
    "scale": (224, 240),
    "interval": 2,
    "batch_size": 16,
    "learning_rate": 0.1,
    "warmup_epochs": 1.0,
    "milestones": (0.75,),
    "dropout": 0.2,
}


def quickstart(config: QuickstartConfig) -> dict[str, Report]:
    """Generates videos, builds shards, trains TSN and CTM, compares, exports and draws predictions.

    Args:
        config: The output folder, new or empty.

    Returns:
        The report of each method.
    """
    require_tensorflow()
    out = config.out
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty. Give another folder as --out.")
    started = time.monotonic()
    videos, data = out / "videos", out / "data"
    print("1/5  Videos: a patch moves left, right, up or down; no single frame shows which.")
    write_direction_videos(videos, VIDEOS_PER_CLASS)
    print("2/5  Shards: ctm build")
    tfrecords.build(videos, data, short_side=64, val_fraction=0.2)
    reports, runs = {}, {}
    for number, method in enumerate(("tsn", "ctm"), start=3):
        print(f"{number}/5  Training {method.upper()}: ctm train --model {method}")
        recipe = {**RECIPE, "epochs": EPOCHS[method]}
        runs[method] = train(TrainConfig(data=data, out=out / method, model=method, **recipe))
        reports[method] = evaluate(runs[method].path, num_clips=3, num_crops=1)
    print("5/5  Export: ctm export, loaded again")
    served = export(ExportConfig(model=runs["ctm"].path, to=out / "served"))
    difference = _check_served(runs["ctm"], served)
    picture = show(runs, out / "predictions.png")
    print(table(reports))
    print(f"Served model: {served} (differs from the trained one by {difference:.1e})")
    print(f"Clips with both methods' predictions: {picture}")
    print(f"Took {time.monotonic() - started:.0f} s. Next, with your own folder of classes:")
    print("  ctm train VIDEOS --out runs/mine")
    return reports


def _some_clips(run: Run, count: int) -> dict[str, np.ndarray]:
    """A few validation clips."""
    config = run.config
    options = config.clip_options()
    batches = tfrecords.clips(
        config.dataset, "val", batch_size=count, with_ids=True, options=options
    )
    return next(batches.as_numpy_iterator())


def _check_served(run: Run, served: Path) -> float:
    """The largest difference between the logits of the served and the trained model."""
    clips = _some_clips(run, 4)["clip"]
    expected = run.load_model().predict_on_batch(clips)
    logits = tf.saved_model.load(str(served)).signatures["serving_default"](tf.constant(clips))
    return float(np.abs(logits["logits"].numpy() - expected).max())


def show(runs: dict[str, Run], path: Path) -> Path:
    """Draws one clip of each class with the prediction of each method."""
    batch = _some_clips(runs["ctm"], 64)
    _, first = np.unique(batch["label"], return_index=True)
    clips, labels = batch["clip"][first], batch["label"][first]
    names = runs["ctm"].facts.class_names
    captions = [f"true: {names[label]}" for label in labels]
    for method, run in runs.items():
        best = run.load_model().predict_on_batch(clips).argmax(axis=1)
        captions = [
            f"{line}   {method.upper()}: {names[guess]}"
            for line, guess in zip(captions, best, strict=True)
        ]
    draw_clips(clips, captions, path)
    return path


def table(reports: dict[str, Report]) -> str:
    """A table of method, top-1 and coverage, with one row per method."""
    scores = {n: with_interval(r.top1, r.videos, "{:.3f}".format) for n, r in reports.items()}
    rows = [f"{'method':8} {'top-1':20}  coverage"]
    rows += [f"{name:8} {scores[name]:20}  {r.coverage}" for name, r in reports.items()]
    return "\n".join([*rows, note(reports["ctm"].videos)])
