"""Reading in training from an S3-compatible server that waits before each answer, and from here."""

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import fsspec
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from benchmarks.songs import packed, under_other_names, written_songs
from benchmarks.turns import report
from evaluation.listener import shards_of
from pipeline.loader import loader
from pipeline.shardset import ShardSet
from pipeline.stream import Stream, training_stream
from settings.config import load_config
from songs.song import Song

WAIT_SECONDS, BUCKET = 0.05, "shards"  # before each answer
ORIGINALS, SONG_SECONDS = 4, 480  # 24 intervals, which are a shard
SHARDS = {"png": 120, "audio": 40}
LANES, BLOCK_INTERVALS, BATCH_INTERVALS, WORKERS = 8, 48, 32, 2
STEP_SECONDS = {"png": 0.032, "audio": 0.32}  # of a step in which the network would learn
MANY, SHORT_SECONDS, LATE, ROUNDS = 1000, 8, 0.95, 3  # shards; of a song; of an epoch; resumptions
LEAST, MOST_SECONDS_MORE = 0.9, 1.0


def measure() -> None:
    """Print the rate from the server beside that from here, and what going on late costs."""
    with tempfile.TemporaryDirectory() as folder, _slow_s3() as wait_seconds:
        songs = written_songs(folder, ORIGINALS, SONG_SECONDS)
        for format, count in SHARDS.items():
            places = _packed_and_sent(songs, count, Path(folder, format), format, wait_seconds)
            _compare(places, format, count)
        short = written_songs(folder, ORIGINALS, SHORT_SECONDS, 11_025, "wav")
        settings = "audio.sample_rate=11025", "prepare.interval_seconds=1.0"
        many = Path(folder, "many")
        places = _packed_and_sent(short, MANY, many, "audio", wait_seconds, *settings)
        for place, settings_there in places.items():
            _resume(place, settings_there)


def _packed_and_sent(
    songs: Sequence[Song], count: int, folder: Path, format: str,
    wait_seconds: "Synchronized[float]", *settings: str,
) -> dict[str, list[str]]:  # fmt: skip
    """Shards of one song each, in the folder and at an address; the settings that find either."""
    shape = [*settings, "prepare.songs_per_shard=1", f"stream.format={format}"]
    packed(under_other_names(songs, count), folder, format, *shape)
    wait_seconds.value = 0
    fsspec.filesystem("s3").put(f"{folder}/shards", f"{BUCKET}/{folder.name}", recursive=True)
    wait_seconds.value = WAIT_SECONDS
    return {
        "here": [*shape, f'prepare.shards_dir="{folder}/shards"'],
        "there": [*shape, f'prepare.shards_dir="s3://{BUCKET}/{folder.name}"'],
    }


def _compare(places: dict[str, list[str]], format: str, count: int) -> None:
    """An epoch with the cache empty, from when each lane's first shard is there."""
    seconds = {place: _epoch_seconds(settings, format) for place, settings in places.items()}
    wait = f"{1000 * WAIT_SECONDS:.0f} ms before each answer"
    what = f"{count} {format} shards from a server, {wait}"
    report(what, seconds["there"], seconds["here"], LEAST)


def _epoch_seconds(settings: list[str], format: str) -> float:
    with _shards(settings) as shards:
        batches = iter(loader(_stream(shards), WORKERS, pin_memory=False))
        for _ in range(WORKERS):  # which need each lane's first shard
            next(batches)
        start = time.perf_counter()
        for _ in batches:
            time.sleep(STEP_SECONDS[format])
        return time.perf_counter() - start


def _resume(place: str, settings: list[str]) -> None:
    """The first batch of an epoch, and late in one, each with the cache empty."""
    first = [_first_batch_seconds(settings, 0.0) for _ in range(ROUNDS)]
    late = [_first_batch_seconds(settings, LATE) for _ in range(ROUNDS)]
    more = statistics.median(late) - statistics.median(first)
    print(
        f"first batch of {MANY} shards {place}, an epoch's: {statistics.median(first):.2f} s; "
        f"resumed at {LATE:.0%}: {more:+.2f} s (<= +{MOST_SECONDS_MORE} s)",
        flush=True,
    )


def _first_batch_seconds(settings: list[str], share: float) -> float:
    with _shards(settings) as shards:
        steps = len(_stream(shards))
        start = time.perf_counter()
        stream = _stream(shards, round(share * steps))
        next(iter(loader(stream, WORKERS, pin_memory=False)))
        return time.perf_counter() - start


@contextmanager
def _shards(settings: list[str]) -> Iterator[ShardSet]:
    """The shards that these settings find, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        config = load_config(None, [*settings, f'stream.cache_dir="{cache}"'])
        yield shards_of(config, config, ["bench"], "train")


def _stream(shards: ShardSet, first_step: int = 0) -> Stream:
    return training_stream(shards, BATCH_INTERVALS, 0, 1, 0, 0, LANES, BLOCK_INTERVALS, first_step)


@contextmanager
def _slow_s3() -> Iterator["Synchronized[float]"]:
    """How long an S3-compatible server waits, in its own process, to which fsspec is pointed."""
    context = multiprocessing.get_context("spawn")
    wait_seconds = context.Value("d", 0.0)
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there, wait_seconds), daemon=True)
    server.start()
    os.environ |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    fsspec.config.conf["s3"] = {"endpoint_url": f"http://127.0.0.1:{here.recv()}"}
    fsspec.filesystem("s3").mkdir(BUCKET)
    try:
        yield wait_seconds
    finally:
        server.kill()
        server.join()


def _serve(port: Connection, wait_seconds: "Synchronized[float]") -> None:
    store = DomainDispatcherApplication(create_backend_app)

    def waiting(environment: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        time.sleep(wait_seconds.value)
        return store(environment, start_response)

    server = make_server("127.0.0.1", 0, waiting, threaded=True, request_handler=_Quiet)
    port.send(server.server_port)
    server.serve_forever()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # which keeps connections

    def log(self, *_: object) -> None:
        """Nothing."""
