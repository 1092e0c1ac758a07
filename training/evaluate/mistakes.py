"""The most confident mistakes of a model, which often are wrong labels."""

import shlex
from collections.abc import Iterator, Sequence

import numpy as np

from tfrecords.storage import AnyPath
from tfrecords.text import printable
from training.evaluate.predictions import hits


def worst_mistakes(
    ids: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, most: int = 5
) -> list[tuple[str, int, int, float]]:
    """The misclassified videos whose predicted class has the highest probability.

    Args:
        ids: Video ids, `(videos,)`.
        labels: Class indices, `(videos,)`.
        probabilities: Class probabilities, `(videos, num_classes)`.
        most: Maximum number of videos. Defaults to 5.

    Returns:
        The id, the label, the predicted class and its probability of each video, the most
        confident mistake first.
    """
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1  # a label that ties with a class counts as wrong
    predicted, best = others.argmax(axis=1), others.max(axis=1)
    order = np.argsort(-best, kind="stable")
    wrong = order[~hits(labels, probabilities, 1)[order]][:most]
    return [(str(ids[i]), int(labels[i]), int(predicted[i]), float(best[i])) for i in wrong]


def mistakes_in_words(
    mistakes: Sequence[tuple[str, int, int, float]],
    class_names: Sequence[str],
    data: str | AnyPath,
    split: str,
) -> Iterator[str]:
    """A line for each mistake, and the command that shows the videos; none without mistakes."""
    if not mistakes:
        return
    yield f"Most confident mistakes on {split} (sure ones are often wrong labels):"
    for video, label, predicted, probability in mistakes:
        yield (
            f"  {printable(video)}: labeled {printable(class_names[label])}, predicted "
            f"{printable(class_names[predicted])} ({probability:.3f})"
        )
    names = [video for video, *_ in mistakes]
    command = ["ctm", "show", str(data), "--split", split, "--videos", *names]
    yield f"Look at them: {printable(shlex.join(command))}"
