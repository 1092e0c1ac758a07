"""Dropout on several devices: each draws masks of its own."""

import keras
import tensorflow as tf


def own_masks(model: keras.Model, strategy: tf.distribute.Strategy) -> None:
    """Moves the seeds of dropout apart: in replica i of all machines they are greater by i.

    As Keras makes or TensorFlow restores them, they are the same in all, so that all clips in a
    place of their replica's batch would lose the same features. The saved ones are those of the
    first replica.

    Args:
        model: A model with its start values or its restored ones.
        strategy: Strategy under which it was made.
    """
    seeds = [v.value for v in model.variables if v.name == "seed_generator_state"]

    def move() -> None:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        for seed in seeds:
            seed.assign_add([tf.cast(replica, seed.dtype), 0])

    tf.function(lambda: strategy.run(move))()
