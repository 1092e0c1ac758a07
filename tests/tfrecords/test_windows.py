"""On Windows, the import error has a remedy."""

import runpy
import sys

import pytest

import tfrecords


def test_windows_is_rejected_with_a_remedy(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ImportError, match=r"received Windows\. Install WSL"):
        runpy.run_path(tfrecords.__file__)
