"""Laws of compacting: the same sounds and today's labels in full shards, whenever it is killed."""

import json
import shutil
import tarfile
from dataclasses import replace

import pytest
from conftest import contents, small_config
from test_append import FEW, Collection

from evaluation.listener import shards_of
from pipeline.bounded import ManifestError
from pipeline.manifest import read_manifest, read_songs
from pipeline.record import read_record
from shards import __main__ as shards
from shards import compact as compacting
from shards import publish as publishing
from shards.check import manifest_folders, problems_of
from shards.compact import compact
from shards.pack import pack_shard
from shards.plan import plan
from shards.publish import publish
from shards.ready_made import download_images
from shards.shardfile import read_samples
from shards.spectrograms import create_spectrograms
from songkey.keys import Key
from training.train_source import train_source


@pytest.fixture
def grown(tmp_path) -> Collection:
    """Packed one by one, with a song that is gone, one that changed, and one that is left out."""
    mine = Collection(tmp_path)
    songs = [mine.song(name, split="train") for name in "abcdef"]
    (tmp_path / "f.wav").write_bytes(b"<html>404</html>")
    for count in range(1, 7):
        mine.pack(songs[:count])
    mine.listed = [replace(songs[0], key=Key(9, "minor")), *songs[2:]]
    mine.pack(mine.listed)
    return mine


def sounds(mine: Collection, format: str = "audio") -> dict[tuple[str, int], bytes]:
    """Of each live song and interval its medium."""
    found = {}
    for path in (mine.root / f"shards/{format}/mine").glob("*/manifest.json.zst"):
        live = {song.song_id for song in read_songs(path.parent)}
        for shard in read_manifest(path.parent).shards:
            for sample in read_samples(path.parent, read_record(path.parent, shard.name)):
                if sample.song.song_id in live:
                    found[sample.song.song_id, sample.info.interval] = sample.media
    return found


def test_what_is_compacted_are_the_same_sounds_in_full_shards_with_todays_labels(grown):
    before, live = sounds(grown), grown.live()
    fingerprint = read_manifest(grown.folder / "train").fingerprint
    assert len(grown.tars()) == 6
    done = compact("mine", "audio", grown.config)
    assert sounds(grown) == before and grown.live() == live and not grown.problems()
    assert sorted(grown.tars()) == ["train/000006.tar", "train/000007.tar"]
    assert not list(grown.folder.rglob("changes*"))
    assert read_manifest(grown.folder / "train").fingerprint != fingerprint
    with tarfile.open(grown.folder / "train/000006.tar") as tar:
        (info, *_) = [tar.extractfile(m) for m in tar if m.name.endswith("json")]
        assert json.load(info)["key"] == "A minor"
    assert [one.song_id for one in done.left_out] == ["f"]
    again = contents(grown.folder)
    assert [one.song_id for one in grown.pack(grown.listed).left_out] == ["f"]
    compact("mine", "audio", grown.config)
    assert contents(grown.folder) == again


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", range(4))
def test_compacting_that_is_killed_loses_nothing_and_a_second_run_ends_it(grown, at, monkeypatch):
    before, live, start = sounds(grown), grown.live(), contents(grown.folder)
    compact("mine", "audio", grown.config)
    undisturbed = contents(grown.folder)
    shutil.rmtree(grown.folder)
    for name, data in start.items():
        (grown.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (grown.folder / name).write_bytes(data)

    def killed(name, times=0):
        real, calls = getattr(compacting, name), []

        def instead(*arguments, **named):
            calls.append(1)
            if len(calls) > times:
                raise Killed
            return real(*arguments, **named)

        monkeypatch.setattr(compacting, name, instead)

    moments = [("pack_again", 0), ("pack_again", 1), ("write_split_manifest", 0)]
    killed(*[*moments, ("remove_strays", 0)][at])
    with pytest.raises(Killed):
        compact("mine", "audio", grown.config)
    assert grown.live() == live
    monkeypatch.undo()
    compact("mine", "audio", grown.config)
    assert contents(grown.folder) == undisturbed
    assert sounds(grown) == before and not grown.problems()


def test_packing_after_a_killed_compacting_doubles_nothing(grown, monkeypatch):
    live = grown.live()
    monkeypatch.setattr(compacting, "remove_strays", lambda *_: None)
    compact("mine", "audio", grown.config)
    assert len(grown.tars()) == 8
    grown.pack([*grown.listed, grown.song("g", split="train")])
    assert grown.live() == live | {"g": ("train", 0, 2)} and not grown.problems()
    assert len(grown.tars()) == 3


def test_compacting_waits_until_packing_has_ended(grown):
    made = plan("mine", [*grown.listed, grown.song("g", split="train")], "audio", grown.config)
    pack_shard(made.splits[0].missing[0])
    before = contents(grown.folder)
    with pytest.raises(ManifestError, match="000006.tar is beyond the manifest: packing has not e"):
        compact("mine", "audio", grown.config)
    assert contents(grown.folder) == before


def test_spectrograms_follow_and_compacted_beside_their_audio_need_not_be_made_again(grown):
    create_spectrograms("mine", grown.config)
    pictures = sounds(grown, "png")
    assert len(pictures) == 8
    for format in ("audio", "png"):
        compact("mine", format, grown.config)
    assert sounds(grown, "png") == pictures
    before = contents(grown.root / "shards/png")
    create_spectrograms("mine", grown.config)
    assert contents(grown.root / "shards/png") == before


def test_spectrograms_of_added_songs_leave_the_others_as_they_are(tmp_path):
    mine = Collection(tmp_path)
    songs = [mine.song(name, split="train") for name in "abcd"]
    mine.pack(songs[:3])
    create_spectrograms("mine", mine.config)
    before = {
        n: d for n, d in contents(tmp_path / "shards/png").items() if n[-4:] in (".tar", "json")
    }
    mine.pack([replace(songs[0], key=Key(9, "minor")), *songs[2:]])
    made = create_spectrograms("mine", mine.config)
    after = contents(tmp_path / "shards/png")
    assert after.items() > before.items() and "mine/train/000002.tar" in after
    assert made.manifests["train"].songs_by_key == {"C major": 2, "A minor": 1}
    config = small_config(tmp_path, *FEW, "stream.format=png")
    (of_png,) = shards_of(config, config, ("mine",), "train").splits
    assert of_png.manifest == made.manifests["train"]


def test_shards_read_in_order_or_indexed_as_others_are_must_be_compacted_first(grown, called):
    tars = str(grown.folder / "train/*.tar")
    told = ["--set", f'prepare.shards_dir="{grown.root}/shards"']
    by_url = ("stream.reader=webdataset", "stream.format=audio", f'stream.urls=["{tars}"]')
    by_name = ("stream.reader=webdataset", "stream.format=audio", 'train.datasets=["mine"]')
    for words in (by_url, by_name):
        with pytest.raises(ManifestError, match="mine/train: .* changed since .*shards compact"):
            train_source(small_config(grown.root, *FEW, *words, "stream.epoch_intervals=4"))
    done = called(shards.main, "index", tars, "--name", "theirs", *told)
    assert done.returncode == 1 and "python -m shards compact" in done.stderr
    compact("mine", "audio", grown.config)
    config = small_config(grown.root, *FEW, *by_url, "stream.epoch_intervals=4")
    assert train_source(config).total == 4


def test_what_is_published_follows_and_its_manifest_counts_until_then(grown, tmp_path, monkeypatch):
    place = tmp_path / "web"
    publish("mine", str(place), "audio", grown.config)
    before = contents(place)
    grown.pack([*grown.listed[1:], grown.song("g", split="train")])
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "tables_of", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish("mine", str(place), "audio", grown.config)
    assert contents(place).items() > before.items()
    for compacted in (False, True):
        if compacted:
            compact("mine", "audio", grown.config)
        publish("mine", str(place), "audio", grown.config)
        lists = {name: data for name, data in contents(grown.folder).items() if "left" not in name}
        assert contents(place / "audio/mine") == lists
        assert not list(problems_of(manifest_folders(place)))


def test_ready_made_spectrograms_with_changes_are_downloaded_as_they_are(grown, tmp_path):
    create_spectrograms("mine", grown.config)
    publish("mine", str(tmp_path / "web"), "png", grown.config)
    user = small_config(tmp_path / "user", *FEW, f'images.base_url="{tmp_path}/web"')
    for _ in range(2):
        assert [one.song_id for one in download_images("mine", user).left_out] == ["f"]
        assert contents(tmp_path / "user/shards") == contents(tmp_path / "web")
    assert list((tmp_path / "web").rglob("changes*"))


def test_a_table_of_changes_must_be_what_the_manifest_says(grown):
    path = next(grown.folder.rglob("changes*"))
    *data, last = path.read_bytes()
    path.write_bytes(bytes([*data, last ^ 1]))
    (problem,) = grown.problems()
    assert f"{path}: not what the manifest says (sha256); delete it, and pack again" in problem


def test_compacting_what_is_not_packed_ends_in_one_line(called, tmp_path):
    done = called(shards.main, "compact", "mine", "--set", f'prepare.shards_dir="{tmp_path}"')
    assert done.returncode == 1 and "audio/mine: no audio shards; pack this" in done.stderr
