"""Laws of addresses: shards there stream as local ones do, from a cache of whole, verified ones."""

import logging
import os
import shutil
from pathlib import Path

import pytest
import torch
from conftest import run_program, settings, small_config
from http_server import Fault, serving
from servers import http_server, s3_server

from evaluation.listener import shards_of
from pipeline.bounded import ManifestError
from pipeline.loader import loader
from pipeline.stream import evaluation_stream, training_stream
from storage import places as storage
from storage.filesystem import UnreachableError
from storage.places import RemotePath, StorageError, place_of
from storage.whole import LEFTOVER_SECONDS, remove_leftovers, write_whole, writing


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What a network loses is tried again at once."""
    monkeypatch.setattr(storage, "WAITS_SECONDS", (0, 0))


@pytest.fixture
def site(packed, tmp_path):
    """A copy of all shards, to be served and damaged."""
    shutil.copytree(packed / "shards", tmp_path / "site")
    return tmp_path / "site"


def open_split(folder, *overrides, split="train", dataset="synthetic"):
    config = small_config(folder, f'stream.cache_dir="{folder}/cache"', *overrides)
    return shards_of(config, config, (dataset,), split)


def at(address):
    return f'prepare.shards_dir="{address}"'


def tars_of(shards):
    """The names of all tars' copies."""
    return [f"{shards.tar(number)[1].sha256}.tar" for number in range(len(shards.intervals))]


def index_sha256(shards):
    return shards.splits[0].manifest.index_sha256


def batches(shards, workers=0):
    stream = training_stream(shards, 12, 0, 1, 0, 0, 6, 16, max_bad_samples=100)
    return stream, list(loader(stream, workers, pin_memory=False))


def assert_same(ours, theirs):
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one.waveform, other.waveform) and torch.equal(one.key_id, other.key_id)
        assert torch.equal(one.song_index, other.song_index)


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_on_a_web_server_stream_as_local_ones_do(packed, site, tmp_path, workers):
    local = open_split(packed)
    with http_server(site) as url:
        remote = open_split(tmp_path, at(url))
        assert_same(batches(remote, workers)[1], batches(local)[1])
        ours, theirs = remote.song_table(), local.song_table()
        assert ours.where(range(len(ours))) == theirs.where(range(len(theirs)))
    cache = {path.name for path in (tmp_path / "cache").iterdir()}
    assert cache == {*tars_of(local), f"{index_sha256(local)}.safetensors"}


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_in_an_s3_store_stream_as_local_ones_do(packed, tmp_path, monkeypatch, workers):
    with s3_server(monkeypatch) as bucket:
        for path in (packed / "shards/audio").rglob("*"):
            if path.is_file():
                (place_of(bucket) / str(path.relative_to(packed))).put(path)
        remote = open_split(tmp_path, at(f"{bucket}/shards"))
        assert_same(batches(remote, workers)[1], batches(open_split(packed))[1])


def test_a_cached_shard_is_not_copied_again_and_the_local_one_never(packed, site, tmp_path):
    with http_server(site) as url:
        batches(open_split(tmp_path, at(url)))
        for tar in site.rglob("*.tar"):
            tar.unlink()
        assert batches(open_split(tmp_path, at(url)))[0].bad_samples == 0
    shards = open_split(packed, 'stream.cache_dir="/proc/nowhere"')
    assert batches(shards)[0].bad_samples == 0


def test_a_cached_shard_that_was_cut_is_copied_again(site, tmp_path):
    with http_server(site) as url:
        batches(open_split(tmp_path, at(url)))
        for copy in (tmp_path / "cache").iterdir():
            copy.write_bytes(copy.read_bytes()[:1000])
        assert batches(open_split(tmp_path, at(url)))[0].bad_samples == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_a_cached_shard_whose_bytes_rot_is_copied_again(site, tmp_path, workers):
    with http_server(site) as url:
        _, whole = batches(open_split(tmp_path, at(url)))
        copies = list((tmp_path / "cache").glob("*.tar"))
        for copy in copies:
            copy.write_bytes(bytes(copy.stat().st_size))
        stream, again = batches(open_split(tmp_path, at(url)), workers)
        assert stream.bad_samples == 0
        assert_same(again, whole)
        assert all(any(copy.read_bytes()[:1000]) for copy in copies)


def test_wrong_bytes_never_come_into_the_cache(site, tmp_path, caplog):
    tar = site / "audio/synthetic/train/000000.tar"
    tar.write_bytes(tar.read_bytes()[:-1] + b"x")
    with http_server(site) as url, caplog.at_level(logging.WARNING):
        shards = open_split(tmp_path, at(url), 'stream.unreachable="leave_out"')
        stream, _ = batches(shards)
    assert stream.bad_samples > 1
    assert f"{url}/audio/synthetic/train/000000.tar: its {tar.stat().st_size} bytes" in caplog.text
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {*tars_of(shards)[1:], f"{index_sha256(shards)}.safetensors"}


def test_an_index_that_is_missing_or_another_s_is_refused(site, tmp_path):
    index = site / "audio/synthetic/train/index.safetensors"
    shutil.copy(site / "audio/synthetic/valid/index.safetensors", index)
    with http_server(site) as url:
        with pytest.raises(StorageError, match="train/index.safetensors: its .* are not those"):
            open_split(tmp_path, at(url))
        index.unlink()
        with pytest.raises(StorageError, match="index.safetensors: not there, though the manifes"):
            open_split(tmp_path, at(url))


def test_old_leftovers_are_removed_and_what_is_being_copied_stays(tmp_path):
    for name, age in ((".a.tar.1.tmp", LEFTOVER_SECONDS + 60), (".b.tar.2.tmp", 0)):
        (tmp_path / name).write_bytes(b"part")
        seconds = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (seconds, seconds))
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".b.tar.2.tmp"]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_a_failure_changes_nothing(
    tmp_path, monkeypatch
):
    path, synced = tmp_path / "new folder" / "a.json", []
    monkeypatch.setattr(
        "os.fsync", lambda file: synced.append((os.fstat(file).st_size, path.exists()))
    )
    write_whole(path, b"one")
    assert synced == [(3, False)]
    with pytest.raises(OSError, match="disk"), writing(path) as temporary:
        temporary.write_bytes(b"tw")
        raise OSError("the disk is full")
    assert path.read_bytes() == b"one" and list(path.parent.iterdir()) == [path]


def test_addresses_that_cannot_be_used_are_named(site, tmp_path):
    other = "audio: no train split in other; name other data"
    with http_server(site) as url, pytest.raises(ManifestError, match=other):
        open_split(tmp_path, at(url), dataset="other")
    with pytest.raises(StorageError, match=f"{url}/audio/.*manifest.json.zst: failed .*network"):
        open_split(tmp_path, at(url))
    with pytest.raises(StorageError, match="nothing://x/.*: not an address that can be used"):
        open_split(tmp_path, at("nothing://x"))


@pytest.mark.parametrize("ask", [RemotePath.exists, RemotePath.size, RemotePath.find])
def test_a_server_that_fails_is_not_said_to_lack_the_file(ask):
    with serving({"/a.tar": b"tar"}) as server:
        place = RemotePath(server.url("/a.tar"))
        server.faults["/a.tar"] = Fault(status=500)
        with pytest.raises(UnreachableError, match="a.tar: failed .500.*check the address"):
            ask(place)
        assert not (place.parent / "b.tar").exists()
    with pytest.raises(UnreachableError, match="a.tar: failed .Cannot connect"):
        ask(place)


def test_text_is_a_path_unless_it_names_a_protocol():
    assert place_of("data/shards") == Path("data/shards")
    assert place_of("file:///data/shards/") == Path("/data/shards")
    assert place_of("s3://bucket/shards/") / "a.tar" == RemotePath("s3://bucket/shards/a.tar")
    assert (place_of("s3://bucket/shards") / "a.tar").name == "a.tar"


def test_evaluation_reads_every_interval_of_an_address_once(site, tmp_path):
    with http_server(site) as url:
        shards = open_split(tmp_path, at(url), split="valid")
        stream = evaluation_stream(shards, 8, 0, 1)
        valid = torch.cat([batch.valid for batch in loader(stream, 1, pin_memory=False)])
    assert valid.sum() == shards.total and stream.bad_samples == 0


def test_a_program_trains_from_an_s3_store(packed, tmp_path, monkeypatch):
    with s3_server(monkeypatch) as bucket:
        for path in (packed / "shards/audio").rglob("*"):
            if path.is_file():
                (place_of(bucket) / str(path.relative_to(packed))).put(path)
        done = run_program(
            "train.py", *settings(tmp_path, at(f"{bucket}/shards"), "train.epochs=1"),
            "--set", f'stream.cache_dir="{tmp_path}/cache"',
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "credentials" not in done.stderr
    assert list((tmp_path / "cache").glob("*.tar"))
