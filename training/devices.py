"""Which devices train: one, all local GPUs, or logical CPUs in tests."""

import re

import keras
import tensorflow as tf


def require_tensorflow() -> None:
    """Raises ValueError when Keras runs on another backend."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Data and training need Keras' TensorFlow backend, but KERAS_BACKEND is "
            f"{keras.backend.backend()!r}: set KERAS_BACKEND=tensorflow."
        )


def strategy_for(devices: str) -> tf.distribute.Strategy:
    """The strategy for `--devices`: MirroredStrategy from two devices on, else the default one.

    Args:
        devices: `"auto"` (all GPUs, else the CPU), `"gpu:0,2"`, `"cpu"` or `"cpu:2"`.

    Raises:
        ValueError: If the spelling is wrong or a device is absent.
    """
    names = device_names(devices)
    if len(names) == 1:
        if names[0].endswith(":0"):
            return tf.distribute.get_strategy()
        return tf.distribute.OneDeviceStrategy(names[0])
    # Unlike NCCL, this all-reduce works on any device, and twice in a process.
    reduction = tf.distribute.HierarchicalCopyAllReduce() if names[0].startswith("CPU") else None
    return tf.distribute.MirroredStrategy(names, cross_device_ops=reduction)


def device_names(devices: str) -> list[str]:
    """`"gpu:0,2"` as `["GPU:0", "GPU:2"]`."""
    gpus = [f"GPU:{i}" for i in range(len(tf.config.list_physical_devices("GPU")))]
    if devices == "auto":
        return gpus or ["CPU:0"]
    if match := re.fullmatch(r"cpu(?::([1-9]\d*))?", devices):
        return logical_cpus(int(match[1] or 1))
    if match := re.fullmatch(r"gpu:(\d+(?:,\d+)*)", devices):
        wanted = [f"GPU:{i}" for i in dict.fromkeys(match[1].split(","))]
        if missing := sorted(set(wanted) - set(gpus)):
            raise ValueError(f"--devices {devices}: no {', '.join(missing)}; there are {gpus}.")
        return wanted
    raise ValueError(f"--devices takes auto, gpu:0,1, cpu or cpu:2, received {devices!r}.")


def logical_cpus(count: int) -> list[str]:
    """Splits the CPU into `count` logical devices, which must happen before its first use."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    if count > 1 and len(tf.config.get_logical_device_configuration(cpu) or [0]) < count:
        try:
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * count
            )
        except RuntimeError:
            raise ValueError(
                f"--devices cpu:{count}: TensorFlow already runs with fewer logical CPUs; "
                "start a new process."
            ) from None
    return [f"CPU:{i}" for i in range(count)]
