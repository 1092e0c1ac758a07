"""ResNet-50 in plain PyTorch, for comparison: torchvision is not needed."""

from torch import nn


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 with the stride, 1 x 1, and a shortcut."""

    def __init__(self, inside: int, channels: int, stride: int, shortcut: bool):
        super().__init__()
        outside = 4 * channels
        self.residual = nn.Sequential(
            *conv_bn(inside, channels, 1),
            nn.ReLU(inplace=True),
            *conv_bn(channels, channels, 3, stride),
            nn.ReLU(inplace=True),
            *conv_bn(channels, outside, 1),
        )
        self.shortcut = nn.Identity()
        if shortcut:
            self.shortcut = nn.Sequential(*conv_bn(inside, outside, 1, stride))

    def forward(self, x):
        return nn.functional.relu(self.residual(x) + self.shortcut(x))


class ResNet50(nn.Module):
    """Images `(batch, 3, height, width)` to scores."""

    def __init__(self, num_classes: int):
        super().__init__()
        parts = [*conv_bn(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
        inside = 64
        for stage, length in enumerate((3, 4, 6, 3)):
            channels = 64 * 2**stage
            for index in range(length):
                stride = 2 if stage and not index else 1
                parts.append(Bottleneck(inside, channels, stride, shortcut=not index))
                inside = 4 * channels
        self.features = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.scores = nn.Linear(inside, num_classes)

    def forward(self, x):
        return self.scores(self.features(x))


def conv_bn(inside: int, outside: int, size: int, stride: int = 1) -> tuple:
    """A convolution without bias and its batch norm."""
    conv = nn.Conv2d(inside, outside, size, stride, size // 2, bias=False)
    return conv, nn.BatchNorm2d(outside)
