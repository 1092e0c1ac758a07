"""Local and remote names, and the error for a missing package."""

import sys
from pathlib import Path

import pytest

from tfrecords.storage.byte_ranges import read_ranges
from tfrecords.storage.files import absolute, as_path, is_remote


@pytest.mark.parametrize("name", ["data/mine", "/data/mine", "s3", "c:/data", "data/s3:"])
def test_local_names_become_paths(name):
    path = as_path(name)
    assert type(path) is type(Path())
    assert path == as_path(path) == Path(name)
    assert not is_remote(path)
    assert absolute(name) == Path(name).resolve()


def test_a_file_url_is_local():
    assert as_path("file:///data/mine") == Path("/data/mine")


@pytest.mark.parametrize("name", ["s3://bucket/mine", "http://host/mine", "memory://mine"])
def test_remote_names_are_unchanged(name):
    path = as_path(name)
    assert is_remote(path)
    assert str(path) == str(absolute(path)) == str(as_path(path)) == name
    assert str(as_path(name + "/")) == name
    assert str(path / "x.tfrecord") == f"{name}/x.tfrecord"


def test_a_url_with_a_missing_slash_is_accepted():
    assert str(as_path(Path("s3://bucket/mine"))) == "s3://bucket/mine"


def test_an_unknown_protocol():
    with pytest.raises(ValueError, match=r"foo://x cannot be opened: .*foo"):
        as_path("foo://x")


@pytest.mark.parametrize(("name", "package", "extra"), [("gs://b/x", "gcsfs", "gcs")])
def test_a_missing_package_is_reported_with_its_command(name, package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=rf'{name} needs .*: pip install "ctm-keras\[{extra}\]"'):
        as_path(name)


def test_byte_ranges_equal_the_content():
    folder = as_path("memory://data")
    content = bytes(range(256)) * 4
    folder.fs.pipe_file(f"{folder.path}/x", content)
    places = [(900, 20), (0, 3), (3, 5), (2, 4), (70, 1), (500, 0)]
    expected = [content[offset : offset + length] for offset, length in places]
    assert read_ranges(folder / "x", places) == expected
    assert read_ranges(folder / "x", []) == []
