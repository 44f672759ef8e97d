"""Laws of the index: it says what the records say, takes little room, and is refused if it lies."""

import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import small_config

from evaluation.listener import shards_of
from pipeline.bounded import ManifestError
from pipeline.index import INDEX_NAME, IndexRows, index_bytes, open_index
from pipeline.manifest import read_manifest, write_manifest
from pipeline.record import read_records
from pipeline.shardset import ShardReader
from songkey.keys import parse_key


@pytest.fixture(scope="module")
def split(packed):
    return packed / "shards/audio/synthetic/train"


@pytest.fixture(scope="module")
def records(split):
    return list(read_records(split, [shard.name for shard in read_manifest(split).shards]))


@pytest.fixture
def copied(packed, tmp_path):
    """A copy of all shards, to be damaged."""
    shutil.copytree(packed / "shards", tmp_path / "shards")
    return tmp_path


def index_of(records):
    rows = IndexRows()
    for record in records:
        rows.add(record)
    return rows.finish()


def test_the_index_says_what_the_records_say(split, records):
    index = open_index(split / INDEX_NAME, read_manifest(split))
    row = 0
    for record in records:
        for place, song in enumerate(record.song):
            entry = record.songs[song]
            songs, number = index.songs, index.song[row]
            assert songs.song_id[number] == entry.song_id
            assert songs.key_id[number] == parse_key(entry.key).id
            assert (songs.label_source[number], songs.genre[number]) == (
                entry.label_source, entry.genre,
            )  # fmt: skip
            for name in ("media_offset", "media_bytes", "media_crc32"):
                assert getattr(index, name)[row] == getattr(record, name)[place]
            row += 1
    assert row == len(index.song) == index.songs.intervals.sum()
    assert (split / INDEX_NAME).read_bytes() == index_bytes(index_of(records))


def test_a_song_that_goes_on_in_a_further_tar_is_one_song(records):
    first = records[0]
    last = first.songs[-1].model_copy(update={"intervals": 1})
    columns = {
        name: getattr(first, name)[:1]
        for name in ("interval", "media_offset", "media_bytes", "media_crc32")
    }
    further = first.model_copy(update={"songs": (last,), "song": (0,), **columns})
    once, twice = index_of([first]), index_of([first, further])
    assert len(twice.songs) == len(once.songs) and twice.song[-1] == once.song[-1]
    assert twice.songs.intervals[-1] == once.songs.intervals[-1] + 1


def test_names_of_any_script_come_back(records):
    names = ["Ænima/ø.mp3", "夜に駆ける.flac", "🎹", "a" * 300]
    songs = tuple(
        records[0].songs[0].model_copy(update={"song_id": name, "genre": name}) for name in names
    )
    rows = index_of([records[0].model_copy(update={"songs": songs, "song": ()})])
    assert [rows.songs.song_id[place] for place in range(4)] == names
    assert [rows.songs.genre[place] for place in range(4)] == names


def test_songs_of_one_sound_or_name_have_one_number_and_unknown_ones_none(records):
    entry = records[0].songs[0]
    told = [{"identity": "a", "name": "x"}, {"identity": "b", "name": ""}, {"identity": "a"}]
    songs = tuple(
        entry.model_copy(update={"song_id": str(place), "name": "", **one})
        for place, one in enumerate(told)
    )
    rows = index_of([records[0].model_copy(update={"songs": songs, "song": ()})]).songs
    assert rows.identity[0] == rows.identity[2] != rows.identity[1]
    assert rows.name[0] and rows.name[1:].tolist() == [0, 0]


def test_an_index_of_songs_without_them_is_the_file_that_it_was_before_they_were_known(records):
    songs = tuple(song.model_copy(update={"identity": "", "name": ""}) for song in records[0].songs)
    data = index_bytes(index_of([records[0].model_copy(update={"songs": songs})]))
    columns = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).keys()
    assert {"song.identity", "song.name"} & columns == set()
    known = index_bytes(index_of(records))
    assert b'"song.identity"' in known and b'"song.name"' not in known


def test_shards_packed_before_there_was_an_index_get_one_in_the_cache(copied):
    config = small_config(copied, f'stream.cache_dir="{copied}/cache"')
    shards = shards_of(config, config, ("synthetic",), "train")
    expected = [ShardReader(shards).read(number) for number in range(shards.total)]
    folder = shards.splits[0].folder
    (folder / INDEX_NAME).unlink()
    write_manifest(folder, read_manifest(folder).model_copy(update={"index_sha256": ""}))
    for _ in range(2):
        old = shards_of(config, config, ("synthetic",), "train")
        assert old.splits[0].index_path.parent == copied / "cache"
        assert [ShardReader(old).read(number) for number in range(old.total)] == expected
        for record in folder.glob("*.json"):
            record.write_bytes(b"")  # the second time none is read


def test_an_index_in_the_cache_that_was_damaged_is_made_anew(copied):
    config = small_config(copied, f'stream.cache_dir="{copied}/cache"')
    folder = copied / "shards/audio/synthetic/train"
    whole = (folder / INDEX_NAME).read_bytes()
    write_manifest(folder, read_manifest(folder).model_copy(update={"index_sha256": ""}))
    for damaged in (None, b"garbage", whole[:-40]):
        for path in (copied / "cache").glob("*.safetensors"):
            path.write_bytes(damaged)
        path = shards_of(config, config, ("synthetic",), "train").splits[0].index_path
        assert path.read_bytes() == whole


def test_an_index_of_other_bytes_or_none_is_refused(copied):
    config = small_config(copied)
    path = copied / "shards/audio/synthetic/train" / INDEX_NAME
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ManifestError, match="index.safetensors: not what the manifest says .sha"):
        shards_of(config, config, ("synthetic",), "train")
    path.unlink()
    with pytest.raises(ManifestError, match="index.safetensors: not there, though the manifest na"):
        shards_of(config, config, ("synthetic",), "train")


LIES = {  # a column and what it says -> the complaint
    "media_offset": (-1, "an interval lies outside its shard"),
    "media_bytes": (2**31 - 1, "an interval lies outside its shard"),
    "song": (10**6, "an interval is of no song"),
}


@pytest.mark.parametrize("column", LIES)
@pytest.mark.parametrize("row", [0, -1])
def test_an_index_whose_numbers_cannot_be_is_refused(split, tmp_path, column, row):
    manifest = read_manifest(split)
    index = open_index(split / INDEX_NAME, manifest)
    value, complaint = LIES[column]
    values = getattr(index, column).copy()
    values[row] = value
    path = tmp_path / INDEX_NAME
    path.write_bytes(index_bytes(replace(index, **{column: values})))
    with pytest.raises(ManifestError, match=complaint):
        open_index(path, manifest)


def test_songs_that_cannot_be_are_refused(split, tmp_path):
    manifest = read_manifest(split)
    index = open_index(split / INDEX_NAME, manifest)
    songs, path = index.songs, tmp_path / INDEX_NAME
    torn = replace(songs.song_id, ends=songs.song_id.ends[::-1].copy())
    for wrong, complaint in (
        (replace(songs, key_id=np.full_like(songs.key_id, 24)), "none of the 24 keys"),
        (replace(songs, intervals=songs.intervals + 1), "other numbers of intervals"),
        (replace(songs, confidence=songs.confidence[1:]), "of different lengths"),
        (replace(songs, identity=songs.identity[1:]), "of recordings are of different lengths"),
        (replace(songs, song_id=torn), "its names are torn"),
    ):
        path.write_bytes(index_bytes(replace(index, songs=wrong)))
        with pytest.raises(ManifestError, match=complaint):
            open_index(path, manifest)
    path.write_bytes(index_bytes(replace(index, song=index.song[::-1].copy())))
    with pytest.raises(ManifestError, match="not in the order of their songs"):
        open_index(path, manifest)
    fewer = {name: getattr(index, name)[1:] for name in ("media_offset", "media_bytes")}
    path.write_bytes(index_bytes(replace(index, **fewer)))
    with pytest.raises(ManifestError, match="not of the .* intervals that the manifest names"):
        open_index(path, manifest)
    path.write_bytes(b"nothing")
    with pytest.raises(ManifestError, match="not an index .*; delete it, and pack again"):
        open_index(path, manifest)
    path.write_bytes(index_bytes(replace(index, song=index.song.astype(np.int64))))
    with pytest.raises(ManifestError, match="song is int64, int32 expected"):
        open_index(path, manifest)


def test_a_shard_set_crosses_processes_without_its_rows(packed):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "train")
    shards.song_table()
    assert len(pickle.dumps(shards)) < 20_000
    twin = pickle.loads(pickle.dumps(shards))
    assert twin.reader().read(3) == shards.reader().read(3)
