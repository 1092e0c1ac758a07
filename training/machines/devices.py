"""Selects the devices: one, all local GPUs, those of several machines, or logical CPUs."""

import re

import keras
import tensorflow as tf

from training.machines.workers import count_workers, set_tf_config


def require_tensorflow() -> None:
    """Raises ValueError when Keras runs on another backend."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "The Keras backend must be 'tensorflow' for data and training, received "
            f"{keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow."
        )


def strategy_for(
    devices: str, workers: str | None = None, index: int = 0
) -> tf.distribute.Strategy:
    """The strategy for `--devices` and `--workers`.

    MultiWorkerMirroredStrategy for several machines, MirroredStrategy for two or more devices,
    otherwise the default strategy or OneDeviceStrategy.

    Args:
        devices: `"auto"` (all GPUs, or the CPU without GPUs), `"gpu:0,2"`, `"cpu"` or `"cpu:2"`.
        workers: `"host1:port,host2:port"`. Defaults to TF_CONFIG, if that is set.
        index: Position of this machine in the list of workers.

    Raises:
        ValueError: If an argument is malformed, a device is missing, or a worker has several CPUs.
    """
    if workers is not None:
        set_tf_config(workers, index)
    names = _device_names(devices)
    if count_workers() > 1:
        return _multi_worker(names)
    if len(names) == 1:
        if names[0].endswith(":0"):
            return tf.distribute.get_strategy()
        return tf.distribute.OneDeviceStrategy(names[0])
    # Unlike NCCL, this all-reduce works on any device, and twice in a process.
    reduction = tf.distribute.HierarchicalCopyAllReduce() if names[0].startswith("CPU") else None
    return tf.distribute.MirroredStrategy(names, cross_device_ops=reduction)


def _multi_worker(names: list[str]) -> tf.distribute.Strategy:
    """The strategy of several machines, each with these devices; waits until all connect."""
    if len(names) > 1 and names[0].startswith("CPU"):
        raise ValueError(
            "A worker must train on GPUs or on one CPU device, received --devices "
            f"cpu:{len(names)}. Use --devices cpu."
        )
    gpus = tf.config.list_physical_devices("GPU")
    taken = [gpu for i, gpu in enumerate(gpus) if f"GPU:{i}" in names]
    tf.config.set_visible_devices(taken, "GPU")
    print(f"Waiting for all {count_workers()} workers to connect.", flush=True)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"The workers could not connect ({reason}). Check that this machine's port is free, "
            "that --workers is the same on all machines, and that TensorFlow has not been used "
            "before in this process."
        ) from error


def _device_names(devices: str) -> list[str]:
    """`"gpu:0,2"` as `["GPU:0", "GPU:2"]`."""
    gpus = [f"GPU:{i}" for i in range(len(tf.config.list_physical_devices("GPU")))]
    if devices == "auto":
        return gpus or ["CPU:0"]
    if match := re.fullmatch(r"cpu(?::([1-9]\d*))?", devices):
        return logical_cpus(int(match[1] or 1))
    if match := re.fullmatch(r"gpu:(\d+(?:,\d+)*)", devices):
        wanted = [f"GPU:{i}" for i in dict.fromkeys(match[1].split(","))]
        if missing := sorted(set(wanted) - set(gpus)):
            raise ValueError(
                f"--devices must name existing GPUs ({', '.join(gpus) or 'none'}), received "
                f"{', '.join(missing)}."
            )
        return wanted
    raise ValueError(f"--devices must be like auto, gpu:0,1, cpu or cpu:2, received {devices!r}.")


def logical_cpus(count: int) -> list[str]:
    """Splits the CPU into `count` logical devices; must be called before TensorFlow uses it."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    if count > 1 and len(tf.config.get_logical_device_configuration(cpu) or [0]) < count:
        try:
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * count
            )
        except RuntimeError:
            raise ValueError(
                f"--devices cpu:{count} requires a new process: TensorFlow already runs with fewer "
                "logical CPUs."
            ) from None
    return [f"CPU:{i}" for i in range(count)]
