"""Fits a trained model to clips of another size, if its layers are fully convolutional."""

import keras

from ctm_keras.engine import Unfold


def fit_model(model: keras.Model, num_frames: int, image_size: int) -> keras.Model | None:
    """The same layers and weights for clips of another size.

    Args:
        model: A video model.
        num_frames: Frames per clip; must be the model's number if a layer mixes frames.
        image_size: Side of the clips in pixels.

    Returns:
        The model itself if it fits, a new model, or None if the weights of a layer, such as TCC,
        depend on the image size.

    Raises:
        ValueError: If the model's layers mix frames and the number of frames differs.
    """
    _, frames, size, _, _ = model.input_shape
    if (frames, size) == (num_frames, image_size):
        return model
    if frames != num_frames and _mixes_frames(model):
        raise ValueError(
            f"The protocol's clips must have {frames} frames, since layers of {model.name} mix "
            f"frames, received {num_frames}. Use a protocol with the model's number of frames "
            "(tsm, analysis-clip), or a TSN."
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
    """Whether a layer combines frames before the scores are averaged."""
    return any(type(x).__module__.startswith("ctm_keras.temporal") for x in model.layers)
