"""A video model without its classifier: the features that describe a clip."""

import keras
from keras import layers

from ..engine.folding import Unfold

HEAD = ("head_pool", "scores_unfold")


def feature_model(model: keras.Model) -> keras.Model:
    """Returns the model that computes the features of a clip: one vector each.

    They are what the classifier reads, averaged over frames: pooled over space, then averaged over
    time, before dropout and the Dense layer, in float32. The classifier is linear and the scores of
    frames are averaged, so the logits are a linear function of this vector.

    Args:
        model: A video model. The new model shares its layers and weights.

    Input shape:
        That of `model`.

    Output shape:
        `(batch, features)`: the channels of the last feature maps, such as 2048 of a ResNet-50; of
        SlowFast, those of both pathways.

    Raises:
        ValueError: If the model is not a video model of this project.

    Example:
        >>> model = build_video_model("ctm", "tiny", 4, image_size=64, weights=None)
        >>> feature_model(model)(np.zeros((2, 8, 64, 64, 3), "float32")).shape
        (2, 64)
    """
    found = {layer.name: layer for layer in model.layers if layer.name in HEAD}
    if len(found) < len(HEAD):
        raise ValueError(
            f"The model must be a video model of ctm_keras, received {model.name}. Build it with "
            "build_video_model, or load a file of this project."
        )
    pool, unfold = (found[name] for name in HEAD)
    frames = Unfold(unfold.num_frames, dtype="float32", name="features_unfold")(pool.output)
    mean = layers.GlobalAveragePooling1D(dtype="float32", name="mean_of_frames")(frames)
    return keras.Model(model.input, mean, name=f"{model.name}_features")
