"""Dropout on several devices: each draws its own masks."""

import keras
import tensorflow as tf


def own_masks(model: keras.Model, strategy: tf.distribute.Strategy) -> None:
    """Gives each replica its own dropout seeds: adds i to the seeds of replica i.

    Keras initializes, and TensorFlow restores, the same seeds on all replicas, so the clips at the
    same position of each replica's batch would lose the same features. The seeds of the first
    replica are saved.

    Args:
        model: A model with initial or restored weights.
        strategy: Strategy under which it was created.
    """
    seeds = _seeds_of(model)

    def move() -> None:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        for seed in seeds:
            seed.assign_add([tf.cast(replica, seed.dtype), 0])

    tf.function(lambda: strategy.run(move))()


class Seeds:
    """The seeds of a model's dropout on each replica, to be put back after other passes."""

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy):
        self.seeds = _seeds_of(model)
        self.read = tf.function(lambda: strategy.run(self._read))
        self.write = tf.function(lambda seeds: strategy.run(self._write, (seeds,)))

    def _read(self) -> list[tf.Tensor]:
        return [tf.identity(seed) for seed in self.seeds]

    def _write(self, seeds: list[tf.Tensor]) -> None:
        for own, seed in zip(self.seeds, seeds, strict=True):
            own.assign(seed)


def _seeds_of(model: keras.Model) -> list[tf.Variable]:
    return [v.value for v in model.variables if v.name == "seed_generator_state"]
