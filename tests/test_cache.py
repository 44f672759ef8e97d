"""Laws of the cache: whole or not there, one download a machine, never more bytes than allowed."""

import hashlib
import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress

import pytest
from http_server import Fault, serving

from storage import places
from storage.cache import Cache
from storage.places import RemotePath, StorageError

FILE_BYTES = 100_000
BODIES = [random.Random(number).randbytes(FILE_BYTES) for number in range(8)]
SHA256 = [hashlib.sha256(body).hexdigest() for body in BODIES]


@pytest.fixture
def server(monkeypatch):
    """A server of eight files; what a network loses is tried again at once."""
    monkeypatch.setattr(places, "WAITS_SECONDS", (0, 0))
    with serving({f"/{number}.tar": body for number, body in enumerate(BODIES)}) as server:
        yield server


def place(server, number):
    return RemotePath(server.url(f"/{number}.tar"))


def opened(cache, server, number):
    return cache.open(place(server, number), FILE_BYTES, SHA256[number])


def asked(server):
    """How often each file was asked for."""
    return [len(server.asked(f"/{number}.tar")) for number in range(len(BODIES))]


def in_cache(cache):
    """The numbers of the copies there; fails where anything else lies there."""
    return {SHA256.index(path.name.removesuffix(".tar")) for path in cache.folder.iterdir()}


def _read_all(cache, server, seed):
    numbers = random.Random(seed).sample(range(len(BODIES)), len(BODIES))
    for number in numbers[:4]:
        cache.fetch(place(server, number), FILE_BYTES, SHA256[number])
    assert all(opened(cache, server, number).read() == BODIES[number] for number in numbers)


def test_processes_that_need_the_same_files_fetch_each_once(server, tmp_path):
    server.wait_seconds = 0.05
    cache = Cache(tmp_path / "new" / "cache", 10**9)
    context = multiprocessing.get_context("fork")
    racers = [context.Process(target=_read_all, args=(cache, server, seed)) for seed in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0] * 6
    assert asked(server) == [1] * 8 and in_cache(cache) == set(range(8))


def test_a_file_that_another_process_is_fetching_is_not_waited_for(server, tmp_path):
    server.faults["/0.tar"] = Fault(wait_seconds=60)
    cache = Cache(tmp_path, 10**9)
    other = multiprocessing.get_context("fork").Process(target=opened, args=(cache, server, 0))
    other.start()
    _until(lambda: asked(server)[0])
    assert not cache.fetch(place(server, 0), FILE_BYTES, SHA256[0])
    assert cache.fetch(place(server, 1), FILE_BYTES, SHA256[1])
    other.kill()
    other.join()


def test_what_a_killed_process_was_fetching_is_fetched_by_the_next(server, tmp_path):
    server.faults["/0.tar"] = Fault(times=1, wait_seconds=60)
    cache = Cache(tmp_path, 2 * FILE_BYTES)
    first = multiprocessing.get_context("fork").Process(target=opened, args=(cache, server, 0))
    first.start()
    _until(lambda: asked(server)[0])
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    (tmp_path / f".{SHA256[0]}.tar.{first.pid}.tmp").write_bytes(BODIES[0][:5000])
    assert opened(cache, server, 0).read() == BODIES[0]
    assert asked(server)[0] == 2 and in_cache(cache) == {0}


def _until(condition):
    while not condition():
        time.sleep(0.01)


def test_what_was_opened_longest_ago_goes_first_and_can_be_read_on_by_who_has_it(server, tmp_path):
    cache = Cache(tmp_path, 3 * FILE_BYTES)
    kept = [opened(cache, server, number) for number in (0, 1, 2, 0, 3)]
    assert in_cache(cache) == {0, 2, 3}
    opened(cache, server, 4)
    assert in_cache(cache) == {0, 3, 4}
    assert [file.read() for file in kept[:3]] == BODIES[:3]
    assert opened(cache, server, 1).read() == BODIES[1] and asked(server)[:2] == [1, 2]


def _files(cache):
    """The bytes of each file, by its number: one that gets its name meanwhile is still one."""
    found = {}
    for path in cache.folder.iterdir():
        with suppress(FileNotFoundError):
            if path.suffix in (".tar", ".tmp"):
                found[path.stat().st_ino] = path.stat().st_size
    return found


def _watch(cache, most, done):
    while not done.is_set():
        found = _files(cache)
        if found == _files(cache):  # else files came and went while they were listed
            most.value = max(most.value, sum(found.values()))


def test_copies_and_what_is_being_fetched_never_take_more_than_they_may(server, tmp_path):
    cache = Cache(tmp_path, 3 * FILE_BYTES + 1)
    context = multiprocessing.get_context("fork")
    most, done = context.Value("l", 0), context.Event()
    watcher = context.Process(target=_watch, args=(cache, most, done))
    readers = [context.Process(target=_read_all, args=(cache, server, seed)) for seed in range(3)]
    for process in (watcher, *readers):
        process.start()
    for reader in readers:
        reader.join()
    done.set()
    watcher.join()
    assert [reader.exitcode for reader in readers] == [0] * 3
    assert FILE_BYTES <= most.value <= 3 * FILE_BYTES + 1 and len(in_cache(cache)) <= 3


def test_files_that_are_no_copies_of_ours_stay(server, tmp_path):
    (tmp_path / "000000.tar").write_bytes(bytes(10 * FILE_BYTES))
    opened(Cache(tmp_path, FILE_BYTES), server, 0)
    opened(Cache(tmp_path, FILE_BYTES), server, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"000000.tar", f"{SHA256[1]}.tar"}


def test_a_file_larger_than_the_cache_is_named(server, tmp_path):
    message = (
        "0.tar: its 100000 bytes are more than the whole cache may take .99999.; raise stream.c"
    )
    with pytest.raises(StorageError, match=message):
        opened(Cache(tmp_path, FILE_BYTES - 1), server, 0)
    assert asked(server)[0] == 0


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file/cache: Not a directory; make room there, or set"):
        opened(Cache(tmp_path / "file" / "cache", 10**9), server, 0)


@pytest.mark.parametrize("fault", [Fault(body=b"x" * FILE_BYTES), Fault(body=BODIES[0][:-1])])
def test_other_bytes_than_the_expected_ones_leave_nothing(server, tmp_path, fault):
    server.faults["/0.tar"] = fault
    cache = Cache(tmp_path, 10**9)
    with pytest.raises(StorageError, match="0.tar: its .* bytes are not those that the manifest"):
        opened(cache, server, 0)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_had_promised_counts_no_more(tmp_path):
    cache = Cache(tmp_path / "cache", 300)
    cache.folder.mkdir()
    (cache.folder / f".{'a' * 64}.tar.lock").write_bytes(bytes(290))  # its holder is gone
    for name in ("one", "two", "three"):
        (tmp_path / name).write_bytes(name.encode() * 20)
        data = (tmp_path / name).read_bytes()
        cache.fetch(tmp_path / name, len(data), hashlib.sha256(data).hexdigest())
    assert len(list(cache.folder.glob("*.tar"))) == 3
