"""Laws of the local page's server: what it answers, whom, how much, and that it keeps nothing."""

import asyncio
import base64
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from bs4 import BeautifulSoup
from conftest import ROOT
from served import Served, served

from songkey import cli
from songkey.detector import Detector
from songkey.listening import Listening
from songkey.matches import compatible
from songkey.page.reply import MOST_FRAMES, reply
from songkey.page.site import Site
from songkey.workers import Order
from songs import synthetic

RATE = 11_025
STATIC = ROOT / "songkey/page/static"


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Path:
    """70 s in a key that the network hears."""
    path = tmp_path_factory.mktemp("song") / "a song.flac"
    made = synthetic.songs(2, 70.0, seed=22)[1]
    soundfile.write(path, synthetic.render(made.audio_path, RATE), RATE)
    return path


@pytest.fixture(scope="module")
def heard(song) -> Listening:
    """What a Detector hears in it."""
    return Detector().listen(song, timeline=True, picture=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page that takes songs up to 4 MB; its temporary folder is shown to be empty."""
    with served(tmp_path_factory.mktemp("temporary"), "--limit-mb", "4") as one:
        yield one


def post(page: Served, body, **headers: str) -> httpx.Response:
    return httpx.post(f"{page.address}song", content=body, headers=headers, timeout=120)


def error_of(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    return response.json()["error"]


def test_a_song_is_answered_as_a_detector_answers_it(page, song, heard):
    answer = post(page, song.read_bytes()).raise_for_status().json()
    estimate = heard.estimate
    assert (answer["key"], answer["camelot"]) == (str(estimate.key), estimate.key.camelot)
    assert answer["clear"] is estimate.is_clear is True
    assert answer["confidence"] == pytest.approx(estimate.confidence, abs=1e-4)
    assert answer["tuning_cents"] == pytest.approx(heard.tuning_cents, abs=0.1)
    for shown, (key, probability) in zip(
        answer["candidates"], estimate.candidates(24), strict=True
    ):
        assert shown["key"] == str(key)
        assert shown["probability"] == pytest.approx(probability, abs=1e-4)
    assert [(one["start_seconds"], one["key"]) for one in answer["timeline"]] == [
        (round(span.start_seconds, 2), str(span.key)) for span in heard.spans
    ]
    assert [(one["key"], one["mixes_as"]) for one in answer["compatible"]] == [
        (str(key), match) for key, match in compatible(estimate.key).items()
    ]
    levels = np.frombuffer(base64.b64decode(answer["cqt"]["levels"]), np.uint8)
    assert np.array_equal(levels, heard.log_cqt.ravel())
    assert heard.log_cqt.shape == (answer["cqt"]["bins"], answer["cqt"]["frames"])
    assert 70 <= answer["cqt"]["seconds"] < 90  # the last interval of 20 s is not full


def test_the_picture_of_a_long_song_keeps_what_is_loud(heard):
    info = Detector().info
    levels = np.zeros((3, 7 * MOST_FRAMES + 5), np.uint8)
    levels[1, 4 * MOST_FRAMES] = levels[2, -1] = 255  # two clicks
    cqt = reply(Listening(heard.estimate, None, (), levels), info)["cqt"]
    shown = np.frombuffer(base64.b64decode(cqt["levels"]), np.uint8).reshape(3, MOST_FRAMES)
    assert shown.sum() == 2 * 255 and shown[2, -1] == 255
    assert shown[1].argmax() == pytest.approx(4 / 7 * MOST_FRAMES, abs=2)


def test_what_has_no_clear_key_mixes_with_nothing(page, tmp_path):
    noise = np.random.default_rng(0).standard_normal(30 * RATE) / 10
    soundfile.write(tmp_path / "noise.flac", noise, RATE)
    answer = post(page, (tmp_path / "noise.flac").read_bytes()).json()
    assert answer["clear"] is False and answer["compatible"] == []


@pytest.mark.parametrize(
    "body, words",
    [(b"no music" * 99, "not audio: it is text; give a"), (b"", "empty file: it has 0 bytes")],
)
def test_what_is_no_song_is_named_without_our_names_for_it(page, body, words):
    assert error_of(post(page, body), 422).startswith(words)


def test_a_stranger_gets_nothing(page, song):
    """Whether by its own name that leads here, or by a script in the same browser."""
    for path in ("", "page.js", "limits", "song"):
        rebound = httpx.get(page.address + path, headers={"Host": "evil.example:80"})
        assert rebound.status_code == 400 and "host" in rebound.text.lower()
    body = song.read_bytes()
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        response = post(page, body, Origin=origin)
        assert "its own page only" in error_of(response, 403)
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert httpx.options(f"{page.address}song", headers={"Origin": "null"}).status_code == 405
    assert post(page, b"", Origin=page.address.rstrip("/")).status_code == 422


def test_nobody_but_this_computer_can_connect(page):
    port = httpx.URL(page.address).port
    others = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port)]
    for address in {one for one in others if not one.startswith("127.") and one != "::1"}:
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=5)


def test_a_song_above_the_limit_is_refused_announced_or_not(page):
    block = bytes(1_000_000)
    for body in (5 * block, (block for _ in range(5))):
        assert error_of(post(page, body), 413) == (
            "larger than 4 MB; give a smaller file, or a higher --limit-mb"
        )
    assert "empty" not in error_of(post(page, (block for _ in range(3))), 422)
    assert httpx.get(f"{page.address}limits").json()["most_bytes"] == 4_000_000


def test_songs_that_come_at_once_are_all_answered_and_nothing_stays_on_the_disk(page, song):
    body = song.read_bytes()
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda each: post(page, each), [body, b"", body]))
    assert [one.status_code for one in answers] == [200, 422, 200]
    assert answers[0].json() == answers[2].json()
    assert not list(page.temporary.iterdir())


def test_a_song_that_takes_too_long_is_ended_and_the_next_is_answered(song, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def two_answers() -> list[httpx.Response]:
        site = Site(Order(), most_bytes=10**7, most_seconds=0.05)
        transport = httpx.ASGITransport(site.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            first = site.worker
            late = await client.post("/song", content=song.read_bytes())
            assert site.worker is not first and not list(tmp_path.iterdir())
            site.most_seconds = 300.0
            answered = await client.post("/song", content=song.read_bytes())
        site.close()
        return [late, answered]

    late, answered = asyncio.run(two_answers())
    assert error_of(late, 504).startswith("not answered within 0.05 s; give a shorter song")
    assert answered.status_code == 200


def test_the_page_runs_nothing_that_is_not_its_own(page):
    response = httpx.get(page.address)
    policy = dict(
        one.split(" ", 1) for one in response.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
    assert "unsafe" not in str(policy) and policy["frame-ancestors"] == "'none'"
    html = BeautifulSoup(response.text, "html.parser")
    assert not [tag for tag in html.find_all(["script", "style"]) if not tag.get("src")]
    assert not [tag for tag in html.find_all(True) for name in tag.attrs if name[:2] == "on"]
    assert not html.find_all(style=True)
    for path in STATIC.iterdir():
        text = httpx.get(page.address + path.name).raise_for_status().text
        assert text == path.read_text("utf-8")
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_ctrl_c_ends_it_quietly_also_while_a_song_is_heard(song, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    samples, _ = soundfile.read(song)
    soundfile.write(tmp_path / "long.wav", np.tile(samples, 40), RATE)  # 47 minutes
    with served(temporary) as page, ThreadPoolExecutor(1) as threads:
        body = (tmp_path / "long.wav").read_bytes()
        threads.submit(post, page, body)
        while not [one for one in temporary.rglob("song") if one.stat().st_size == len(body)]:
            time.sleep(0.01)
        assert page.interrupt() == (0, "")
        assert not list(temporary.iterdir())


def test_a_port_in_use_a_wrong_limit_and_a_missing_library_are_named(called, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = called(cli.main, "page", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: --port {port}: not to be had; give another")
    assert "give 1 to 65535" in called(cli.main, "page", "--port", "70000").stderr
    assert "0: give more than 0" in called(cli.main, "page", "--limit-mb", "0").stderr
    assert "minor prior 7" in called(cli.main, "page", "--minor-prior", "7").stderr
    monkeypatch.delitem(sys.modules, "songkey.page.launch")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "this needs `pip install .[page]` (uvicorn" in called(cli.main, "page").stderr


def test_a_file_that_is_called_page_is_named_by_its_path(called, song, tmp_path, monkeypatch):
    (tmp_path / "page").write_bytes(song.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert called(cli.main, "./page").stdout.splitlines()[1].endswith(" page")
    assert "songkey ./page" in called(cli.main, "--help").stdout
    assert "songkey ./page" in called(cli.main, "page", "--help").stdout
