"""What the README shows is what runs."""

import re
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


# Keras warns of its own default whenever it is given a tf.data.Dataset.
@pytest.mark.filterwarnings("ignore:.shuffle=True. was passed:UserWarning")
def test_the_notebook_code_runs(directions):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    small = {
        '"data/mine"': repr(str(directions)),
        "batch_size=32": "batch_size=8",
        "epochs=30": "epochs=1, verbose=0",
        "ctm_keras.CTMResNet50(": 'ctm_keras.build_video_model("ctm", "tiny", weights=None, ',
    }
    for there, here in small.items():
        assert there in code
        code = code.replace(there, here)
    scope = {}
    exec(code, scope)
    assert isinstance(scope["model"], keras.Model)


def test_links_lead_somewhere():
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).exists(), link
