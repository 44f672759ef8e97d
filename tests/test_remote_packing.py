"""Laws of packing to an address: file by file what packing to a folder gives, however it went."""

import os
import tempfile
from itertools import count
from pathlib import Path

import fsspec
import pytest
from conftest import contents, pack_synthetic, settings, small_config
from errands import Errand, die_while_staging
from servers import refusing_s3_server, s3_server

from pipeline.bounded import ManifestError
from shards import __main__ as shards
from shards.check import manifest_folders, problems_of
from shards.compact import compact
from shards.executor import run_tasks
from shards.processes import WorkerDiedError
from shards.spectrograms import create_spectrograms
from storage import places as storage
from storage.places import RemotePath, StorageError, place_of
from storage.staging import PREFIX, staged
from storage.whole import LEFTOVER_SECONDS

FEW = ("datasets.synthetic.songs=14", "prepare.songs_per_shard=2")
NUMBERS = count()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with what packing a few songs gives, as audio and as png; not to be changed."""
    folder = tmp_path_factory.mktemp("here")
    for format in ("audio", "png"):
        pack_synthetic(small_config(folder, *FEW), format)
    return folder / "shards"


@pytest.fixture(scope="module")
def bucket():
    """The address of a bucket."""
    with pytest.MonkeyPatch.context() as monkeypatch, s3_server(monkeypatch) as address:
        yield address


@pytest.fixture
def address(bucket, monkeypatch):
    """An address at which nothing lies."""
    monkeypatch.setattr(storage, "WAITS_SECONDS", ())
    return f"{bucket}/{next(NUMBERS)}"


@pytest.fixture
def sent(monkeypatch):
    """The names of the files that this process sends, in order."""
    names, put = [], RemotePath.put

    def watched(place, path):
        names.append(place.name)
        put(place, path)

    monkeypatch.setattr(RemotePath, "put", watched)
    return names


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """An empty folder that is the temporary one of this process and of those it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def config_of(address, *overrides):
    return small_config("unused", *FEW, f'prepare.shards_dir="{address}"', *overrides)


def settings_of(address, *overrides):
    """The same as a command line."""
    return settings(Path("unused"), *FEW, f'prepare.shards_dir="{address}"', *overrides)


def contents_at(address):
    """Every file below the address."""
    place = place_of(address)
    return {name: (place / name).read_bytes() for name in place.find()}


def copy_to(folder, address):
    """Put all files of a folder to the address."""
    for name in contents(folder):
        (place_of(address) / name).put(folder / name)


@pytest.mark.parametrize("format", ["audio", "png"])
def test_an_address_gets_the_bytes_of_a_folder_and_a_second_run_sends_nothing(
    here, address, sent, temporary, format
):
    pack_synthetic(config_of(address), format)
    assert contents_at(f"{address}/{format}") == contents(here / format)
    sent.clear()
    pack_synthetic(config_of(address), format)
    assert sent == [] and not list(temporary.iterdir())


def test_what_an_interrupted_run_lacks_is_packed_and_nothing_else(here, address, sent):
    copy_to(here / "audio", f"{address}/audio")
    train = place_of(address) / "audio/synthetic/train"
    for lost in ("manifest.json.zst", "000000.json", "000001.tar"):
        (train / lost).unlink()
    (train / "000002.tar").write_bytes(b"of another size")
    (train / ".123.tmp").write_bytes(b"left by a killed run")
    sent.clear()
    pack_synthetic(config_of(address))
    assert contents_at(f"{address}/audio") == contents(here / "audio")
    again = [name for name in sent if name.endswith((".tar", ".json"))]
    assert again == [f"00000{number}.{kind}" for number in range(3) for kind in ("tar", "json")]


def test_the_first_record_is_sent_last_and_the_manifest_after_all_tasks(address, sent, tmp_path):
    small = "prepare.max_shard_bytes=1000000", "prepare.songs_per_shard=7"  # a further tar each
    pack_synthetic(small_config(tmp_path, *FEW, *small))
    pack_synthetic(config_of(address, *small))
    assert contents_at(f"{address}/audio") == contents(tmp_path / "shards/audio")
    names = ["000000-001.tar", "000000.tar", "000000-001.json", "000000.json"]
    first = sent.index(names[0])
    assert sent[first : first + len(names)] == names
    place = place_of(address) / "audio/synthetic/train"
    manifest = next(number for number, name in enumerate(sent) if name == "manifest.json.zst")
    assert all(name in sent[:manifest] for name in place.files() if name.endswith(".json"))
    (place / "000000-001.json").unlink()
    sent.clear()
    pack_synthetic(config_of(address, *small))
    assert contents_at(f"{address}/audio") == contents(tmp_path / "shards/audio")
    assert names[0] in sent


def test_parts_sent_to_an_address_are_merged_there(here, called, address):
    of = ["synthetic", *settings_of(address)]
    assert "4 packed now" in called(shards.main, "pack", *of, "--part", "2/2").stdout
    lacking = called(shards.main, "merge", *of)
    assert lacking.returncode == 1 and f"{address}/audio/synthetic: 4 of 8" in lacking.stderr
    called(shards.main, "pack", *of, "--part", "1/2")
    done = called(shards.main, "merge", *of)
    assert done.returncode == 0 and done.stdout.startswith("14 songs, "), done.stderr
    assert contents_at(f"{address}/audio") == contents(here / "audio")


def test_other_settings_are_refused_until_all_is_packed_anew(called, address):
    first = called(shards.main, "pack", "synthetic", *settings_of(address))
    assert first.returncode == 0, first.stderr
    other = settings_of(address, "prepare.interval_seconds=5.0")
    refused = called(shards.main, "pack", "synthetic", *other)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert f"{address}/audio/synthetic/" in refused.stderr
    assert "interval_seconds: 4.0 there, 5.0 today" in refused.stderr
    anew = called(shards.main, "pack", "synthetic", *other, "--overwrite")
    assert anew.returncode == 0, anew.stderr
    assert called(shards.main, "check", address).stdout == "3 splits checked, all whole\n"


def test_spectrograms_of_an_address_to_it_are_those_of_a_folder(here, address, sent):
    copy_to(here / "audio", f"{address}/audio")
    create_spectrograms("synthetic", config_of(address))
    assert contents_at(f"{address}/png") == contents(here / "png")
    sent.clear()
    create_spectrograms("synthetic", config_of(address))
    assert sent == []
    (place_of(address) / "png/synthetic/train/000003.json").unlink()
    create_spectrograms("synthetic", config_of(address))
    assert contents_at(f"{address}/png") == contents(here / "png")
    assert sent.count("000003.tar") == 1 and "000002.tar" not in sent


def test_checking_finds_each_kind_of_damage_at_an_address(here, called, address):
    copy_to(here / "audio", address)
    assert called(shards.main, "check", address).stdout == "3 splits checked, all whole\n"
    train = place_of(address) / "synthetic/train"
    data = bytearray((train / "000000.tar").read_bytes())
    data[3000] ^= 1
    (train / "000000.tar").write_bytes(bytes(data))
    (train / "000001.tar").unlink()
    (train / "stray.tar").write_bytes(b"")
    (place_of(address) / "synthetic/valid/manifest.json.zst").unlink()
    problems = "\n".join(problems_of(manifest_folders(place_of(address))))
    assert f"{train}/000000.tar: checksum differs from the manifest's" in problems
    assert f"{train}/000001.tar: not there" in problems
    assert f"{train}/stray.tar: not in the manifest" in problems
    assert "synthetic/valid/manifest.json.zst: not there" in problems
    with pytest.raises(ManifestError, match=f"{address}/none: no manifest in it or below it"):
        manifest_folders(place_of(f"{address}/none"))


def test_publishing_from_an_address_and_images_to_one_are_refused_in_one_line(called, address):
    place = settings_of(address)
    done = called(shards.main, "publish", "elsewhere", "synthetic", *place)
    assert done.returncode == 1 and f"is the address {address}: publish what" in done.stderr
    place += ["--set", f'images.base_url="{address}"']
    done = called(shards.main, "images", "synthetic", *place)
    assert done.returncode == 1 and "train right from images.base_url" in done.stderr


def test_a_bucket_that_is_not_there_is_named_before_a_song_is_packed(address, monkeypatch):
    monkeypatch.setattr("shards.prepare.run_tasks", None)
    with pytest.raises(
        StorageError, match="s3://no-such-bucket/.*cannot be written .*bucket first"
    ):
        pack_synthetic(config_of("s3://no-such-bucket"))


def test_an_address_without_access_is_named_in_one_line(called, monkeypatch):
    with refusing_s3_server(monkeypatch) as refusing:
        place = settings_of(refusing)
        done = called(shards.main, "pack", "synthetic", *place)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"error: {refusing}/audio/synthetic/" in done.stderr
    assert "no access" in done.stderr and "check your credentials" in done.stderr


def test_what_another_process_has_written_is_seen_at_once(address):
    folder = place_of(address)
    (folder / "a.json").write_bytes(b"a")
    assert folder.files() == {"a.json": 1} and not (folder / "b.json").exists()
    other = fsspec.filesystem("s3", skip_instance_cache=True)  # which tells this one nothing
    other.pipe_file(f"{address}/b.json", b"bb")
    assert (folder / "b.json").exists() and (folder / "b.json").read_bytes() == b"bb"
    assert folder.files() == {"a.json": 1, "b.json": 2}


def test_a_file_of_another_size_after_sending_is_an_error(monkeypatch):
    class Lossy:
        """A store that keeps a part of what it is sent."""

        def put_file(self, *_):
            pass

        def size(self, _):
            return 3

        def invalidate_cache(self):
            pass

    monkeypatch.setattr("storage.filesystem.url_to_fs", lambda url: (Lossy(), url))
    with pytest.raises(StorageError, match="s3://x/y: 3 of 5 bytes are there after sending"):
        RemotePath("s3://x/y").write_bytes(b"whole")


def test_a_full_temporary_folder_is_named(temporary):
    with (
        pytest.raises(OSError, match="No space left on device in the temporary folder") as error,
        staged(RemotePath("memory://shards")) as folder,
    ):
        assert folder.parent == temporary
        raise OSError(28, "No space left on device")
    assert str(temporary) in str(error.value) and error.value.errno == 28


def test_killed_processes_leave_nothing_in_the_temporary_folder_for_ever(temporary):
    with pytest.raises(WorkerDiedError):
        list(run_tasks(die_while_staging, [Errand(temporary, "a"), Errand(temporary, "b")], 2))
    assert not list(temporary.glob(f"{PREFIX}*"))
    for name, age in (("old", LEFTOVER_SECONDS + 60), ("new", 0)):
        folder = temporary / f"{PREFIX}-1-{name}"
        folder.mkdir()
        os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    with staged(RemotePath("memory://shards")):
        pass
    assert [path.name for path in temporary.glob(f"{PREFIX}*")] == [f"{PREFIX}-1-new"]


def test_songs_are_added_and_compacted_at_an_address_as_in_a_folder(address, tmp_path):
    more = "datasets.synthetic.songs=20"
    found = {}
    for place in (place_of(address), tmp_path / "shards"):
        for words in ((), (more,)):
            pack_synthetic(config_of(str(place), *words))
        before = set(map(str, files_of(place)))
        compact("synthetic", "audio", config_of(str(place), more))
        found[place] = files_of(place)
        assert {name for name in before - found[place].keys() if name.endswith(".tar")}
        assert list(problems_of(manifest_folders(place))) == []
    one, other = found.values()
    assert one == other and one


def files_of(place):
    if isinstance(place, Path):
        return contents(place)
    return {name: (place / name).read_bytes() for name in place.find()}
