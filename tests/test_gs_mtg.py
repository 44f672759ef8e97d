"""Laws of GiantSteps MTG Key: what a usable label is, and what is one recording."""

import os
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from gs_repository import Repository, packed_songs, words
from http_server import serving

from settings.config import load_config
from shards import __main__ as shards
from songs import gs_mtg
from songs.recordings import recording_ids

REAL = Path(os.environ.get("AKC_ANNOTATIONS", ROOT.parent / "shared" / "annotations"))
MTG_ROWS = {  # id: key, confidence, artist, title, comment
    "11": ("D# minor", "2", "Ann", "One", ""),
    "12": ("B major ", "2", "Ben", "Two", ""),
    "13": ("C major", "2", "Cat", "Three", "could be a minor"),
    "14": ("A# minor", "1", "Dan", "Four", ""),
    "15": ("-", "0", "Eve", "Five", ""),
    "16": (" ", "0", "Fay", "Six", ""),
    "17": ("E / B / A minor", "2", "Gus", "Seven", ""),
    "18": ("A-A# minor", "2", "Hal", "Eight", ""),
    "19": ("H dur", "2", "Ida", "Nine", ""),
    "20": ("F minor", "2", "Ann", "One", ""),
    "21": ("F minor", "very", "Jim", "Ten", ""),
}


def mtg_repository(rows: dict[str, tuple[str, ...]] = MTG_ROWS) -> Repository:
    repository = Repository()
    for song_id, (key, confidence, _, _, comment) in rows.items():
        repository.add(song_id, f"{key.lower()}\t{confidence}\t{comment}\n")
    lines = [f"{song_id}\t{row[0]}\t{row[1]}" for song_id, row in rows.items()]
    names = [
        f"{song_id}\t{row[2]}\t{row[3]}\tMix\tLabel\tHouse {song_id}"
        for song_id, row in rows.items()
    ]
    repository.texts["annotations/annotations.txt"] = "\n".join(["ID\tMANUAL KEY\tC", *lines, ""])
    repository.texts["annotations/beatport_metadata.txt"] = "\n".join(
        ["ID\tARTIST\tSONG TITLE\tMIX\tLABEL\tBP GENRE", *names, ""]
    )
    return repository


def mtg_setting(*overrides: str):
    return load_config(None, [f"datasets.gs_mtg.{one}" for one in overrides]).datasets.gs_mtg


def mtg(root: Path, *overrides: str) -> tuple[dict[str, str], dict[str, str]]:
    """Key and reason by id, of what gs_mtg keeps and leaves out."""
    songs, out = gs_mtg.labelled(root, root, mtg_setting(*overrides))
    return {s.song_id: str(s.key) for s in songs}, {one.song_id: one.reason for one in out}


def test_gs_mtg_keeps_what_has_one_key_and_enough_confidence(tmp_path):
    root = mtg_repository().write(tmp_path)
    kept, out = mtg(root)
    assert kept == {"11": "Eb minor", "12": "B major", "13": "C major", "20": "F minor"}
    assert out == {
        "14": "low confidence: 1",
        "15": "no key",
        "16": "no key",
        "17": "several keys: E / B / A minor",
        "18": "several keys: A-A# minor",
        "19": "label does not parse: H dur",
        "21": "confidence is not 0, 1 or 2: very",
    }
    assert mtg(root, "minimum_confidence=1")[0].keys() - kept.keys() == {"14"}
    songs, _ = gs_mtg.labelled(root, root, mtg_setting("minimum_confidence=0"))
    assert {song.song_id: song.confidence for song in songs}["14"] == 0.5


def test_the_published_protocol_leaves_out_every_song_with_a_comment(tmp_path):
    root = mtg_repository().write(tmp_path)
    (root / "annotations/key/12.LOFI.key").unlink()
    kept, out = mtg(root, "require_empty_comment=true")
    assert kept.keys() == {"11", "20"}
    assert out["13"] == "comment: could be a minor"
    assert out["12"].startswith("no key file")


def test_lines_that_contradict_each_other_or_have_no_id_are_left_out(tmp_path):
    root = mtg_repository().write(tmp_path)
    with open(root / "annotations/annotations.txt", "a") as table:
        table.write("11\tD# minor\t2\r\n12\tC major\t2\nx1\tC major\t2\n\n13\n")
    kept, out = mtg(root)
    assert kept.keys() == {"11", "20"}
    assert out["12"] == "conflicting labels: 'B major' (2), 'C major' (2)"
    assert out["13"] == "conflicting labels: 'C major' (2), '' ()"
    assert out["line 15"] == "line without an id: x1 C major 2"


def test_a_table_that_is_not_what_it_was_is_refused(tmp_path):
    root = mtg_repository().write(tmp_path / "downloads/gs_mtg/annotations/master")
    names = root / "annotations/beatport_metadata.txt"
    names.write_text("ID\tNAME\n")
    with pytest.raises(ValueError, match=r"no column 'ARTIST'; its first line is ID \| NAME"):
        mtg(root)
    names.unlink()
    with pytest.raises(
        ValueError, match="gs_mtg/annotations: it lacks annotations/beatport_metadata"
    ):
        mtg(root)
    (root / "annotations/annotations.txt").write_text("")
    with pytest.raises(ValueError, match="annotations.txt: no column 'ID'"):
        mtg(root)


def test_songs_linked_by_any_property_are_one_recording_named_by_the_first():
    md5_of = {"a": "1", "b": "2", "c": "2", "d": "3", "e": "4", "f": "4"}
    name_of = {"a": "x", "b": "y", "c": "x", "d": "", "e": "", "f": ""}
    ids = recording_ids("abcdefg", [md5_of, name_of])
    assert ids == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "e", "f": "e", "g": "g"}
    for order in ("gfedcba", "cagebdf"):
        again = recording_ids(order, [md5_of, name_of])
        assert Counter(Counter(again.values()).values()) == Counter(Counter(ids.values()).values())
        assert again["a"] == again["b"] == again["c"]


def test_a_recording_keeps_its_name_whatever_songs_are_wanted(tmp_path):
    repository = mtg_repository()
    repository.texts["md5/14.LOFI.md5"] = repository.texts["md5/12.LOFI.md5"]
    repository.texts["md5/13.LOFI.md5"] = repository.texts["md5/14.LOFI.md5"].upper()
    root = repository.write(tmp_path)
    names = {}
    for overrides in ([], ["minimum_confidence=0"], ["require_empty_comment=true"]):
        songs, _ = gs_mtg.labelled(root, root, mtg_setting(*overrides))
        for song in songs:
            assert names.setdefault(song.song_id, song.recording_id) == song.recording_id
    assert names == {"11": "11", "20": "11", "12": "12", "13": "12", "14": "12"}


def test_gs_mtg_is_packed_with_no_recording_in_two_splits(called, tmp_path):
    rows = {
        str(number): ("C minor", "2", f"artist {number // 2}", "song", "")
        for number in range(100, 124)
    }
    rows["99"] = ("-", "0", "nobody", "nothing", "")
    with serving(mtg_repository(rows).served()) as server:
        plain = words(tmp_path, "gs_mtg", server, "split.seed=1")
        done = called(shards.main, "download", "gs_mtg", *plain)
        assert done.returncode == 0, done.stderr
        assert not server.asked("/songs/99.LOFI.mp3")
    done = called(shards.main, "pack", "gs_mtg", "--format", "png", *plain)
    assert done.returncode == 0, done.stderr
    assert "24 songs" in done.stdout and "left out 1 of 25 songs: 1 no key (99)" in done.stdout
    done = called(shards.main, "pack", "gs_mtg", *plain)
    assert done.returncode == 0, done.stderr
    splits = packed_songs(tmp_path, "gs_mtg")
    recordings = [{one[1] for one in songs.values()} for songs in splits.values()]
    assert splits.keys() == {"train", "valid"}  # of a training set, whatever [split] says
    assert sum(map(len, recordings)) == len(set().union(*recordings)) == 12
    assert called(shards.main, "check", *plain).returncode == 0


def test_remixes_of_one_name_keep_the_keys_that_were_heard_in_each(called, tmp_path):
    """A file's label is that of its own sound."""
    rows = {"100": ("C minor", "2", "a", "song", ""), "101": ("F minor", "2", "a", "song", "")}
    with serving(mtg_repository(rows).served()) as server:
        plain = words(tmp_path, "gs_mtg", server)
        assert called(shards.main, "download", "gs_mtg", *plain).returncode == 0
    done = called(shards.main, "pack", "gs_mtg", *plain)
    assert done.returncode == 0, done.stderr
    ((first, second),) = (songs.values() for songs in packed_songs(tmp_path, "gs_mtg").values())
    assert first[1] == second[1]


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real annotations, see AKC_ANNOTATIONS")
def test_the_real_lists_give_the_published_counts():
    root = REAL / "giantsteps-mtg-key"
    songs, out = gs_mtg.labelled(root, Path(), mtg_setting())
    assert len(songs) == 1159
    assert Counter(one.kind for one in out) == {
        "no key": 73,
        "several keys": 64,
        "low confidence": 190,
    }
    songs, out = gs_mtg.labelled(root, Path(), mtg_setting("require_empty_comment=true"))
    assert len(songs) == 1077 and Counter(one.kind for one in out)["comment"] == 82
    counts = [len(mtg(root, f"minimum_confidence={c}")[0]) for c in (1, 0)]
    assert counts == [1333, 1349]
