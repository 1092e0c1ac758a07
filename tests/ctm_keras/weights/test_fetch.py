"""A file is downloaded whole and checked, or not at all; what was received is not sent again."""

import hashlib
import time
from threading import Event, Thread

import numpy as np
import pytest

from ctm_keras.weights import fetch as module
from ctm_keras.weights.fetch import alone, fetch

DATA = np.random.default_rng(0).bytes(200_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
NAME = "net-12345678.pth"


@pytest.fixture
def get(server, tmp_path):
    """Fetches the file into an empty folder."""
    server.files[NAME] = DATA

    def get(sha256=SHA256[:8], name=NAME):
        path = fetch(f"{server.address}/{name}", sha256, tmp_path)
        assert path.read_bytes() == DATA
        assert [file.name for file in tmp_path.iterdir()] == [NAME]

    return get


def cut(out, data):
    out.write(data[:50_000])


def test_a_file_is_downloaded_once(get, server, capsys):
    get()
    get()
    assert server.requests == [None]
    assert f"Downloading {server.address}/{NAME}\n" in capsys.readouterr().out


def test_a_transfer_that_is_cut_goes_on_where_it_stopped(get, server):
    server.sends = [cut, cut]
    get()
    assert server.requests == [None, "bytes=50000-", "bytes=100000-"]


def test_one_that_is_always_cut_is_one_sentence_and_goes_on_later(get, server, tmp_path):
    server.sends = [cut, *[lambda out, data: None] * 4]
    with pytest.raises(ValueError, match=r"connection was lost after 50,000 bytes\). Run it again"):
        get()
    assert [file.name for file in tmp_path.iterdir()] == [f"{NAME}.part"]
    get()
    assert server.requests == [None, *["bytes=50000-"] * 5]


def test_a_server_that_sends_no_parts_starts_again(get, server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(DATA[:1000])
    server.ranges = False
    get()
    assert server.requests == ["bytes=1000-"]


def test_a_process_that_ended_before_the_check(get, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(DATA)
    get()


def test_a_part_of_another_file_is_removed(get, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(b"old" * 100)
    with pytest.raises(ValueError, match="must start with"):
        get()
    get()


def test_another_digest_is_one_sentence_and_the_file_is_removed(get, server, tmp_path):
    with pytest.raises(ValueError, match="sha256") as error:
        get("0000abcd")
    assert str(error.value).startswith(
        f"The sha256 of {tmp_path / NAME}.part must start with 0000abcd, as that of "
        f"{server.address}/{NAME}, received {SHA256}. The file was not opened and is removed."
    )
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_put_there_is_checked(get, server, tmp_path):
    (tmp_path / NAME).write_bytes(DATA[:-1])
    with pytest.raises(ValueError, match="must start with"):
        get()
    (tmp_path / NAME).write_bytes(DATA)
    get()
    assert server.requests == []


def test_a_server_that_stalls_is_left(get, server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    end = Event()
    server.sends = [lambda out, data: (cut(out, data), end.wait(10))]
    with pytest.raises(ValueError, match=r"\(nothing was received for 0.2 seconds\)"):
        get()
    end.set()
    assert (tmp_path / f"{NAME}.part").stat().st_size == 50_000
    get()


def test_a_slow_server_is_not(get, server, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.3)

    def slow(out, data):
        for start in range(0, len(data), 20_000):
            out.write(data[start : start + 20_000])
            time.sleep(0.05)

    server.sends = [slow]
    get()
    assert server.requests == [None]


def test_without_a_network_the_file_and_its_place_are_named(tmp_path):
    address = f"http://127.0.0.1:9/models/{NAME}"
    with pytest.raises(ValueError, match="refused") as error:
        fetch(address, SHA256, tmp_path)
    start, end = str(error.value).split(" (")
    assert start == f"{NAME} could not be downloaded from {address}"
    assert end.endswith(f"download the file on another machine and put it into {tmp_path}.")
    assert not list(tmp_path.iterdir())


def test_an_address_without_a_file(get):
    with pytest.raises(ValueError, match=r"x.pth could not .*\(HTTP Error 404: Not Found\)"):
        get(name="x.pth")


def test_who_comes_second_waits(tmp_path, capsys):
    order, entered = [], Event()

    def second():
        entered.wait()
        with alone(tmp_path / "x.lock", "fetches x"):
            order.append("second")

    thread = Thread(target=second)
    thread.start()
    with alone(tmp_path / "x.lock", "fetches x"):
        entered.set()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert capsys.readouterr().err == "Waiting for another process that fetches x.\n"
