"""Laws of downloading, against a server on loopback that misbehaves on request."""

import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from http_server import HTML_PAGE, Fault, html_page, serving

from settings.config import load_config
from songs.download import Failure, Remote, failure_table, fetch_all

ROOT = Path(__file__).parent.parent
BODY = random.Random(0).randbytes(300_000)
QUICK = ("first_delay_seconds=0.01", "retries=2", "timeout_seconds=5.0")


def settings(*overrides):
    """The [download] section with short pauses."""
    return load_config(None, [f"download.{text}" for text in (*QUICK, *overrides)]).download


def md5(body):
    return "md5:" + hashlib.md5(body).hexdigest()


def sha256(body):
    return "sha256:" + hashlib.sha256(body).hexdigest()


@pytest.fixture
def server():
    with serving({"/a.mp3": BODY, "/b.mp3": BODY, "/wrong.mp3": BODY[::-1]}) as running:
        yield running


@pytest.fixture
def target(tmp_path):
    return tmp_path / "songs" / "a.mp3"


def files_below(folder):
    """Every file under `folder` with its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def arrived(target):
    """Whether the file is whole and nothing else lies beside it."""
    return files_below(target.parent) == {target.name: BODY}


def only_reason(failures):
    assert len(failures) == 1
    return failures[0].reason


@pytest.mark.parametrize("checksum", [md5(BODY), sha256(BODY).upper().replace("SHA", "sha"), ""])
def test_a_file_arrives_under_its_name_with_nothing_beside_it(server, target, checksum):
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), checksum)], settings()) == []
    assert arrived(target)


@pytest.mark.parametrize("checksum", [md5(BODY), ""])
def test_what_is_there_is_not_fetched_again(server, target, checksum):
    file = Remote(target, (server.url("/a.mp3"),), checksum)
    fetch_all([file], settings())
    assert fetch_all([file, file], settings()) == []
    assert len(server.requests) == 1


def test_a_wrong_file_under_the_final_name_is_replaced_or_taken_away(server, target):
    target.parent.mkdir()
    for there, asked in ((BODY[:1000], ["bytes=1000-"]), (b"x" * 1000, ["bytes=1000-", ""])):
        target.write_bytes(there)
        server.requests.clear()
        assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], settings()) == []
        assert arrived(target)
        assert server.asked("/a.mp3") == asked
    target.write_bytes(b"wrong")
    assert fetch_all([Remote(target, (server.url("/none"),), md5(BODY))], settings())
    assert not target.exists()


@pytest.mark.parametrize(
    "fault, requests",
    [
        (Fault(status=500, times=2), ["", "", ""]),
        (Fault(status=503, times=1), ["", ""]),
        (Fault(status=429, times=1), ["", ""]),
        (Fault(drop_after_bytes=100_000, times=1), ["", "bytes=100000-"]),
        (Fault(drop_after_bytes=100_000, times=2), ["", "bytes=100000-", "bytes=200000-"]),
        (Fault(drop_after_bytes=0, times=1), ["", ""]),
        (Fault(status=302, headers={"Location": "/b.mp3"}), [""]),
        (Fault(wait_seconds=0.2), [""]),
    ],
)
@pytest.mark.parametrize("checksum", [md5(BODY), ""])
def test_what_passes_is_tried_again_from_where_the_part_ends(
    server, target, fault, requests, checksum
):
    server.faults["/a.mp3"] = replace(fault)
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), checksum)], settings()) == []
    assert arrived(target)
    assert server.asked("/a.mp3") == requests


@pytest.mark.parametrize(
    "fault, reason, tries",
    [
        (Fault(status=404), "127.0.0.1: 404 Not Found", 1),
        (Fault(status=403), "127.0.0.1: 403 Forbidden", 1),
        (Fault(status=500), "127.0.0.1: 500 Internal Server Error, 3 times", 3),
        (Fault(status=429), "127.0.0.1: 429 Too Many Requests, 3 times", 3),
        (html_page(), "127.0.0.1: an HTML page in place of the file", 1),
        (Fault(body=b"other"), "127.0.0.1: wrong md5", 1),
        (Fault(drop_after_bytes=0), "127.0.0.1: connection broken (", 3),
        (Fault(wait_seconds=2.0), "127.0.0.1: silent for 0.5 s, 3 times", 3),
        (Fault(status=302, headers={"Location": "/a.mp3"}), "Exceeded maximum allowed", 21),
        (Fault(status=302, headers={"Location": "ftp://h/a"}), "protocol 'ftp://'", 1),
        (
            Fault(status=429, headers={"Retry-After": "3600"}),
            "127.0.0.1: 429 Too Many Requests, asks for 3600 s of patience",
            1,
        ),
    ],
)
def test_a_mirror_that_fails_is_named_with_its_reason_and_the_next_one_serves(
    server, target, fault, reason, tries
):
    server.faults["/a.mp3"] = replace(fault)
    quick = settings(*["timeout_seconds=0.5"] * (fault.wait_seconds > 0))
    failures = fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], quick)
    assert reason in only_reason(failures)
    assert len(server.asked("/a.mp3")) == tries
    assert files_below(target.parent) in ({}, {"a.mp3.part": b""})
    both = (server.url("/a.mp3"), server.url("/b.mp3"))
    assert fetch_all([Remote(target, both, md5(BODY))], quick) == []
    assert arrived(target)


def test_every_mirror_of_a_missing_file_is_given_its_reason(server, target):
    server.faults["/b.mp3"] = html_page()
    urls = (server.url("/none"), server.url("/b.mp3"), server.url("/wrong.mp3"))
    failures = fetch_all([Remote(target, urls, md5(BODY))], settings())
    assert only_reason(failures) == (
        "127.0.0.1: 404 Not Found; 127.0.0.1: an HTML page in place of the file; "
        "127.0.0.1: wrong md5"
    )
    assert failures[0].path == target
    nowhere = fetch_all([Remote(target, (), "")], settings())
    assert only_reason(nowhere) == "no address is known"


@pytest.mark.parametrize(
    "url, reason",
    [
        ("http://a:b/", "http://a:b/: Invalid port: 'b'"),
        ("", "missing an 'http://' or 'https://' protocol"),
        ("a.mp3", "a.mp3: Request URL is missing an 'http://' or 'https://' protocol"),
        ("ftp://a/b", "a: Request URL has an unsupported protocol 'ftp://'"),
        ("http://xn--a/", "http://xn--a/: Codepoint U+0080"),
        ("http:///a", "http:///a: Request URL is missing"),
    ],
)
def test_an_address_that_is_none_is_named_and_the_next_one_serves(server, target, url, reason):
    assert reason in only_reason(fetch_all([Remote(target, (url,), "")], settings()))
    assert fetch_all([Remote(target, (url, server.url("/a.mp3")), "")], settings()) == []
    assert arrived(target)


def test_a_server_that_gives_the_rest_in_pieces_is_asked_for_each(server, target):
    """And what it says of the whole file's size is what the file has at the end."""
    target.parent.mkdir()
    target.with_name("a.mp3.part").write_bytes(BODY[:1000])
    piece = {"Content-Range": f"bytes 1000-1005/{len(BODY)}"}
    server.faults["/a.mp3"] = Fault(status=206, headers=piece, answer=BODY[1000:1006], times=1)
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], settings()) == []
    assert arrived(target)
    assert server.asked("/a.mp3") == ["bytes=1000-", "bytes=1006-"]


def test_without_a_checksum_an_html_page_or_nothing_is_no_song(server, target):
    server.faults["/a.mp3"] = html_page()
    server.files["/empty"] = b""
    urls = (server.url("/a.mp3"), server.url("/empty"))
    reason = only_reason(fetch_all([Remote(target, urls, "")], settings()))
    assert "an HTML page in place of the file; 127.0.0.1: an empty file" in reason
    page = target.with_name("page.html")
    assert fetch_all([Remote(page, urls[:1], "")], settings()) == []
    assert files_below(target.parent) == {"page.html": HTML_PAGE}


def test_an_interrupted_file_is_resumed_by_the_next_run_from_any_mirror(server, target):
    server.faults["/a.mp3"] = Fault(drop_after_bytes=100_000)
    none = settings("retries=0")
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], none)
    assert files_below(target.parent) == {"a.mp3.part": BODY[:100_000]}
    assert fetch_all([Remote(target, (server.url("/b.mp3"),), md5(BODY))], none) == []
    assert arrived(target)
    assert server.asked("/b.mp3") == ["bytes=100000-"]


def test_an_error_page_does_not_replace_what_came_before(server, target):
    target.parent.mkdir()
    target.with_name("a.mp3.part").write_bytes(BODY[:1000])
    server.faults["/a.mp3"] = replace(html_page(), ignore_range=True)
    urls = (server.url("/a.mp3"), server.url("/b.mp3"))
    assert fetch_all([Remote(target, urls, md5(BODY))], settings()) == []
    assert arrived(target)
    assert server.asked("/b.mp3") == ["bytes=1000-"]


def test_a_part_that_is_wrong_costs_its_bytes_and_blames_no_mirror(server, target):
    target.parent.mkdir()
    file = Remote(target, (server.url("/a.mp3"),), md5(BODY))
    for junk, first in ((b"x" * 1000, "bytes=1000-"), (BODY + b"x", f"bytes={len(BODY) + 1}-")):
        target.unlink(missing_ok=True)
        server.requests.clear()
        target.with_name("a.mp3.part").write_bytes(junk)
        assert fetch_all([file], settings("retries=0")) == []
        assert arrived(target)
        assert server.asked("/a.mp3") == [first, ""]


@pytest.mark.parametrize("ignore_range", [False, True])
def test_a_part_that_is_whole_is_taken_whether_or_not_ranges_are_known(
    server, target, ignore_range
):
    server.faults["/a.mp3"] = Fault(ignore_range=ignore_range)
    target.parent.mkdir()
    for size in (len(BODY), 1000):
        target.unlink(missing_ok=True)
        target.with_name("a.mp3.part").write_bytes(BODY[:size])
        assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], settings()) == []
        assert arrived(target)


@pytest.mark.parametrize("content_range", ["bytes 0-99/300000", "bytes 500-299999/300000", "none"])
def test_a_range_that_was_not_asked_for_is_never_appended(server, target, content_range):
    target.parent.mkdir()
    target.with_name("a.mp3.part").write_bytes(BODY[:1000])
    server.faults["/a.mp3"] = Fault(status=206, headers={"Content-Range": content_range}, times=1)
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], settings()) == []
    assert arrived(target)
    assert server.asked("/a.mp3") == ["bytes=1000-", ""]


def test_without_a_checksum_only_a_part_of_the_same_version_is_resumed(server, target):
    file = Remote(target, (server.url("/a.mp3"),), "")
    server.faults["/a.mp3"] = Fault(drop_after_bytes=1000)
    assert fetch_all([file], settings("retries=0"))
    del server.faults["/a.mp3"]
    server.files["/a.mp3"] = BODY[::-1]
    assert fetch_all([file], settings()) == []
    assert files_below(target.parent) == {"a.mp3": BODY[::-1]}
    assert server.asked("/a.mp3") == ["", "bytes=1000-"]

    target.unlink()
    target.with_name("a.mp3.part").write_bytes(b"of unknown origin")
    assert fetch_all([file], settings()) == []
    assert files_below(target.parent) == {"a.mp3": BODY[::-1]}
    assert server.asked("/a.mp3")[2:] == [""]


@pytest.mark.parametrize("asked", [lambda: "1", lambda: formatdate(time.time() + 2, usegmt=True)])
def test_a_server_is_given_the_pause_that_it_asks_for(server, target, asked):
    server.faults["/a.mp3"] = Fault(status=429, headers={"Retry-After": asked()}, times=1)
    start = time.monotonic()
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], settings()) == []
    assert time.monotonic() - start > 0.9


def test_no_host_gets_more_requests_at_once_than_is_set(tmp_path):
    bodies = {f"/{number}": f"song {number}".encode() for number in range(40)}
    with serving(bodies, wait_seconds=0.02) as server:
        files = [Remote(tmp_path / p[1:], (server.url(p),), md5(b)) for p, b in bodies.items()]
        assert fetch_all(files, settings("connections_per_host=5")) == []
        assert server.peak == 5
        assert len(server.requests) == 40
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        path[1:]: body for path, body in bodies.items()
    }


def test_a_server_that_cannot_be_reached_is_given_up_once_for_all_files(tmp_path, server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://localhost:{taken.getsockname()[1]}/a.mp3"
        names = [tmp_path / f"{number}.mp3" for number in range(60)]
        few = settings("connections_per_host=2", "first_delay_seconds=0.2")
        start = time.monotonic()
        failures = fetch_all([Remote(name, (dead,), md5(BODY)) for name in names], few)
        assert time.monotonic() - start < 30  # one file after the other takes 90
    assert [failure.path for failure in failures] == names
    reasons = {failure.reason for failure in failures}
    assert len(reasons) == 1
    assert re.fullmatch(r"localhost: cannot be reached \(.+\), 3 times", reasons.pop())
    file = Remote(names[0], (dead, server.url("/a.mp3")), md5(BODY))
    assert fetch_all([file], settings()) == []


def test_a_second_run_fetches_only_what_is_missing(tmp_path):
    bodies = {f"/{number}.mp3": f"song {number}".encode() for number in range(10)}
    with serving(bodies) as server:
        server.faults["/3.mp3"] = Fault(status=404, times=1)
        files = [Remote(tmp_path / p[1:], (server.url(p),), md5(b)) for p, b in bodies.items()]
        failures = fetch_all(files, settings())
        assert [failure.path.name for failure in failures] == ["3.mp3"]
        server.requests.clear()
        assert fetch_all(files, settings()) == []
        assert [request.path for request in server.requests] == ["/3.mp3"]


def test_the_closing_table_names_each_file_and_counts_them_all():
    failures = [Failure(Path(f"d/{n}.mp3"), f"host: {n} Gone") for n in range(9, 69)]
    lines = failure_table(failures).splitlines()
    assert lines[0] == "60 files are missing; the same command fetches the rest:"
    assert lines[1:3] == ["  9.mp3   host: 9 Gone", "  10.mp3  host: 10 Gone"]
    assert lines[-1] == "  and 10 more"
    odd = Failure(Path(os.fsdecode(b"caf\xe9.mp3")), "host: 404 Not Found")
    assert failure_table([odd]).encode().startswith(b"1 file is missing; ")


def test_a_full_disk_ends_in_one_line_and_keeps_other_files(server, target, tmp_path):
    target.parent.mkdir()
    target.with_name("a.mp3.part").symlink_to("/dev/full")
    other = Remote(tmp_path / "b.mp3", (server.url("/b.mp3"),), md5(BODY))
    fetch_all([other], settings())
    file = Remote(target, (server.url("/a.mp3"),), md5(BODY))
    with pytest.raises(
        OSError, match=r"a.mp3: cannot be written \(No space left on device\); free some space or"
    ):
        fetch_all([other, file], settings())
    assert not target.exists()
    assert other.path.read_bytes() == BODY
    target.with_name("a.mp3.part").unlink()
    assert fetch_all([other, file], settings()) == []


def test_a_target_that_cannot_be_written_ends_in_one_line(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "a.mp3"
    with pytest.raises(
        OSError, match=r"a.mp3: cannot be written \((Not a dir|File ex).*download.dir"
    ):
        fetch_all([Remote(path, (server.url("/a.mp3"),), md5(BODY))], settings())


def test_a_file_is_on_the_disk_before_it_has_its_name(server, target, monkeypatch):
    safe = []

    def fsync(number):
        is_part = os.path.samestat(os.fstat(number), os.stat(f"{target}.part"))
        safe.append((is_part, target.exists()))

    monkeypatch.setattr("os.fsync", fsync)
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], settings()) == []
    assert safe == [(True, False)]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_ends_at_once_and_its_bytes_are_not_asked_for_again(server, target, stop):
    """The server keeps silent in the middle of one file and before another."""
    server.faults["/slow"] = Fault(wait_seconds=20.0)
    server.files["/slow"] = BODY
    server.faults["/a.mp3"] = Fault(drop_after_bytes=100_000, times=1)
    code = f"""
from pathlib import Path
from settings.command import run
from settings.config import load_config
from songs.download import Remote, fetch_all
quick = load_config(None, ["download.first_delay_seconds=60.0"]).download
files = [Remote(Path(r"{target}"), ("{server.url("/a.mp3")}",), "{md5(BODY)}"),
         Remote(Path(r"{target}").with_name("b.mp3"), ("{server.url("/slow")}",), "{md5(BODY)}")]
run(lambda: fetch_all(files, quick))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    part = target.with_name("a.mp3.part")
    _wait_until(lambda: part.exists() and part.stat().st_size == 100_000)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=50)  # the next try is a minute off
    if stop == signal.SIGINT:
        assert process.returncode == 130
        assert errors == "interrupted; the same command goes on from what is finished\n"
    assert files_below(target.parent) == {"a.mp3.part": BODY[:100_000]}
    server.requests.clear()
    assert fetch_all([Remote(target, (server.url("/a.mp3"),), md5(BODY))], settings()) == []
    assert server.asked("/a.mp3") == ["bytes=100000-"]
    assert arrived(target)


def _wait_until(condition):
    """Poll for at most two minutes."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
