"""Validates the content of a dataset.json: types, names of files, counts.

The checksum detects damage, not malice: anyone who writes a data set can write its checksum.
Content that passes these checks is safe to use: shards are inside the folder, text is valid.
"""

from collections.abc import Iterable
from typing import Any


def check_content(content: dict[str, Any]) -> None:
    """Raises ValueError with the reason unless `content` is valid.

    Args:
        content: The JSON object of a dataset.json.
    """
    _texts("class_names", _typed("class_names", content["class_names"], list))
    for name in ("frame", "splits", "versions", "source", "missing"):
        _typed(name, content.get(name, {}), dict)
    _typed("source", content.get("source", {}).get("asked", {}), dict)
    _texts("splits", list(content["splits"]))
    for counts in content["splits"].values():
        _counts("splits", [counts["videos"], counts["frames"]])
    for shard in _typed("shards", content["shards"], list):
        _check_shard(shard, content["splits"])
    files = [shard["file"] for shard in content["shards"]]
    _unless("shards", len(set(files)) == len(files), "must list each file once")
    for failure in _typed("failures", content["failures"], list):
        _texts("failures", _typed("failures", failure, dict).values())
    for name, check in NOTES.items():
        check(name, _typed(name, content.get(name, {}), dict).values())
    for ids in content.get("missing", {}).values():
        _texts("missing", _typed("missing", ids, list))


def is_file_name(name: object) -> bool:
    """Whether a name is that of a file directly inside the folder that it is joined to."""
    if not isinstance(name, str) or not _is_text(name) or name in ("", ".", ".."):
        return False
    return not any(part in name for part in "/\\\0")


def _check_shard(shard: Any, splits: dict[str, Any]) -> None:
    _typed("shards", shard, dict)
    name = shard["file"]
    _unless("shards", is_file_name(name), f"must be files of this folder, received {name!r}")
    known = _is_text(shard["split"]) and shard["split"] in splits
    _unless("shards", known, f"must each have a split, {name} has none")
    _counts("shards", [shard["bytes"]])
    _texts("shards", [shard["sha256"], shard["index_sha256"]])
    _texts("shards", _typed("shards", shard["videos"], list))


def _typed(place: str, value: Any, kind: type) -> Any:
    _unless(place, isinstance(value, kind), f"must be a {kind.__name__}, received {_short(value)}")
    return value


def _texts(place: str, values: Iterable[Any]) -> None:
    for value in values:
        _unless(place, _is_text(value), f"must be text, received {_short(value)}")


def _lists_of_times(place: str, values: Iterable[Any]) -> None:
    for value in values:
        for time in _typed(place, value, list):
            _typed(place, time, float)


NOTES = {  # mappings from a video's id, and the function that checks their values
    "groups": _texts,
    "as_frames": _texts,
    "clock_jumps": _lists_of_times,
}


def _counts(place: str, values: Iterable[Any]) -> None:
    for value in values:
        sound = type(value) is int and 0 <= value < 1 << 63
        _unless(place, sound, f"must be a count, received {_short(value)}")


def _is_text(value: Any) -> bool:
    """Whether a value is a str that can be written as UTF-8, without lone surrogates."""
    return isinstance(value, str) and value.encode(errors="replace").decode() == value


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _unless(place: str, sound: bool, reason: str) -> None:
    if not sound:
        raise ValueError(f"{place} {reason}")
