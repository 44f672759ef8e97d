"""Laws of what `check` advises: followed to the letter, all is whole, and the rest is untouched."""

import re
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from conftest import contents
from test_append import Collection

from pipeline.bounded import ManifestError
from pipeline.manifest import read_manifest, read_songs, write_songs
from pipeline.record import read_record, write_record
from shards.pack import pack_shard
from shards.plan import plan
from shards.prepare import Part, merge, prepare_part
from songkey.keys import Key

SHARD, RECORD = "train/000001.tar", "train/000001.json"
TABLES = ("train/songs-1.jsonl.zst", "train/index-1.safetensors", "train/changes-1.jsonl.zst")
MANIFEST = "train/manifest.json.zst"
DAMAGE = {
    "cut off": lambda data: data[: len(data) // 2],
    "flipped": lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
    "of other bytes": lambda data: b"<html>404</html>",
    "empty": lambda data: b"",
    "longer": lambda data: data + b"more",
}


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """Songs that were given to train, in two generations, with a changed label and one gone."""
    mine = Collection(tmp_path_factory.mktemp("once"))
    songs = [mine.song(name, split="train") for name in "abcdefghijkl"]
    mine.pack(songs[:8])
    # Nobody gives them a split any more: drawn again they would be in all three.
    mine.songs = [replace(songs[0], key=Key(3, "minor"), split="")]
    mine.songs += [replace(song, split="") for song in songs[2:8]]
    mine.pack([*mine.songs, *songs[8:]])
    mine.songs += [replace(song, split="") for song in songs[8:]]
    mine.pack(mine.songs)
    return mine


@pytest.fixture
def mine(once, tmp_path):
    return copied(once, tmp_path)


def copied(collection, folder):
    """The same, to be damaged."""
    copy = Collection(folder)
    shutil.copytree(collection.folder, copy.folder)
    copy.songs = collection.songs
    return copy


def follow(problem: str) -> None:
    """Do what a message says, and no more, but for packing again."""
    path = Path(re.match(r"(.*?)(, sample \d+)?: ", problem)[1])
    assert "--overwrite" not in problem.partition("; where all")[0]
    assert re.search("pack (again|this data set first)", problem)
    if "delete it" in problem:
        path.unlink()
    elif named := re.search(r"delete (\S+\.(json|tar))", problem):
        (path.parent / named[1]).unlink()


def mended(mine) -> dict[str, bytes]:
    """The files, once the advice was followed as often as there was some."""
    for _ in range(4):
        if problems := mine.problems():
            follow(problems[0])
            try:
                mine.pack(mine.songs)
            except ManifestError as error:  # of a further file
                follow(str(error))
                mine.pack(mine.songs)
    assert not mine.problems()
    return contents(mine.folder)


def assert_only_one_shard_is_another(mine, before, live):
    after = mended(mine)
    its = {SHARD, RECORD}
    kept = {name for name in before if re.fullmatch(r"\w+/\d+\.(tar|json)", name)} - its
    assert len(kept) == 10 and all(after[name] == before[name] for name in kept)
    assert mine.live() == live


@pytest.mark.parametrize("damage", [*DAMAGE, "gone"])
@pytest.mark.parametrize("file", [SHARD, RECORD, MANIFEST, *TABLES])
def test_a_damaged_file_is_mended_and_each_song_stays_in_its_split(mine, file, damage):
    before, live, path = contents(mine.folder), mine.live(), mine.folder / file
    manifest = read_manifest(mine.folder / "train")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert mine.problems() and {split for split, _, _ in live.values()} == {"train"}
    assert_only_one_shard_is_another(mine, before, live)
    if file in (MANIFEST, *TABLES):
        after = contents(mine.folder)
        assert after[SHARD] == before[SHARD] and after[RECORD] == before[RECORD]
        fingerprint = read_manifest(mine.folder / "train").fingerprint
        assert fingerprint == manifest.fingerprint


@pytest.mark.parametrize("what", ["name", "sha256", "settings", "checksum", "place", "songs"])
def test_a_record_that_says_other_things_is_mended(mine, what):
    before, live, train = contents(mine.folder), mine.live(), mine.folder / "train"
    record = read_record(train, "000001.tar")
    first, *rest = record.media_crc32
    wrong = {
        "name": {},
        "sha256": {"sha256": "0" * 64},
        "settings": {"settings": record.settings.model_copy(update={"sample_rate": 11_025})},
        "checksum": {"media_crc32": (first ^ 1, *rest)},
        "place": {"media_bytes": (record.media_bytes[0] - 1, *record.media_bytes[1:])},
        "songs": {
            "songs": (record.songs[0].model_copy(update={"genre": "polka"}), *record.songs[1:])
        },
    }[what]
    write_record(train, record.model_copy(update=wrong))
    if what == "name":
        shutil.copy(train / "000002.json", train / "000001.json")
    assert mine.problems()
    if what == "songs":
        # Either may be the wrong one; the record, which lies beside the sound, is believed.
        assert "lists other songs" in mine.problems()[0]
    assert_only_one_shard_is_another(mine, before, live)


@pytest.mark.parametrize("change", [lambda songs: songs[1:], lambda songs: [*songs, songs[0]]])
def test_a_table_of_other_songs_is_mended(mine, change):
    before, live, train = contents(mine.folder), mine.live(), mine.folder / "train"
    write_songs(train, change(list(read_songs(train))), TABLES[0].partition("/")[2])
    assert_only_one_shard_is_another(mine, before, live)


@pytest.mark.parametrize("damage", ["cut off", "flipped", "gone"])
def test_a_shard_that_was_packed_with_all_others_is_the_same_again(tmp_path, damage):
    mine = Collection(tmp_path)
    mine.songs = [mine.song(name) for name in "abcdefgh"]
    mine.pack(mine.songs)
    before, path = contents(mine.folder), mine.folder / SHARD
    path.unlink() if damage == "gone" else path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert mended(mine) == before


def test_a_song_stays_in_its_split_where_its_shard_and_the_manifest_are_gone(mine):
    live = mine.live()
    for file in (SHARD, MANIFEST):
        (mine.folder / file).unlink()
    mine.pack(mine.songs)
    assert mine.live() == live and not mine.problems()


def test_songs_whose_record_is_gone_are_told_as_changed_and_a_new_copy_joins_them(mine):
    lost = {song.song_id for song in read_record(mine.folder / "train", "000001.tar").songs}
    (mine.folder / RECORD).unlink()
    marked = {song.song_id: song.recording_id for song in mine.songs}
    copies = [
        mine.song(f"copy of {one}", recording_id=marked[one]) for one in sorted(lost & {*marked})
    ]
    done = mine.pack([*mine.songs, *copies])
    assert (done.counts.added, done.counts.changed) == (len(copies), len(lost & {*marked}))
    assert {mine.live()[copy.song_id][0] for copy in copies} == {"train"}


FILES = ("test/000000.tar", "test/000000.json", "test/manifest.json.zst", "train/manifest.json.zst")


@pytest.fixture(scope="module")
def moved_once(tmp_path_factory):
    """Songs that the user moved from train to test, by a word that is no longer said."""
    mine = Collection(tmp_path_factory.mktemp("moved"))
    songs = [mine.song(name, split="train") for name in "abcdefgh"]
    mine.pack(songs)
    mine.pack([replace(song, split="test") for song in songs[:4]] + songs[4:])
    mine.songs = [replace(song, split="") for song in songs]
    mine.pack(mine.songs)
    return mine


@pytest.fixture
def moved(moved_once, tmp_path):
    return copied(moved_once, tmp_path)


@pytest.mark.parametrize("damage", ["gone", "cut off", "flipped"])
@pytest.mark.parametrize("file", [*FILES, "train/changes*", "train/songs*", "train/index*"])
def test_a_song_that_was_moved_stays_where_it_was_moved_to(moved, file, damage):
    live, (path,) = moved.live(), moved.folder.glob(file)
    assert {live[name][0] for name in "abcd"} == {"test"}
    path.unlink() if damage == "gone" else path.write_bytes(DAMAGE[damage](path.read_bytes()))
    mended(moved)
    assert moved.live() == live


@pytest.mark.parametrize(
    "files",
    [
        ("test/000000.json", "test/songs*", "test/index*"),  # only the tar tells its songs
        ("test/manifest*", "test/songs*", "test/index*"),
        ("test/manifest*", "test/000000.json", "train/changes*"),
        ("test/songs*", "train/manifest*", "train/changes*"),
    ],
)
def test_a_song_that_was_moved_stays_there_whatever_is_lost_at_once(moved, files):
    live = moved.live()
    for file in files:
        (path,) = moved.folder.glob(file)
        path.unlink()
    moved.pack(moved.songs)
    assert moved.live() == live and not moved.problems()


@pytest.mark.parametrize("damage", ["gone", "cut off"])
@pytest.mark.parametrize("pair", combinations([SHARD, RECORD, MANIFEST, *TABLES], 2), ids="+".join)
def test_two_damaged_files_are_mended_and_each_song_stays_in_its_split(mine, pair, damage):
    live = mine.live()
    for path in (mine.folder / file for file in pair):
        path.unlink() if damage == "gone" else path.write_bytes(DAMAGE[damage](path.read_bytes()))
    mended(mine)
    assert mine.live() == live


@pytest.mark.parametrize("done", [0, 1])
@pytest.mark.parametrize("file", [SHARD, RECORD])
def test_a_song_stays_in_its_split_where_mending_was_killed(mine, file, done):
    live = mine.live()
    for record in mine.folder.glob("train/*.json"):
        (mine.folder / file).with_stem(record.stem).unlink()
    (split, *_) = plan("mine", mine.songs, "audio", mine.config).splits
    split.begin()
    for task in split.missing[:done]:
        pack_shard(task)
    mine.pack(mine.songs)
    assert mine.live() == live and not mine.problems()


def test_a_song_stays_in_its_split_where_parts_mend_it(mine):
    live = mine.live()
    for record in mine.folder.glob("train/*.json"):
        record.unlink()
    for number in (1, 2, 3):
        prepare_part("mine", mine.songs, [], "audio", mine.config, Part(number, 3))
    merge("mine", mine.songs, [], "audio", mine.config)
    assert mine.live() == live and not mine.problems()


def test_a_song_that_was_left_out_once_stays_in_its_split_when_its_record_is_gone(tmp_path):
    mine = Collection(tmp_path)
    songs = [mine.song(name, split="test") for name in "abcd"]
    mine.pack(songs)
    whole = {song.audio_path: Path(song.audio_path).read_bytes() for song in songs}
    for path in whole:
        Path(path).write_bytes(b"<html>404</html>")
    assert len(mine.pack(songs).left_out) == 4
    for path, data in whole.items():
        Path(path).write_bytes(data)
    songs = [replace(song, split="") for song in songs]
    mine.pack(songs)
    assert [split for split, _, _ in mine.live().values()] == ["test"] * 4
    (mine.folder / "test/000000.json").unlink()
    mine.pack(songs)
    assert [split for split, _, _ in mine.live().values()] == ["test"] * 4 and not mine.problems()


def test_a_damaged_record_is_one_problem(mine):
    (mine.folder / RECORD).write_bytes(b"{")
    (problem,) = mine.problems()
    assert RECORD in problem
