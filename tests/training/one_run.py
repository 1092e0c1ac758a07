"""Trains the config in the first argument; after so many steps it sends itself a signal.

python one_run.py CONFIG_AS_JSON STEPS SIGNAL
"""

import json
import os
import signal
import sys

from training import step
from training.config import TrainConfig
from training.train import train

train_a_step = step.Step.train
done = 0


def train_a_step_and_signal(*args, **kwargs):
    global done
    sums = train_a_step(*args, **kwargs)
    done += 1
    if done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.Signals[sys.argv[3]])
    return sums


step.Step.train = train_a_step_and_signal
try:
    train(TrainConfig.from_dict(json.loads(sys.argv[1])))
except (ValueError, OSError) as error:
    sys.exit(f"ctm: {error}")
