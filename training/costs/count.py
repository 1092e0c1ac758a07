"""The cost of a model: parameters, multiply-adds and clips per second."""

import time
from collections.abc import Callable, Iterator
from math import prod

import keras
import numpy as np
import tensorflow as tf


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of all convolutions and matrix products for one clip.

    Counted in TensorFlow's graph of the model, which works for layers of any kind. Sums, batch
    norms and activations are excluded, as in the papers.

    Args:
        model: A video model, on the TensorFlow backend.
    """
    clip = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(clip).graph
    return sum(COUNTS[op.type](op) for op in _operations(graph) if op.type in COUNTS)


def _operations(graph: tf.Graph) -> Iterator[tf.Operation]:
    """The operations of a graph and of the functions it calls, e.g. for grouped convolutions."""
    for op in graph.get_operations():
        yield op
        if op.type in ("PartitionedCall", "StatefulPartitionedCall"):
            yield from _operations(graph._get_function(op.get_attr("f").name).graph)


def trained_parameters(model: keras.Model) -> int:
    """The number of trainable weights, as in papers: without the statistics of batch norms."""
    return sum(prod(weight.shape) for weight in model.trainable_weights)


def activation_bytes(model: keras.Model) -> int:
    """Bytes of the activations of one clip, which a training step keeps for its gradients.

    This is an upper estimate: it includes activations that could be freed or recomputed.

    Args:
        model: A video model, on the TensorFlow backend.
    """
    clip = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    graph = tf.function(lambda x: model(x, training=True)).get_concrete_function(clip).graph
    outputs = (op.outputs[0] for op in _operations(graph) if op.type in KEPT)
    return sum(prod(x.shape) * x.dtype.size for x in outputs if x.shape.is_fully_defined())


def _convolution(op: tf.Operation) -> int:
    """Each output sums over the kernel and the channels of its group."""
    return prod(op.outputs[0].shape) * prod(op.inputs[1].shape[:-1])


def _depthwise(op: tf.Operation) -> int:
    return prod(op.outputs[0].shape) * prod(op.inputs[1].shape[:2])


def _product(op: tf.Operation) -> int:
    transposed = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
    return prod(op.outputs[0].shape) * op.inputs[0].shape[-2 if transposed else -1]


def _einsum(op: tf.Operation) -> int:
    terms = op.get_attr("equation").decode().split("->")[0].split(",")
    pairs = zip(terms, op.inputs, strict=True)
    return prod(
        {name: n for term, x in pairs for name, n in zip(term, x.shape, strict=True)}.values()
    )


KEPT = {  # operations whose outputs a gradient reads
    "Conv2D",
    "Conv3D",
    "DepthwiseConv2dNative",
    "FusedBatchNormV3",
    "Relu",
    "AddV2",
    "Mul",
    "ConcatV2",
    "Pad",
    "MaxPool",
    "MatMul",
    "BatchMatMulV2",
    "Softmax",
    "Transpose",
}

COUNTS: dict[str, Callable[[tf.Operation], int]] = {
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "MatMul": _product,
    "BatchMatMulV2": _product,
    "Einsum": _einsum,
}


def clips_per_second(model: keras.Model, batch_size: int = 1, repeats: int = 3) -> float:
    """The number of clips that a model scores per second: the best of a few steps after the first.

    Args:
        model: A video model.
        batch_size: Clips per step. Defaults to 1.
        repeats: Number of timed steps. Defaults to 3.
    """
    clips = tf.constant(np.zeros((batch_size, *model.input_shape[1:]), "float32"))
    score = tf.function(lambda: model(clips, training=False))
    score().numpy()  # traced
    return batch_size / min(_seconds(score) for _ in range(repeats))


def _seconds(step: Callable) -> float:
    started = time.perf_counter()
    step().numpy()
    return time.perf_counter() - started
