"""Several machines that train one model: their addresses, and errors when one is lost."""

import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)
UNEVEN = "is joining a group with size"  # TensorFlow's message
DEVICES = (
    "All workers must have the same number of devices, received different numbers. Give --devices "
    "with equally many devices on every machine."
)
WHERE_IT_HAPPENED = re.compile("Graph execution error|Detected at|  File ")


class LostWorkerError(OSError):
    """A worker was lost, which stops the run."""


def set_tf_config(workers: str, index: int) -> None:
    """Sets TF_CONFIG, from which TensorFlow reads the addresses of the machines.

    Args:
        workers: `"host1:port,host2:port"`, the same on every machine.
        index: Position of this machine in the list.

    Raises:
        ValueError: If an argument is malformed.
    """
    hosts = workers.split(",")
    if not all(host.rpartition(":")[0] and host.rpartition(":")[2].isdigit() for host in hosts):
        raise ValueError(f"--workers must be like host1:port,host2:port, received {workers!r}.")
    if len(set(hosts)) < len(hosts):
        raise ValueError(f"--workers must name each machine only once, received {workers}.")
    if not 0 <= index < len(hosts):
        raise ValueError(f"--index must be 0 to {len(hosts) - 1}, received {index}.")
    task = {"type": "worker", "index": index}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": hosts}, "task": task})


def count_workers(strategy: tf.distribute.Strategy | None = None) -> int:
    """The number of machines, from a strategy or TF_CONFIG; 1 if neither names any."""
    if strategy is None:
        try:
            cluster = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
        except (ValueError, AttributeError):
            raise ValueError(
                f"TF_CONFIG must be a JSON object, received {os.environ['TF_CONFIG']!r}."
            ) from None
    else:
        resolver = strategy.cluster_resolver
        cluster = resolver.cluster_spec().as_dict() if resolver else {}
    return sum(len(cluster.get(job, ())) for job in ("chief", "worker")) or 1


def several_machines(workers: str | None) -> bool:
    """Whether `--workers` or, without it, TF_CONFIG names several machines."""
    return (len(workers.split(",")) if workers else count_workers()) > 1


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this machine writes the run."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type == "chief":
        return True
    return resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs


def agree(strategy: tf.distribute.Strategy, value: str, mistake: str) -> None:
    """Waits for all machines and checks that they have the same value.

    Args:
        strategy: The strategy of all machines; with a single machine, nothing happens.
        value: The value that must be the same.
        mistake: The error message if it is not.

    Raises:
        ValueError: If the values differ.
    """
    if count_workers(strategy) == 1:
        return
    number = float(zlib.crc32(value.encode()))

    @tf.function
    def total() -> tf.Tensor:
        numbers = strategy.run(lambda: tf.constant(number, tf.float64))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, numbers, axis=None)

    if total().numpy() != number * strategy.num_replicas_in_sync:
        raise ValueError(mistake)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Waits for all machines, so that none mistakes a finished machine for a lost one."""
    agree(strategy, "", "")


@contextmanager
def lost_worker_in_words(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turns TensorFlow's errors about a lost machine into one sentence.

    Raises:
        LostWorkerError: If a machine is lost.
        ValueError: If machines have different numbers of devices.
    """
    try:
        yield
    except tf.errors.OpError as error:
        lost = isinstance(error, LOST) or "ollective" in str(error)
        if count_workers(strategy) == 1 or not lost:
            raise
        if UNEVEN in str(error):
            raise ValueError(DEVICES) from error
        raise LostWorkerError(
            "Another worker was lost, so all workers stop. Run the same command on every machine "
            f"again to resume from the last saved step. ({_reason_of(error)})"
        ) from error


def _reason_of(error: tf.errors.OpError) -> str:
    """The first line of a message that describes the error and not its location."""
    lines = str(error).strip().splitlines()
    reasons = [line for line in lines if line.strip() and not WHERE_IT_HAPPENED.match(line)]
    return re.sub(r"^\{\{.*?\}\}\s*", "", reasons[0])[:200]
