"""What the tests of the models share: clips, and weights away from their start."""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import keras
import numpy as np
import pytest


def pytest_configure(config):
    # Keras' variables lack a keyword of NumPy 2, which is not this project's to mend.
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def make_clips():
    """Clips of random pixels, uint8."""

    def make(batch=2, frames=8, size=48, seed=0):
        shape = (batch, frames, size, size, 3)
        return np.random.default_rng(seed).integers(0, 256, shape, dtype="uint8")

    return make


@pytest.fixture(scope="session")
def scramble():
    """Moves all weights away from their start, so that no path is zero by chance."""

    def move(model, seed=0):
        rng = np.random.default_rng(seed)
        for weight in model.weights:
            value = keras.ops.convert_to_numpy(weight)
            noise = rng.uniform(-1, 1, value.shape).astype("float32")
            moved = 0.6 + 0.1 * noise if "gamma" in weight.path else value + 0.02 * noise
            weight.assign(np.abs(moved) if "variance" in weight.path else moved)
        return model

    return move


@pytest.fixture(scope="session")
def share_weights():
    """Gives the layers of one model the weights of the layers of the same name of another."""

    def share(source, target):
        for layer in source.layers:
            if layer.weights:
                target.get_layer(layer.name).set_weights(layer.get_weights())

    return share


@pytest.fixture(scope="session")
def run_python():
    """Runs a program in a fresh Python process and returns what it printed."""

    def run(program, *args, **environ):
        env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", **environ}
        command = [sys.executable, "-c", program, *map(str, args)]
        done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=240)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


class _Files(BaseHTTPRequestHandler):
    """Sends the files of its server, or a part of one."""

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.requests.append(wanted)
        data = server.files.get(self.path.rpartition("/")[2])
        if data is None:
            return self.send_error(404)
        start = int(wanted[len("bytes=") : -1]) if wanted and server.ranges else 0
        if start and start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        send = server.sends.pop(0) if server.sends else type(self.wfile).write
        return send(self.wfile, data[start:])

    def log_message(self, *_):
        pass


class _FileServer(ThreadingHTTPServer):
    daemon_threads, block_on_close = True, False

    def handle_error(self, *_):  # the client has left
        pass


@pytest.fixture
def server(monkeypatch):
    """A server in this process.

    `files` by name; `ranges`: whether it sends parts; `sends`: how it answers the next requests;
    `requests`: the range that each asked for.
    """
    monkeypatch.setenv("no_proxy", "*")
    with _FileServer(("127.0.0.1", 0), _Files) as server:
        server.files, server.ranges, server.sends, server.requests = {}, True, [], []
        server.address = f"http://127.0.0.1:{server.server_port}/models"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
