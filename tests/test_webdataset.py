"""Laws of shards read in order, as a stream, where nothing can be read by offset."""

import gzip
import logging
import shutil
from collections import Counter

import pytest
import torch
from accelerate import Accelerator
from conftest import run_program, settings, small_config, torchrun
from foreign import labelled, some_songs, sound, write_by_webdataset
from servers import http_server

import eval
from evaluation.notes import trained_notes
from model.checkpoint import UNKNOWN_SONGS, load_checkpoint
from model.run_folder import resolve
from pipeline.loader import loader
from pipeline.lost import StreamError
from pipeline.stream import training_stream
from settings.config import ConfigError
from shards.foreign_split import index_shards
from training.loop import Training
from training.signals import Stopped
from training.train_source import train_source

SHORT = "prepare.interval_seconds=9.0"  # as long as each sample
COUNT = 24


@pytest.fixture(scope="session")
def numbered(tmp_path_factory):
    """Eight shards of three samples, each with another key; not to be changed."""
    folder = tmp_path_factory.mktemp("numbered")
    flac = sound(some_songs(1)[0])
    write_by_webdataset(folder, ({"flac": flac, "cls": b"%d" % n} for n in range(COUNT)), 3)
    return folder


def stream_of(tmp_path, *urls, epoch=0, rank=0, ranks=1, overrides=(), batch=4, limit=100):
    """The training stream of an epoch of these shards, as process `rank` of `ranks` reads it."""
    names = ", ".join(f'"{url}"' for url in urls)
    config = small_config(
        tmp_path, 'stream.reader="webdataset"', f"stream.urls=[{names}]", SHORT,
        f"stream.epoch_intervals={COUNT}", "stream.buffer_samples=5", *overrides,
    )  # fmt: skip
    return training_stream(
        train_source(config), batch * ranks, rank, ranks, 0, epoch, 6, 16, max_bad_samples=limit
    )


def keys_of(stream, workers=0):
    """The key ids of all batches, in order."""
    batches = list(loader(stream, workers, pin_memory=False))
    assert len(batches) == len(stream) and all(batch.valid.all() for batch in batches)
    return torch.cat([batch.key_id for batch in batches]).tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_as_long_as_the_shards_reads_each_sample_once(numbered, tmp_path, workers):
    keys = keys_of(stream_of(tmp_path, numbered), workers)
    assert sorted(keys) == [*range(COUNT)] != keys


def test_processes_share_the_shards_and_have_equal_steps(numbered, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    of_rank = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        of_rank.append(
            keys_of(stream_of(tmp_path, numbered, rank=rank, ranks=2, batch=3), workers=2)
        )
    assert sorted(of_rank[0] + of_rank[1]) == [*range(COUNT)]
    assert len(of_rank[0]) == len(of_rank[1])


def test_uneven_shards_are_begun_anew_so_that_steps_stay_equal(numbered, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    lengths = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        stream = stream_of(tmp_path, numbered / "{000000..000002}.tar", rank=rank, ranks=2)
        lengths.append(sorted(Counter(keys_of(stream)).values()))
    assert [len(one) for one in lengths] in ([6, 3], [3, 6])  # two shards, and one
    assert [sum(one) for one in lengths] == [COUNT / 2] * 2


def test_epochs_differ_and_one_is_the_same_each_time(numbered, tmp_path):
    first, again, second = (
        keys_of(stream_of(tmp_path, numbered, epoch=epoch)) for epoch in (0, 0, 1)
    )
    assert first == again != second


def test_commands_compressed_tars_and_addresses_are_streamed(numbered, tmp_path):
    shutil.copytree(numbered, tmp_path / "in")
    for number in (6, 7):
        path = tmp_path / f"in/{number:06d}.tar"
        path.write_bytes(gzip.compress(path.read_bytes()))
    with http_server(tmp_path / "in") as url:
        urls = (
            f"{url}/{{000000..000002}}.tar",
            f"pipe:cat {tmp_path}/in/{{000003..000005}}.tar",
            tmp_path / "in/00000[67].tar",
        )
        assert sorted(keys_of(stream_of(tmp_path, *urls))) == [*range(COUNT)]


def test_a_longer_medium_gives_one_of_its_intervals_another_in_each_pass(numbered, tmp_path):
    seen = set()
    for epoch in range(4):
        short = ("prepare.interval_seconds=3.0", "stream.epoch_intervals=4")
        stream = stream_of(tmp_path, numbered, epoch=epoch, overrides=short)
        (batch,) = loader(stream, 0, pin_memory=False)
        seen |= {row.numpy().tobytes() for row in batch.waveform}
    assert len(seen) == 3  # all samples are the same 9 s


def test_bad_samples_and_lost_shards_are_counted_and_named_and_the_rest_goes_on(
    numbered, tmp_path, caplog
):
    shutil.copytree(numbered, tmp_path / "in")
    bad = [{"flac": b"no sound", "cls": b"1"}, {"flac": b"", "json": b"{"}]
    write_by_webdataset(tmp_path / "bad", bad, 9)
    data = (numbered / "000003.tar").read_bytes()
    (tmp_path / "in/000003.tar").write_bytes(data[: len(data) // 2])
    (tmp_path / "in/000004.tar").write_bytes(b"")
    urls = (tmp_path / "in", tmp_path / "bad/000000.tar", "pipe:echo gone >&2; exit 3")
    stream = stream_of(tmp_path, *urls)
    keys = keys_of(stream)
    assert len(keys) == COUNT and set(keys) <= {*range(COUNT)} - {11, 12, 13, 14}
    assert stream.bad_samples >= 5
    said = [one.message for one in caplog.records]
    for text in (
        "000003.tar: damaged tar",
        "000004.tar: damaged tar",
        "its command failed, with exit code 3",
        "00000: audio",
    ):
        assert any(text in line for line in said), text
    with pytest.raises(StreamError, match="could not be read"):
        keys_of(stream_of(tmp_path, *urls, limit=3))


def test_a_shard_that_stays_lost_counts_once_however_often_it_is_due(numbered, tmp_path):
    one = str(numbered / "000000.tar")
    stream = stream_of(tmp_path, one, "pipe:exit 3", limit=1)  # many times the one shard
    assert len(keys_of(stream)) == COUNT and stream.bad_samples == 1


def test_more_readers_than_shards_are_refused(numbered, tmp_path):
    with pytest.raises(ConfigError, match="1 shard cannot be split among 2 .* lower stream.work"):
        stream_of(tmp_path, numbered / "000000.tar", overrides=["stream.workers=2"])


@pytest.mark.parametrize(
    "setting",
    ["train.balance=mode", "train.dataset_weights={a=2.0}", "loss.class_weights=key",
     "loss.confidence_weights=true"],
)  # fmt: skip
def test_what_needs_to_know_the_songs_is_refused(numbered, tmp_path, setting):
    with pytest.raises(ConfigError, match=f"{setting.partition('=')[0]}: of no use"):
        stream_of(tmp_path, numbered, overrides=[setting])


def test_addresses_of_a_stream_without_the_stream_are_refused(tmp_path):
    with pytest.raises(ConfigError, match='set stream.reader = "webdataset", or index them'):
        train_source(small_config(tmp_path, 'stream.urls=["x.tar"]'))


@pytest.mark.parametrize("format", ["audio", "png"])
def test_without_addresses_the_shards_of_the_train_splits_are_streamed(packed, format):
    config = small_config(
        packed, 'stream.reader="webdataset"', f"stream.format={format}",
        "stream.epoch_intervals=16", "stream.workers=0",
    )  # fmt: skip
    source = train_source(config)
    assert [url.rpartition("/")[2] for url in source.urls][:2] == ["000000.tar", "000001.tar"]
    (batch, _) = loader(training_stream(source, 8, 0, 1, 0, 0, 6, 16), 0, pin_memory=False)
    media = batch.waveform if format == "audio" else batch.cqt
    assert batch.valid.all() and media.any() and media.shape[1:] == source.media_shape


@pytest.fixture
def streamed(tmp_path):
    """Settings to train on a stream of four shards, and to validate by an index of one."""
    samples = [{"wav": sound(s, "wav"), **labelled(n, s)} for n, s in enumerate(some_songs(16))]
    write_by_webdataset(tmp_path / "in", samples, 3)
    config = small_config(tmp_path)
    index_shards([str(tmp_path / "in/000005.tar")], "theirs", "valid", "audio", config)
    return (
        'stream.reader="webdataset"', 'train.datasets=["theirs"]', "stream.epoch_intervals=24",
        f'stream.urls=["pipe:cat {tmp_path}/in/{{000000..000004}}.tar"]', "train.epochs=2",
    )  # fmt: skip


@pytest.mark.parametrize("launcher", [[], torchrun(2)], ids=["one process", "two processes"])
def test_train_py_trains_on_what_commands_print(streamed, tmp_path, launcher):
    done = run_program(
        *launcher, "train.py", *settings(tmp_path, *streamed), "--name", "x",
        ACCELERATE_USE_CPU="true",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "epoch 2/2  step 6" in done.stdout + done.stderr


def test_what_a_stream_trained_on_is_unknown_and_its_data_sets_only_validate(
    streamed, tmp_path, caplog
):
    config, run = small_config(tmp_path, *streamed, "eval.split=valid"), tmp_path / "runs/x"
    Training(config, run, resume=False).save("last")
    (line,) = [text for text in caplog.messages if "cannot be known" in text]
    assert line.startswith(
        "copies between train, valid and test cannot be known: stream.urls names unknown songs; "
    )
    checkpoint = load_checkpoint(resolve(run, "last"))
    assert (checkpoint.trained_on, checkpoint.validated_on) == ((UNKNOWN_SONGS,), ("theirs",))
    answers = eval.evaluate(str(checkpoint.path), config, ("theirs",), Accelerator(cpu=True))
    (line,) = trained_notes(answers)
    assert "known: stream.urls names unknown songs; neither sound nor" in line


def test_a_run_that_goes_on_says_that_its_shards_begin_anew(
    streamed, tmp_path, monkeypatch, caplog
):
    config = small_config(tmp_path, *streamed, "train.checkpoint_every_steps=1")
    training = Training(config, tmp_path / "runs/x", resume=False)
    monkeypatch.setattr(training.signals, "agreed", lambda: 15)
    with pytest.raises(Stopped):
        training.run()
    with caplog.at_level(logging.WARNING):
        Training(config, tmp_path / "runs/x", resume=True).run()
    assert any(
        "shards of a stream begin anew: what epoch 1" in one.message for one in caplog.records
    )
