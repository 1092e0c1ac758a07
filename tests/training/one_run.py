"""Trains the config in the first argument; something happens to it in one of its steps.

python one_run.py CONFIG_AS_JSON STEP SIGNAL    after the step it sends itself the signal
python one_run.py CONFIG_AS_JSON STEP OVERFLOW  the step's gradient is infinite on this machine
"""

import json
import os
import signal
import sys

import tensorflow as tf

from training.config import TrainConfig
from training.step import Step
from training.train import train

config, number, event = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
train_a_step = Step.train
done = 0


def train_an_eventful_step(step, *args, **kwargs):
    global done
    done += 1
    if done == number and event == "OVERFLOW":
        step.gradients[0].assign(tf.fill(step.gradients[0].shape, float("inf")))
    sums = train_a_step(step, *args, **kwargs)
    if done == number and event != "OVERFLOW":
        os.kill(os.getpid(), signal.Signals[event])
    print("Steps that were applied:", step.model.optimizer.iterations.value.numpy())
    return sums


Step.train = train_an_eventful_step
try:
    train(TrainConfig.from_dict(config))
except (ValueError, OSError) as error:
    sys.exit(f"ctm: {error}")
