"""`ctm train`: a config becomes a run with a trained model."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import ctm_keras
import tfrecords
from ctm_keras.methods import NETWORKS, default_frames
from tfrecords.disk import full_disk_in_words
from tfrecords.manifest import FILE
from tfrecords.storage import absolute, as_path, is_file
from training.batch_norm import freeze_batch_norm, synchronized
from training.callbacks import Checkpoints, SetEpoch, State
from training.config import TrainConfig, flag
from training.data import training_clips, validation_clips
from training.data_wait import DataWait, remedies
from training.devices import require_tensorflow, strategy_for
from training.metrics import metrics
from training.plan import dry_run
from training.run import Run, save_model, versions
from training.schedule import in_words, schedule


def train(config: TrainConfig) -> Run | None:
    """Trains a model, or continues a run that was stopped.

    Args:
        config: What to train, on what, how. With `resume` the run's own config is used.

    Returns:
        The run, with `model.keras` in it; None of a dry run.

    Raises:
        ValueError: If the config, the data set and the weights do not fit together.

    Example:

    >>> from training.train import train
    >>> run = train(TrainConfig(data=Path("data/mine"), out=Path("runs/mine")))

    Reference:
        CTM, section 4.2.
    """
    require_tensorflow()
    strategy = strategy_for(config.devices)  # before TensorFlow runs anything
    resumed = config.resume is not None
    config, facts = reopen(config) if resumed else resolve(config)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    try:
        check_batch(config, strategy)
        with strategy.scope():
            model = build_model(config, facts["class_names"], resumed)
            compile_model(model, config, facts["steps_per_epoch"])
        if config.dry_run:
            dry_run(model, config, facts["steps_per_epoch"])
            return None
        run = Run.open(config.out) if resumed else Run.create(config, facts)
        remedy = f"run `ctm train --resume {run.path}`"
        with (
            full_disk_in_words(run.path, remedy),
            synchronized(model, strategy.num_replicas_in_sync > 1),
        ):
            fit(model, config, run)
            save_model(model, run.model)
    finally:
        keras.config.set_dtype_policy("float32")
    print(f"The model is {run.model}; next: ctm evaluate {run.path}")
    return run


def resolve(config: TrainConfig) -> tuple[TrainConfig, dict[str, Any]]:
    """Checks a config against its data set; every value stands in the one that is returned."""
    if config.data is None:
        raise ValueError("ctm train needs --data DIR, or --resume RUN.")
    config.check()
    weights = config.weights
    if weights == "auto":
        fresh = config.backbone == "tiny" or config.model in NETWORKS
        weights = "none" if fresh else "imagenet"
    elif weights not in ("none", "imagenet"):
        weights = str(Path(weights).resolve())
    data = absolute(config.data)
    out = config.out or Path("runs") / f"{data.name}-{config.model}"
    config = dataclasses.replace(
        config,
        **dataclasses.asdict(config.augmentation),
        data=data,
        out=Run.free_folder(out),
        weights=weights,
        num_frames=config.num_frames or default_frames(config.model, config.method_options),
        learning_rate=config.rate,
    )
    return config, facts_of(config)


def facts_of(config: TrainConfig) -> dict[str, Any]:
    """What a run notes of its data set."""
    manifest = tfrecords.read_manifest(config.data)
    videos = manifest.num_videos(config.train_split)
    if config.batch_size > videos:
        raise ValueError(
            f"--batch-size {config.batch_size} is more than the {videos} videos of the split "
            f"{config.train_split!r} of {config.data}: give --batch-size {videos} or less."
        )
    return {
        "class_names": list(manifest.class_names),
        "data_hash": manifest.hash,
        "frame": dict(manifest.frame),
        "steps_per_epoch": len(training_clips(config, epoch=0)),
    }


def reopen(config: TrainConfig) -> tuple[TrainConfig, dict[str, Any]]:
    """The config and the notes of the run to continue, if its data set is still the same."""
    run = Run.open(config.resume)
    facts = run.read()
    check_only_where(config)
    own = dataclasses.replace(
        run.config,
        data=as_path(config.data or run.config.data),
        out=config.resume,
        devices=config.devices,
        weights=run.start_weights(),
    )
    if not is_file(own.data / FILE):
        raise ValueError(f"{own.data} is gone: say where the data set is now with --data.")
    if tfrecords.read_manifest(own.data).hash != facts["data_hash"]:
        raise ValueError(
            f"{own.data} is not the data set that {run.path} was trained on: its hash differs."
        )
    if facts["versions"] != versions():
        print(f"Continuing with other versions than the run began with: {versions()}")
    return own, facts


def check_only_where(config: TrainConfig) -> None:
    """A resumed run keeps what it does; only where its parts are may be said anew."""
    default = TrainConfig(resume=config.resume, data=config.data, devices=config.devices)
    changed = [
        flag(field.name)
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != getattr(default, field.name)
    ]
    if changed:
        raise ValueError(
            f"A resumed run keeps its own options; {', '.join(changed)} cannot be changed. Only "
            "--data and --devices go with --resume; for other options start a new run."
        )


def check_batch(config: TrainConfig, strategy: tf.distribute.Strategy) -> None:
    """Every device must get the same number of clips."""
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % replicas:
        raise ValueError(
            f"--batch-size {config.batch_size} cannot be shared equally by {replicas} devices."
        )


def build_model(config: TrainConfig, class_names: list[str], resumed: bool = False) -> keras.Model:
    """The model of a config, with what its weights gave and what is fixed printed."""
    model = ctm_keras.build_video_model(
        config.model,
        backbone=config.backbone,
        class_names=class_names,
        num_frames=config.num_frames,
        image_size=config.image_size,
        weights=None if config.weights == "none" else config.weights,
        interpolate_tcc=config.interpolate_tcc,
        dropout=config.dropout,
        **config.method_options,
    )
    if not resumed and config.weights in ("none", "imagenet"):  # a file's is printed as it loads
        print(ctm_keras.adoption_report(model))
    if config.freeze_bn:
        print("Fixed batch norm:", ", ".join(freeze_batch_norm(model, resumed)))
    return model


def compile_model(model: keras.Model, config: TrainConfig, steps_per_epoch: int) -> None:
    """The paper's optimizer and schedule, cross-entropy, top-1 and top-5."""
    rate = schedule(config, steps_per_epoch)
    model.compile(
        optimizer=ctm_keras.SGD(rate, momentum=config.momentum, l2=config.weight_decay),
        loss=ctm_keras.SmoothedCrossentropy(config.label_smoothing),
        metrics=metrics(model.output_shape[-1]),
    )
    model.optimizer.build(model.trainable_variables)


def announce(config: TrainConfig, run: Run, epoch: int, step: int) -> None:
    """Says where a run goes on, and which classes are mirrored."""
    facts = run.read()
    if epoch == config.epochs:
        print(f"All {epoch} epochs are done.")
    elif epoch or step:
        print(f"Continuing at epoch {epoch + 1}, step {step} of {facts['steps_per_epoch']}.")
    print(f"Learning rate: {in_words(config)}")
    for line in tfrecords.flip_report(facts["class_names"], config.flip, config.pairs):
        print(line)


def fit(model: keras.Model, config: TrainConfig, run: Run) -> None:
    """Fits from the saved position to the end."""
    state = State(model, run.states)
    epoch, step = state.restore()
    steps = run.read()["steps_per_epoch"]
    run.trim_log(epoch)
    announce(config, run, epoch, step)
    validation = validation_clips(config)
    variable = tf.Variable(epoch, dtype=tf.int64)
    csv_log = keras.callbacks.CSVLogger(run.log, append=True)
    wait = DataWait(remedies(tfrecords.read_manifest(config.data), config.image_size, config.scale))
    stretches = [(epoch, epoch + 1, step), (epoch + 1, config.epochs, 0)]
    try:
        for first, end, skipped in stretches if step else [(epoch, config.epochs, 0)]:
            model.fit(
                wait.timed(training_clips(config, epoch=variable, step=skipped)),
                validation_data=validation,
                initial_epoch=first,
                epochs=end,
                shuffle=False,  # the data shuffle themselves
                verbose=1 if sys.stdout.isatty() else 2,
                callbacks=[
                    SetEpoch(variable),
                    wait,
                    csv_log,
                    keras.callbacks.TensorBoard(run.tensorboard, write_graph=False),
                    Checkpoints(run, state, steps, skipped, config.save_every),
                ],
            )
    except KeyboardInterrupt:
        print(f"\nStopped; `ctm train --resume {run.path}` goes on from the last saved step.")
        raise
    finally:
        if csv_log.csv_file:  # which Keras leaves open when a run is stopped
            csv_log.csv_file.close()
