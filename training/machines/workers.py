"""Several machines that train one model: who they are, and what happens when one is lost."""

import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)
UNEVEN = "is joining a group with size"  # TensorFlow's words
DEVICES = "The workers have different numbers of devices: --devices must name equally many on all."
WHERE_IT_HAPPENED = re.compile("Graph execution error|Detected at|  File ")


class LostWorkerError(OSError):
    """A machine of several is gone, and with it the run."""


def set_tf_config(workers: str, index: int) -> None:
    """Says in TF_CONFIG, where TensorFlow looks for it, who the machines are.

    Args:
        workers: `"host1:port,host2:port"`, the same on every machine.
        index: Which of them this is.

    Raises:
        ValueError: If the spelling is wrong.
    """
    hosts = workers.split(",")
    if not all(host.rpartition(":")[0] and host.rpartition(":")[2].isdigit() for host in hosts):
        raise ValueError(f"--workers takes host1:port,host2:port, received {workers!r}.")
    if len(set(hosts)) < len(hosts):
        raise ValueError(f"--workers names a machine twice: {workers}.")
    if not 0 <= index < len(hosts):
        raise ValueError(f"--index must be 0 to {len(hosts) - 1}, received {index}.")
    task = {"type": "worker", "index": index}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": hosts}, "task": task})


def count_workers(strategy: tf.distribute.Strategy | None = None) -> int:
    """The number of machines, from TF_CONFIG or a strategy; 1 without."""
    if strategy is None:
        try:
            cluster = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
        except (ValueError, AttributeError):
            raise ValueError(f"TF_CONFIG is no JSON object: {os.environ['TF_CONFIG']!r}.") from None
    else:
        resolver = strategy.cluster_resolver
        cluster = resolver.cluster_spec().as_dict() if resolver else {}
    return sum(len(cluster.get(job, ())) for job in ("chief", "worker")) or 1


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this machine is the one that writes the run."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type == "chief":
        return True
    return resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs


def agree(strategy: tf.distribute.Strategy, value: str, mistake: str) -> None:
    """Waits for all machines and makes sure that they have the same value.

    Args:
        strategy: The strategy of all machines; with a single one nothing happens.
        value: What must be the same.
        mistake: What to say if it is not.

    Raises:
        ValueError: If the machines differ.
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
    """Waits for all machines, so that none takes one that is done for a lost one."""
    agree(strategy, "", "")


@contextmanager
def lost_worker_in_words(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turns what TensorFlow raises when another machine is gone into one sentence.

    Raises:
        LostWorkerError: If a machine is gone.
        ValueError: If a machine has another number of devices.
    """
    try:
        yield
    except tf.errors.OpError as error:
        told = isinstance(error, LOST) or "ollective" in str(error)
        if count_workers(strategy) == 1 or not told:
            raise
        if UNEVEN in str(error):
            raise ValueError(DEVICES) from error
        raise LostWorkerError(
            "another worker was lost, so all stop: start the same command on every machine again, "
            f"it goes on from the last saved step ({_reason_of(error)})"
        ) from error


def _reason_of(error: tf.errors.OpError) -> str:
    """What happened, of a message that also says where."""
    lines = str(error).strip().splitlines()
    told = [line for line in lines if line.strip() and not WHERE_IT_HAPPENED.match(line)]
    return re.sub(r"^\{\{.*?\}\}\s*", "", told[0])[:200]
