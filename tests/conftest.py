"""What every test shares: where the real videos are, and quiet logs."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

REAL_VIDEOS = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_videos() -> Path:
    """The folder of real videos beside the project; the test is skipped where it is absent."""
    if not REAL_VIDEOS.is_dir():
        pytest.skip("needs the real videos in ../shared/data, which are not part of the project")
    return REAL_VIDEOS
