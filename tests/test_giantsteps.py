"""Laws of GiantSteps Key and its second labels, from a web that misbehaves to shards."""

import os
from collections import Counter
from pathlib import Path

import pytest
import tomli_w
from conftest import ROOT, settings
from gs_repository import Repository, left_out, md5, packed_songs, sound, words, zipped
from http_server import Fault, html_page, serving

from settings.config import ConfigError, load_config
from shards import __main__ as shards
from songs import gs_key
from songs.giantsteps import key_of
from songs.gs_key_plus import key_of_label
from songs.ranking import UnusableError

REAL = Path(os.environ.get("AKC_ANNOTATIONS", ROOT.parent / "shared" / "annotations"))
GS_KEYS = {"101": "C minor", "1002": "Db major", "30": "F# minor", "4": "Ab major", "5": "A minor"}


def key_repository() -> Repository:
    repository = Repository()
    for song_id, key in GS_KEYS.items():
        repository.add(song_id, key)
    return repository


def test_gs_key_comes_whole_from_a_dead_a_lying_and_a_good_mirror_and_all_of_it_tests(
    called, tmp_path
):
    repository = key_repository()
    with serving(repository.served()) as server:
        lies = {f"/lies/{song_id}.LOFI.mp3": data for song_id, data in repository.sounds.items()}
        server.files |= lies
        server.faults |= {"/lies/30.LOFI.mp3": html_page(), "/page.zip": html_page()}
        mirrors = tmp_path / "mirrors.toml"
        archives = [server.url(path) for path in ("/gone.zip", "/page.zip", "/repository.zip")]
        audio = [server.url(f"/{path}/{{id}}.LOFI.mp3") for path in ("gone", "lies", "songs")]
        section = {"annotations": archives, "audio": audio}
        mirrors.write_text(tomli_w.dumps({"datasets": {"gs_key": section}}))
        plain = settings(tmp_path, f'download.dir="{tmp_path}/downloads"', "download.retries=0")
        done = called(shards.main, "download", "gs_key", "--config", mirrors, *plain)
        assert done.returncode == 0, done.stderr
        assert server.asked("/songs/30.LOFI.mp3") == [""] and not server.asked("/songs/4.LOFI.mp3")
    done = called(shards.main, "pack", "gs_key", *plain)
    assert done.returncode == 0, done.stderr
    assert "5 songs, 5 intervals" in done.stdout
    assert packed_songs(tmp_path, "gs_key") == {
        "test": {song_id: (key, song_id) for song_id, key in GS_KEYS.items()}
    }


def test_what_is_missing_is_told_stays_left_out_and_alone_is_fetched_again(called, tmp_path):
    with serving(key_repository().served()) as server:
        server.faults["/songs/30.LOFI.mp3"] = html_page()
        server.faults["/songs/4.LOFI.mp3"] = Fault(status=404)
        plain = words(tmp_path, "gs_key", server)
        done = called(shards.main, "download", "gs_key", *plain)
        assert done.returncode == 1
        assert "30.LOFI.mp3" in done.stdout and "HTML" in done.stdout and "404" in done.stdout
        assert "error: gs_key: 2 missing files, see above" in done.stderr
        assert called(shards.main, "pack", "gs_key", *plain).returncode == 0
        assert left_out(tmp_path, "gs_key") == {"30": "not downloaded", "4": "not downloaded"}
        server.faults.clear()
        server.requests.clear()
        assert called(shards.main, "download", "gs_key", *plain).returncode == 0
        asked = sorted(request.path for request in server.requests)
        assert asked == ["/songs/30.LOFI.mp3", "/songs/4.LOFI.mp3"]


def test_packing_before_downloading_names_the_command_to_run(called, tmp_path):
    plain = settings(tmp_path, f'download.dir="{tmp_path}/downloads"')
    for dataset in ("gs_key", "gs_key_plus", "gs_mtg"):
        done = called(shards.main, "pack", dataset, *plain)
        assert done.returncode == 1
        assert f"run python -m shards download {dataset} first" in done.stderr
    with serving(key_repository().served()) as server:
        for song_id in GS_KEYS:
            server.faults[f"/songs/{song_id}.LOFI.mp3"] = Fault(status=404)
        plain = words(tmp_path, "gs_key", server)
        assert called(shards.main, "download", "gs_key", *plain).returncode == 1
    done = called(shards.main, "pack", "gs_key", *plain)
    assert "error: gs_key: none of its 5 songs is there; run python -m shards" in done.stderr


def test_archives_that_are_none_are_told_and_thrown_away(called, tmp_path):
    with serving({"/repository.zip": b"PK no archive"}) as server:
        plain = words(tmp_path, "gs_key", server)
        done = called(shards.main, "download", "gs_key", *plain)
        assert done.returncode == 1
        assert "annotations.zip" in done.stdout and server.url("/repository.zip") in done.stdout
        server.files |= {"/repository.zip": zipped({"other/README": "moved"})}
        done = called(shards.main, "download", "gs_key", *plain)
        assert done.returncode == 1
        assert "gs_key/annotations: it lacks a folder annotations/key; the archive" in done.stderr


def test_an_extraction_that_was_interrupted_is_begun_anew(called, tmp_path):
    stale = tmp_path / "downloads/gs_key/annotations.part/giantsteps-master/annotations/key"
    stale.mkdir(parents=True)
    (stale / "77.LOFI.key").write_text("C mi")
    with serving(key_repository().served()) as server:
        plain = words(tmp_path, "gs_key", server)
        assert called(shards.main, "download", "gs_key", *plain).returncode == 0
    found = list((tmp_path / "downloads/gs_key").rglob("*.LOFI.key"))
    assert len(found) == len(GS_KEYS) and not stale.exists()


def test_every_file_that_is_wrong_is_left_out_with_its_reason_and_strays_are_passed_over(
    called, tmp_path
):
    repository = key_repository()
    repository.add("6", "C minor / Eb major")
    repository.add("7", " \n")
    repository.add("8", "E minor")
    repository.texts |= {
        "md5/4.LOFI.md5": "",
        "md5/5.LOFI.md5": "404: Not Found",
        "md5/99.LOFI.md5": md5(b"no song"),
        "annotations/key/._101.LOFI.key": "junk",
        "annotations/key/id.LOFI.key": "C minor",
        "annotations/giantsteps/101.LOFI.key": "# header\nkey 0 C minor",
        "Thumbs.db": "junk",
    }
    del repository.texts["md5/8.LOFI.md5"]
    with serving(repository.served()) as server:
        plain = words(tmp_path, "gs_key", server)
        assert called(shards.main, "download", "gs_key", *plain).returncode == 0
    audio = tmp_path / "downloads/gs_key/audio"
    (audio / "stray.LOFI.mp3").write_bytes(sound(50))
    (audio / "9.LOFI.mp3.part").write_bytes(b"half")
    done = called(shards.main, "pack", "gs_key", *plain)
    assert done.returncode == 0, done.stderr
    assert packed_songs(tmp_path, "gs_key")["test"].keys() == {"101", "1002", "30"}
    assert left_out(tmp_path, "gs_key") == {
        "4": "md5 file holds no md5",
        "5": "md5 file holds no md5",
        "6": "label does not parse: C minor / Eb major",
        "7": "no key",
        "8": "no md5 file",
        "99": "md5 file without a song",
    }
    assert "left out 6 of 9 songs" in done.stdout


def test_a_label_that_is_not_utf_8_is_left_out(tmp_path):
    root = key_repository().write(tmp_path)
    (root / "annotations/key/101.LOFI.key").write_bytes(b"C\xe9 minor")
    songs, out = gs_key.labelled(root, root)
    assert len(songs) == len(GS_KEYS) - 1
    assert [one.reason for one in out] == ["label does not parse: C\ufffd minor"]


def test_gs_key_plus_packs_its_own_labels_with_the_sound_of_gs_key(called, tmp_path):
    labels = {
        "101 Ann - One (Original Mix)": "C major",
        "1002 Ben, Cat - Two's (Mix)*": "F minor dorian",
        "30 Dan - Three": "Eb other",
        "4 Eve - Four - Five": "E major | E minor",
        "777 Fay - Six": "C major",
    }
    files = {f"keys_gs+/{name}.txt": text for name, text in labels.items()}
    keys = zipped({**files, "__MACOSX/keys_gs+/._101 Ann.txt": "junk", "keys_gs+/note.txt": "hi"})
    with serving({**key_repository().served(), "/keys.zip": keys}) as server:
        plus = [f'datasets.gs_key_plus.keys=["{server.url("/keys.zip")}"]']
        wrong = words(tmp_path, "gs_key", server, *plus)
        done = called(shards.main, "download", "gs_key_plus", *wrong)
        assert done.returncode == 1 and "keys.zip" in done.stdout and "md5" in done.stdout
        right = words(
            tmp_path, "gs_key", server, *plus, f"datasets.gs_key_plus.keys_checksum=md5:{md5(keys)}"
        )
        done = called(shards.main, "download", "gs_key_plus", *right)
        assert done.returncode == 0, done.stderr
    target = tmp_path / "downloads/gs_key_plus/keys"
    target.rename(tmp_path / "aside")
    target.mkdir()
    done = called(shards.main, "pack", "gs_key_plus", *right)
    assert "gs_key_plus/keys: it lacks files '<id> <artist> - <title>.txt'" in done.stderr
    (tmp_path / "aside").replace(target)
    done = called(shards.main, "pack", "gs_key_plus", *right)
    assert done.returncode == 0, done.stderr
    assert packed_songs(tmp_path, "gs_key_plus") == {
        "test": {"101": ("C major", "101"), "1002": ("F minor", "1002")}
    }
    assert left_out(tmp_path, "gs_key_plus") == {
        "30": "no mode: Eb other",
        "4": "several keys: E major | E minor",
        "777": "not a song of gs_key",
    }


def test_a_label_of_gs_key_plus_is_a_key_and_perhaps_its_variant():
    given = {
        "Gb minor harmonic": "F# minor",
        "Bb major ionian\n": "Bb major",
        "D major (?)": "D major",
    }
    assert {text: str(key_of_label(text)) for text in given} == given
    for text, reason in {
        "": "no key",
        "Bb other": "no mode: Bb other",
        "Ab major ionian | F minor": "several keys",
        "D minor / F": "several keys",
        "C minor major": "several keys",
        "X minor": "label does not parse: X minor",
    }.items():
        with pytest.raises(UnusableError, match=f"^{reason}"):
            key_of_label(text)


@pytest.mark.parametrize("text", ["C", "F#", "8A/Am", "H-Moll"])
def test_an_annotation_is_read_strictly_a_tonic_alone_leaves_its_mode_open(text):
    with pytest.raises(UnusableError, match="label does not parse: "):
        key_of(text)


def test_settings_that_lead_nowhere_are_refused():
    for override, message in {
        'datasets.gs_key.audio=["https://host/song.mp3"]': "gs_key.audio.0 = .*should match",
        'datasets.gs_mtg.audio=["ftp://host/{id}.mp3"]': "gs_mtg.audio.0 = .*should match",
        "datasets.gs_mtg.annotations=[]": "gs_mtg.annotations = .*at least 1",
        "datasets.gs_mtg.minimum_confidence=3": "minimum_confidence = 3: .*less than or equal to 2",
        "datasets.gs_key_plus.keys_checksum=12ab": "keys_checksum = '12ab'",
    }.items():
        with pytest.raises(ConfigError, match=message):
            load_config(None, [override])


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real annotations, see AKC_ANNOTATIONS")
def test_the_real_lists_give_604_songs():
    songs, out = gs_key.labelled(REAL / "giantsteps-key", Path())
    assert Counter(song.key.mode for song in songs) == {"major": 93, "minor": 511} and not out
