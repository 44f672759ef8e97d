"""A split of a few short songs in two shards, and all the ways in which its samples are read."""

import faulthandler
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.index import INDEX_NAME
from pipeline.manifest import read_manifest, read_songs, write_manifest
from pipeline.opened import open_shards
from pipeline.record import read_records
from pipeline.stream import evaluation_stream
from settings.config import load_config
from shards.check import problems_of
from shards.prepare import prepare
from shards.shardfile import read_samples
from songkey.errors import AudioKeyError
from songs import synthetic
from storage.cache import Cache

SONGS, SECONDS = 3, 2.2  # of which each has three intervals
QUIET_SECONDS, MEMORY_BYTES = 30.0, 300_000_000
SETTINGS = [
    "audio.sample_rate=8000", "prepare.interval_seconds=1.0", "prepare.songs_per_shard=2",
    "prepare.workers=1", "cqt.hop_length=512", "split.valid_fraction=0.0",
    "split.test_fraction=0.0",
]  # fmt: skip
EQUAL, COUNTED, REFUSED = "read as packed", "lost and counted", "refused"
FAULTS = ("garbage", "not counted", "unnamed", "not found by check")


class SmallSplit:
    """The train split of made-up songs, in the format 'audio' or 'png'."""

    def __init__(self, root: Path, format: str, audio_file: str = "flac", indexed: bool = True):
        """Without `indexed` it is as it was packed before there was an index."""
        self.root, self.format = root, format
        own = [f'prepare.shards_dir="{root}"', f"prepare.audio_file={audio_file}"]
        self.config = load_config(None, [*SETTINGS, *own])
        prepare("synthetic", synthetic.songs(SONGS, SECONDS, 0), [], format, self.config)
        self.folder = root / format / "synthetic/train"
        if not indexed:
            (self.folder / INDEX_NAME).unlink()
            manifest = read_manifest(self.folder).model_copy(update={"index_sha256": ""})
            write_manifest(self.folder, manifest)
        self.samples, _ = self.streamed()
        self.stored = list(self._stored())
        self.tables = self._tables()

    def outcome(self) -> tuple[str, str]:
        """What reading all of it gives now, EQUAL, COUNTED, REFUSED or one of FAULTS, and why."""
        try:
            streaming = self._outcome_of_streaming()
            copying = self._outcome_of_copying()
            problems = list(problems_of([self.folder]))
        except Exception as error:  # whatever it is: that is what is looked for
            return "unnamed", repr(error)
        for fault, reason in (streaming, copying):
            if fault in FAULTS:
                return fault, reason
        if any("\n" in text for text in (*problems, streaming[1], copying[1])):
            return "unnamed", "an error of several lines"
        if not problems and (streaming, copying) != ((EQUAL, ""), (EQUAL, "")):
            return "not found by check", f"{streaming}, {copying}"
        if not problems and self._tables() != self.tables:
            return "not found by check", "its songs are others"
        return (streaming[0], "; ".join(problems)) if problems else streaming

    def _outcome_of_streaming(self) -> tuple[str, str]:
        try:
            found, bad_samples = self.streamed()
        except AudioKeyError as error:
            return REFUSED, str(error)
        lost = found.count(None)
        if len(found) != len(self.samples) or lost != bad_samples:
            return "not counted", f"{len(found)} samples, {lost} lost, {bad_samples} counted"
        if any(one not in (None, own) for one, own in zip(found, self.samples, strict=True)):
            return "garbage", "another sample was streamed than packed"
        return (COUNTED, "") if lost else (EQUAL, "")

    def _outcome_of_copying(self) -> tuple[str, str]:
        found = []
        try:
            for sample in self._stored():
                found.append(sample)
        except AudioKeyError as error:
            if found != self.stored[: len(found)]:
                return "garbage", "another sample was copied than packed"
            return REFUSED, str(error)
        return (EQUAL, "") if found == self.stored else ("garbage", "other samples were copied")

    def streamed(self) -> tuple[list[tuple | None], int]:
        """Of each interval its song, key and content, None where it is lost; how many are bad."""
        config = self.config
        shaped_by = {
            "sample_rate": config.audio.sample_rate, "cqt": config.cqt.shape,
            "interval_seconds": config.prepare.interval_seconds,
        }  # fmt: skip
        cache = self.root / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        shards = open_shards(
            str(self.root),
            self.format,
            ["synthetic"],
            "train",
            shaped_by,
            Cache(cache, 10**9),
            "stop",
        )
        stream, table = (
            evaluation_stream(shards, SONGS, 0, 1, max_bad_samples=100),
            shards.song_table(),
        )
        found: list[tuple | None] = []
        for batch in stream:
            media = batch.waveform if batch.cqt is None else batch.cqt
            for row in range(min(SONGS, shards.total - len(found))):
                song_id = table.song_id(int(batch.song_index[row]))
                told = (song_id, int(batch.key_id[row]), media[row].numpy().tobytes())
                found.append(told if batch.valid[row] else None)
        return found, stream.bad_samples

    def _stored(self) -> Iterator[tuple]:
        """The samples as other shards are made of them, without what the record says beside."""
        names = [shard.name for shard in read_manifest(self.folder).shards]
        for record in read_records(self.folder, names):
            for song, sample_id, media, info in read_samples(self.folder, record):
                yield song.song_id, song.key, sample_id, media, info

    def _tables(self) -> tuple:
        return read_manifest(self.folder), list(read_songs(self.folder))


@contextmanager
def limits() -> Iterator[None]:
    """Let this process have no more than MEMORY_BYTES in addition, and end it where it hangs."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY_BYTES, before[1]))
    faulthandler.dump_traceback_later(QUIET_SECONDS, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        resource.setrlimit(resource.RLIMIT_AS, before)
