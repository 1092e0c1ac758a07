"""`ctm train`: trains a model and writes its run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

import ctm_keras
import tfrecords
from tfrecords.storage import full_disk_in_words
from training.batches import CLIPS, Sources, has_validation
from training.config.train import TrainConfig
from training.fit.batch_norm import freeze_batch_norm
from training.fit.callbacks import Checkpoints
from training.fit.data_wait import DataWait, remedies
from training.fit.dropout import own_masks
from training.fit.dry_run import dry_run
from training.fit.loop import Loop
from training.fit.mistakes import validation_mistakes
from training.fit.network import Network
from training.fit.optimizer import optimizer_of
from training.fit.precise_bn import trained_norms
from training.fit.preemption import Notice, Preempted
from training.fit.resolve import check_batch, start, what_all_do
from training.fit.resume import check_cache
from training.fit.schedule import in_words
from training.fit.state import State
from training.fit.trunk_cache import TrunkCache
from training.fit.weight_averages import Averages
from training.machines.devices import require_tensorflow, strategy_for
from training.machines.workers import (
    agree,
    count_workers,
    is_chief,
    lost_worker_in_words,
    wait_for_all,
)
from training.run_folder import Run, RunFacts, save_model

DIFFERENT = (
    "All workers must have the same options and data set, received different ones. Start the same "
    "command on every machine."
)


def train(config: TrainConfig) -> Run:
    """Trains a model, or resumes a stopped run.

    Args:
        config: The options of the run. With `resume`, the run's own config is used.

    Returns:
        The run, which contains `model.keras`; after a dry run, its folder does not exist.

    Raises:
        ValueError: If the config is invalid or does not match the data set or the weights.

    Example:
        >>> run = train(TrainConfig(data="data/mine", out=Path("runs/new")))  # doctest: +SKIP

    Reference:
        CTM, section 4.2.
    """
    require_tensorflow()
    check_cache(config)
    strategy = strategy_for(config.devices, config.workers, config.index)  # must come first
    config, facts, resumed = start(config)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    try:
        check_batch(config, strategy)
        with lost_worker_in_words(strategy):
            agree(strategy, what_all_do(config, facts), DIFFERENT)
            with strategy.scope():
                network = Network.of(build_model(config, facts, resumed), config.freeze)
                _compile_model(network, config, facts.steps_per_epoch)
            if config.dry_run:
                dry_run(network, config, facts.steps_per_epoch, strategy)
                return Run(config.folder)
            if network.trunk and config.cached_clips and not resumed:
                cache_of(network.trunk, config, facts).check_space()  # before anything is written
            new = is_chief(strategy) and not resumed
            run = Run.create(config, facts) if new else Run(config.folder)
            with full_disk_in_words(run.path, f"run `ctm train --resume {run.path}`"):
                fit(network, config, facts, run, strategy)
    finally:
        keras.config.set_dtype_policy("float32")
    print(f"Model saved: {run.model}.")
    return run


def build_model(config: TrainConfig, facts: RunFacts, resumed: bool = False) -> keras.Model:
    """Builds the model of a config; prints its loaded weights and its frozen layers."""
    model = ctm_keras.build_video_model(
        config.model,
        backbone=config.backbone,
        class_names=facts.class_names,
        num_frames=config.num_frames,
        image_size=config.image_size,
        weights=None if config.weights == "none" else config.weights,
        interpolate_tcc=config.interpolate_tcc,
        dropout=config.dropout,
        view=facts.view(config).to_dict(),
        **{"preprocessing": facts.preprocessing} | config.method_options,
    )
    if not resumed and config.weights in ("none", "imagenet"):  # a file prints its own report
        print(ctm_keras.adoption_report(model))
    if config.freeze_bn:
        print("Frozen batch norms:", ", ".join(freeze_batch_norm(model, resumed)))
    return model


def _compile_model(network: Network, config: TrainConfig, steps_per_epoch: int) -> None:
    """Compiles the learner with the config's optimizer and schedule, and cross-entropy."""
    learner = network.learner
    if config.precise_bn:
        trained_norms(learner)  # it raises
    learner.compile(
        optimizer=optimizer_of(network.model, config, steps_per_epoch),
        loss=ctm_keras.SmoothedCrossentropy(config.label_smoothing),
    )
    learner.optimizer.build(learner.trainable_variables)


def _announce(config: TrainConfig, facts: RunFacts, epoch: int, step: int, over: bool) -> None:
    """Prints where a run resumes, its learning rate, and which classes are mirrored."""
    if epoch == config.epochs:
        print(f"All {epoch} epochs are finished.")
    elif (epoch or step) and not over:
        print(f"Resuming at epoch {epoch + 1}, step {step} of {facts.steps_per_epoch}.")
    print(f"Learning rate: {in_words(config)}")
    for line in tfrecords.flip_report(facts.class_names, config.flip, config.pairs):
        print(line)
    if not has_validation(config):
        print(f"The data set has no split {config.val_split!r}: training without validation.")


def fit(
    network: Network,
    config: TrainConfig,
    facts: RunFacts,
    run: Run,
    strategy: tf.distribute.Strategy,
) -> None:
    """Trains from the saved position to the end, and saves the model."""
    chief, steps = is_chief(strategy), facts.steps_per_epoch
    model, learner = network.model, network.learner
    averages = Averages(learner, strategy, config.ema)
    state = State(model, learner.optimizer, averages, run.states, chief, config.patience)
    epoch, step = state.restore()
    own_masks(learner, strategy)
    different = (
        f"All workers must see the same saved states in {run.path}, received different ones. Put "
        "the run on a disk that all machines share."
    )
    agree(strategy, f"{epoch} {step}", different)
    _announce(config, facts, epoch, step, state.out_of_patience)
    cache = None
    if network.trunk is not None:
        print(network)
        if config.cached_clips and epoch < config.epochs and not state.out_of_patience:
            cache = cache_of(network.trunk, config, facts)
            cache.fill()
    sources = Sources(cache.training, cache.validation) if cache else CLIPS
    if chief:
        run.trim_log(epoch)
    manifest = tfrecords.read_manifest(config.dataset)
    of_clips = () if cache else remedies(manifest, config.image_size, config.scale)
    wait = DataWait(of_clips)
    checkpoints = Checkpoints(run, model, state, averages, steps, config.save_every)
    with Notice().listening() as notice, _logs(run) as loggers:
        loop = Loop(network, sources, config, strategy, averages, state, steps, notice, wait.timed)
        loop.run(
            keras.callbacks.CallbackList(
                [wait, *loggers, checkpoints] if chief else [checkpoints],
                add_progbar=chief,
                model=learner,
                verbose=1 if sys.stdout.isatty() else 2,
                epochs=config.epochs,
                steps=steps,
            )
        )
    if state.out_of_patience:
        last = int(state.position[0])
        print(f"Finished after epoch {last}: no better top-1 within --patience {config.patience}.")
    with averages.in_the_model():
        if chief:
            run.choose_best() if config.patience else save_model(model, run.model)
            if has_validation(config):
                trained = learner if cache else model
                _print_mistakes(run, trained, sources, config, facts, strategy)
    if cache and not config.cache:
        cache.remove()
    wait_for_all(strategy)  # until the chief has saved


def _print_mistakes(
    run: Run,
    trained: keras.Model,
    sources: Sources,
    config: TrainConfig,
    facts: RunFacts,
    strategy: tf.distribute.Strategy,
) -> None:
    """Prints the most confident mistakes of the saved model on the validation split."""
    at_once = config.batch_size // config.accumulate // strategy.num_replicas_in_sync
    if config.patience:  # the best model was saved, not the last
        trained, sources = run.load_model(), CLIPS
    batches = sources.validation(config, batch_size=at_once)
    for line in validation_mistakes(trained, batches, config, facts.class_names):
        print(line)


def cache_of(trunk: keras.Model, config: TrainConfig, facts: RunFacts) -> TrunkCache:
    """The cache of a run's features."""
    return TrunkCache(trunk, config, facts.data_hash, config.cache_folder)


def next_command(run: Run) -> str:
    """The next command for a trained model: `ctm evaluate` if there is a validation split."""
    if not has_validation(run.config):
        return f"ctm predict {run.path} VIDEO.mp4"
    return f"ctm evaluate {run.path}"


@contextmanager
def _logs(run: Run) -> Iterator[list[keras.callbacks.Callback]]:
    """The callbacks that write the run's logs; prints how to resume a stopped run."""
    csv_log = keras.callbacks.CSVLogger(run.log, append=True)
    board = keras.callbacks.TensorBoard(run.tensorboard, write_graph=False)
    try:
        yield [csv_log, board]
    except (KeyboardInterrupt, Preempted) as stopped:
        where = "this step" if isinstance(stopped, Preempted) else "the last saved step"
        several = "the same command on every machine"
        again = several if count_workers() > 1 else f"`ctm train --resume {run.path}`"
        print(f"\nStopped; {again} resumes from {where}.")
        raise
    finally:
        if getattr(csv_log, "csv_file", None):  # Keras leaves it open when a run is stopped
            csv_log.csv_file.close()
