"""Trains the config in the first argument; it sends itself a signal after the given steps.

python one_run.py CONFIG_AS_JSON STEPS SIGNAL CPUS BLOCKS_OF_TINY

With several CPUs, it is a worker with that many devices, like a machine with several GPUs.
"""

import json
import os
import signal
import sys
from unittest import mock

from tensorflow.python.distribute.collective_all_reduce_strategy import CollectiveAllReduceExtended

from ctm_keras.backbones import tiny
from training.config.train import TrainConfig
from training.fit import step
from training.fit.train import train
from training.machines.devices import logical_cpus

train_a_step = step.Step.train
done = 0


def train_a_step_and_signal(*args, **kwargs):
    global done
    sums = train_a_step(*args, **kwargs)
    done += 1
    if done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.Signals[sys.argv[3]])
    return sums


cpus = logical_cpus(int(sys.argv[4]))


def local_cpus(self, resolver, worker):
    return tuple(f"{worker}/device:{cpu}" for cpu in cpus), "CPU"


tiny.BLOCKS = json.loads(sys.argv[5])
step.Step.train = train_a_step_and_signal
try:
    with mock.patch.object(CollectiveAllReduceExtended, "_initialize_local_devices", local_cpus):
        train(TrainConfig.from_dict(json.loads(sys.argv[1])))
except (ValueError, OSError) as error:
    sys.exit(f"ctm: {error}")
