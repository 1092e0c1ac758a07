"""Image backbones that are missing in keras.applications, with the same signature."""

from .inception_v1 import Inception_V1
from .tiny import Tiny
from .tv_resnet import TV_ResNet18, TV_ResNet34, TV_ResNet50, TV_ResNet101, TV_ResNet152

__all__ = [
    "Inception_V1",
    "TV_ResNet18",
    "TV_ResNet34",
    "TV_ResNet50",
    "TV_ResNet101",
    "TV_ResNet152",
    "Tiny",
]
