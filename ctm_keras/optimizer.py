"""SGD with L2 regularization, as in the papers, AdamW, and a step schedule with warm-up."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from .types import Tensor


class _ByVariable(keras.optimizers.Optimizer):
    """What differs between variables: only kernels are decayed, and some learn more slowly."""

    def __init__(self, rate_factors: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate_factors = dict(rate_factors or {})

    def build(self, variables: Sequence[keras.Variable]) -> None:
        super().build(variables)
        paths = [variable.path for variable in variables]
        if unknown := sorted(self.rate_factors.keys() - set(paths)):
            raise ValueError(
                "rate_factors must have paths of variables that are trained, received "
                f"{', '.join(unknown)}."
            )
        self._is_kernel = [variable.name.endswith("kernel") for variable in variables]
        self._factors = [self.rate_factors.get(path, 1.0) for path in paths]

    def _of(self, variable: keras.Variable) -> tuple[bool, float]:
        """Whether a variable is a kernel, and its factor of the learning rate."""
        index = self._get_variable_index(variable)
        return self._is_kernel[index], self._factors[index]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate_factors": dict(self.rate_factors)}


@keras.saving.register_keras_serializable("ctm_keras")
class SGD(_ByVariable, keras.optimizers.SGD):
    """SGD with weight decay as L2 regularization of the gradient, as in the papers.

    Keras' own `weight_decay` is decoupled: it bypasses the gradient and the momentum, and results
    differ after a few steps. This optimizer adds `l2 * kernel` to the gradient of every kernel,
    including depthwise ones. Biases and batch norm are not decayed.

    Args:
        learning_rate: A float or a `keras.optimizers.schedules.LearningRateSchedule`.
        momentum: Momentum, in [0, 1].
        l2: The papers' "weight decay".
        **kwargs: Passed to `keras.optimizers.SGD`. In addition, `rate_factors` maps paths of
            variables, such as `"conv1_conv/kernel"`, to factors of their learning rate.

    Raises:
        ValueError: If `l2` is negative, `weight_decay` is given as well, or `rate_factors` has a
            path that no variable has.

    Example:
        >>> model.compile(ctm_keras.SGD(0.01, l2=1e-4), ctm_keras.SmoothedCrossentropy())

    Reference:
        CTM, section 4.2 (momentum 0.9, weight decay 1e-4).
    """

    def __init__(
        self, learning_rate: Any = 0.02, momentum: float = 0.9, l2: float = 1e-4, **kwargs: Any
    ) -> None:
        if l2 < 0:
            raise ValueError(f"l2 must be at least 0, received {l2}.")
        if kwargs.get("weight_decay"):
            raise ValueError(
                f"weight_decay must be unset, received {kwargs['weight_decay']}. Keras decouples "
                "it from the gradient. Use l2."
            )
        super().__init__(learning_rate=learning_rate, momentum=momentum, **kwargs)
        self.l2 = l2

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Any) -> None:
        is_kernel, factor = self._of(variable)
        if self.l2 and is_kernel:
            gradient = gradient + ops.cast(self.l2, gradient.dtype) * variable
        super().update_step(gradient, variable, learning_rate * factor)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "l2": self.l2}


@keras.saving.register_keras_serializable("ctm_keras")
class AdamW(_ByVariable, keras.optimizers.Adam):
    """Adam with decoupled weight decay: `keras.optimizers.AdamW`, but only kernels are decayed.

    Each step subtracts `learning_rate * weight_decay * kernel` from every kernel, including
    depthwise ones, before the step of Adam. Biases and batch norm are not decayed.

    Args:
        learning_rate: A float or a `keras.optimizers.schedules.LearningRateSchedule`.
        weight_decay: Weight decay.
        **kwargs: Passed to `keras.optimizers.Adam`. In addition, `rate_factors` maps paths of
            variables, such as `"conv1_conv/kernel"`, to factors of their learning rate.

    Raises:
        ValueError: If `weight_decay` is negative, or `rate_factors` has a path that no variable
            has.

    Example:
        >>> model.compile(ctm_keras.AdamW(1e-3), ctm_keras.SmoothedCrossentropy())

    Reference:
        Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """

    def __init__(
        self, learning_rate: Any = 1e-3, weight_decay: float = 0.01, **kwargs: Any
    ) -> None:
        if weight_decay < 0:
            raise ValueError(f"weight_decay must be at least 0, received {weight_decay}.")
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.decoupled = weight_decay

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Any) -> None:
        is_kernel, factor = self._of(variable)
        rate = ops.cast(learning_rate * factor, variable.dtype)
        if self.decoupled and is_kernel:
            self.assign_sub(variable, variable * self.decoupled * rate)
        super().update_step(gradient, variable, rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight_decay": self.decoupled}


@keras.saving.register_keras_serializable("ctm_keras")
class StepSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A step schedule: the learning rate is multiplied by `decay` at each milestone.

    A linear warm-up may precede it.

    Args:
        learning_rate: Learning rate between the warm-up and the first milestone.
        milestones: Steps (batches, not epochs) at which the rate decays.
        decay: Factor of each decay.
        warmup_steps: Number of steps of the warm-up; the last one has the full rate.
        warmup_start: Fraction of the rate at which the warm-up starts, in [0, 1).

    Example:
        >>> rate = StepSchedule(0.02, milestones=[3000, 5000])
        >>> [round(float(rate(step)), 4) for step in (0, 3000, 5000)]
        [0.02, 0.002, 0.0002]

    Reference:
        CTM, section 4.2 (0.02, times 0.1 at epochs 30 and 50 of 60).
    """

    def __init__(
        self,
        learning_rate: float,
        milestones: Sequence[int] = (),
        decay: float = 0.1,
        warmup_steps: int = 0,
        warmup_start: float = 0.0,
    ) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.milestones = [int(step) for step in milestones]
        self.decay = decay
        self.warmup_steps = int(warmup_steps)
        self.warmup_start = warmup_start

    def __call__(self, step: Tensor) -> Tensor:
        step = ops.cast(step, "float32")
        rate = ops.convert_to_tensor(self.learning_rate, "float32")
        for milestone in self.milestones:
            rate = ops.where(step >= milestone, rate * self.decay, rate)
        if self.warmup_steps:
            progress = ops.minimum(1.0, (step + 1.0) / self.warmup_steps)
            rate = rate * (self.warmup_start + (1.0 - self.warmup_start) * progress)
        return rate

    def get_config(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "milestones": self.milestones,
            "decay": self.decay,
            "warmup_steps": self.warmup_steps,
            "warmup_start": self.warmup_start,
        }
