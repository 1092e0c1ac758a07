"""On Windows, the import says what to do."""

import runpy
import sys

import pytest

import tfrecords


def test_windows_is_refused_with_advice(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ImportError, match=r"received Windows\. Install WSL"):
        runpy.run_path(tfrecords.__file__)
