"""A trained model for clips of another size: fully convolutional where its layers allow it."""

import keras

from ctm_keras.engine import Unfold


def fit_model(model: keras.Model, num_frames: int, image_size: int) -> keras.Model | None:
    """The same layers and weights over clips of another size.

    Args:
        model: A video model.
        num_frames: Frames of the clips; other than the model's own only where no layer mixes
            frames.
        image_size: Side of the clips in pixels.

    Returns:
        The model itself where it fits, a new one, or None where a layer's weights belong to the
        model's own image size, as TCC's do.

    Raises:
        ValueError: If the model's layers mix frames, and the clips have another number of them.
    """
    _, frames, size, _, _ = model.input_shape
    if (frames, size) == (num_frames, image_size):
        return model
    if frames != num_frames and _mixes_frames(model):
        raise ValueError(
            f"The protocol takes clips of {num_frames} frames, but {model.name} reads {frames} and "
            "its layers mix them: choose a protocol that takes the model's own number (tsm, "
            "analysis-clip), or a TSN."
        )

    def renewed(layer: keras.layers.Layer) -> keras.layers.Layer:
        own = (
            {"num_frames": num_frames} if isinstance(layer, Unfold) and frames != num_frames else {}
        )
        return type(layer).from_config(layer.get_config() | own)

    clip = keras.Input((num_frames, image_size, image_size, 3), name="clip", dtype="float32")
    fitted = keras.models.clone_model(model, input_tensors=clip, clone_function=renewed)
    if [w.shape for w in fitted.weights] != [w.shape for w in model.weights]:
        return None
    fitted.set_weights(model.get_weights())
    return fitted


def _mixes_frames(model: keras.Model) -> bool:
    """Whether a layer sees several frames before the average of the scores."""
    return any(type(x).__module__.startswith("ctm_keras.temporal") for x in model.layers)
