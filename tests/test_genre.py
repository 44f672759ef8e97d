"""Laws of genres: from a data set's own word to the table of songs, and no trace where unknown."""

import hashlib
from dataclasses import replace
from pathlib import Path

from conftest import contents, small_config
from ncs_site import fill_download_folder
from ncs_site import write as write_text
from test_gs_mtg import MTG_ROWS, mtg_repository, mtg_setting

from pipeline.manifest import read_songs
from pipeline.record import SongEntry
from settings.config import load_config
from shards.digests import songs_digest
from shards.prepare import prepare
from songs import gs_mtg, ncs, synthetic

ENTRY = SongEntry(
    song_id="a", recording_id="b", key="C major", label_source="tag", confidence=1.0, intervals=3
)


def pack(folder: Path, genre: str) -> dict[str, bytes]:
    """The files of shards of four songs of one genre."""
    config = small_config(folder)
    songs = [replace(song, genre=genre, split="test") for song in synthetic.songs(4, 8.0, seed=3)]
    prepare("synthetic", songs, [], "audio", config)
    return contents(folder / "shards/audio/synthetic/test")


def test_a_genre_is_written_where_it_is_known_only_and_read_back_either_way():
    assert "genre" not in ENTRY.model_dump_json()
    for entry in (ENTRY, ENTRY.model_copy(update={"genre": "Drum & Bass"})):
        assert SongEntry.model_validate_json(entry.model_dump_json()) == entry


def test_songs_without_a_genre_keep_the_digest_they_had():
    song = replace(synthetic.songs(1, 8.0, seed=3)[0], label_source="x")
    fields = [song.song_id, song.recording_id, str(song.key), "x", str(song.confidence)]
    line = "\t".join([*fields, f"{song.audio_path} {synthetic.VERSION}"])
    digest = hashlib.sha256(f"{line}\n".encode()).hexdigest()[:16]
    assert songs_digest([song]) == f"1 songs, {digest}"
    assert songs_digest([replace(song, genre="House")]) != f"1 songs, {digest}"


def test_a_packed_song_keeps_its_genre_and_the_tars_are_those_of_songs_without(tmp_path):
    plain, house = pack(tmp_path / "plain", ""), pack(tmp_path / "house", "House")
    tars = [name for name in plain if name.endswith(".tar")]
    assert tars and all(plain[name] == house[name] for name in tars)
    assert not any(b"genre" in plain[name] for name in plain if name.endswith(".json"))
    folder = tmp_path / "house/shards/audio/synthetic/test"
    assert [song.genre for song in read_songs(folder)] == ["House"] * 4


def test_the_data_sets_that_name_genres_give_them_to_their_songs(tmp_path):
    root = mtg_repository().write(tmp_path / "mtg")
    songs, _ = gs_mtg.labelled(root, root, mtg_setting())
    assert {song.song_id: song.genre for song in songs} == {
        song.song_id: f"House {song.song_id}" for song in songs
    }
    assert MTG_ROWS.keys() > {song.song_id for song in songs}
    fill_download_folder(tmp_path)
    labels = write_text(tmp_path / "labels.csv", "tid,key\nt1,Cm\n")
    datasets = load_config(None, [f'datasets.ncs.labels="{labels}"']).datasets
    songs, _ = ncs.songs(datasets, tmp_path)
    assert [(song.song_id, song.genre) for song in songs] == [("t1", "House")]
