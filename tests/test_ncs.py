"""Laws of NoCopyrightSounds: each release keeps its own attributes, nothing is lost in silence."""

import json
import re
import time
from pathlib import Path

import pytest
from conftest import settings, small_config
from http_server import Fault, serving
from ncs_site import (
    PAGE_URL,
    SONGS,
    button,
    fill_download_folder,
    mirror,
    mp3,
    open_site,
    page,
    write,
)

from shards import __main__ as shards
from songs import ncs
from songs.ncs_listing import read_listing, releases_of

QUICK = ("download.retries=1", "download.first_delay_seconds=0.01")


@pytest.fixture
def site():
    """A server with the stand-in for ncs.io."""
    with serving({}) as server:
        open_site(server)
        yield server


@pytest.fixture
def place(site, tmp_path):
    """Gives the settings of a command line that asks the stand-in server."""

    def place(labels: str | Path = "", *overrides: str) -> list[str]:
        ours = (
            f'download.dir="{tmp_path}/downloads"', *mirror(site),
            f'datasets.ncs.labels="{labels}"', *QUICK, *overrides,
        )  # fmt: skip
        return settings(tmp_path, *ours)

    return place


@pytest.fixture
def downloaded(tmp_path) -> Path:
    return fill_download_folder(tmp_path / "downloads")


def test_a_missing_attribute_is_lost_to_its_own_release_only():
    for name in ("tid", "track", "artistraw", "genre", "versions", "url"):
        whole = releases_of(page(*(button(tid) for tid in SONGS)), PAGE_URL)
        lacking = button("t2", **{name: None})
        read = releases_of(page(button("t1"), lacking, *map(button, list(SONGS)[2:])), PAGE_URL)
        assert read[:1] + read[2:] == whole[:1] + whole[2:]
        field = {"track": "title", "artistraw": "artist"}.get(name, name)
        changed = {"artist": "Lost Sky"}.get(field, "")  # the artist comes from the links then
        assert getattr(read[1], field) == changed
        assert {**vars(read[1]), field: ""} == {**vars(whole[1]), field: ""}


def test_html_and_entities_in_attributes_become_plain_text():
    [first, third] = releases_of(page(button("t1", artistraw=None), button("t3")), PAGE_URL)
    assert (first.artist, first.title) == ("Janji, Johnning", "Heroes Tonight")
    assert (third.artist, third.title) == ("Møme", 'Ça va & "more"')


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("/tracks/a.mp3", "https://ncs.test/tracks/a.mp3"),
        ("//cdn.test/a.mp3", "https://cdn.test/a.mp3"),
        ("javascript:void(0)", ""),
        ("file:///etc/passwd", ""),
        ("http://cdn.test:port/a.mp3", ""),
        ("", ""),
    ],
)
def test_an_audio_address_is_absolute_and_on_the_web_or_none(url, absolute):
    [release] = releases_of(page(button("t1", url=url)), PAGE_URL)
    assert release.url == absolute
    assert release.lack == ("" if absolute else "listed without data-url")


@pytest.mark.parametrize("tid", ["../../up", "a/b", "a b", ".", "", None, "é"])
def test_a_tid_that_cannot_name_a_file_is_not_used(tid):
    [release] = releases_of(page(button("t1", tid=tid)), PAGE_URL)
    assert release.lack == "listed without a usable data-tid"


@pytest.mark.parametrize(
    ("url", "file"),
    [("/a.mp3?v=1.2", "t1.mp3"), ("/a.WAV", "t1.wav"), ("/stream.php", "t1.mp3"), ("/a", "t1.mp3")],
)
def test_the_ending_is_that_of_the_address_where_it_is_of_audio(url, file):
    [release] = releases_of(page(button("t1", url=url)), PAGE_URL)
    assert release.file == file


def test_releases_are_listed_once_and_the_pages_end_where_nothing_is_new(
    called, place, site, tmp_path
):
    done = called(shards.main, "download", "ncs", *place())
    assert done.returncode == 0, done.stderr
    listing = read_listing(tmp_path / "downloads/ncs/listing.jsonl")
    assert [release.tid for release in listing] == list(SONGS)
    asked = [request.path for request in site.requests if "page" in request.path]
    assert asked == [f"/music?page={number}" for number in (1, 2, 3)]
    for tid in SONGS:
        content = (tmp_path / f"downloads/ncs/audio/{tid}.mp3").read_bytes()
        assert content == site.files[f"/tracks/{tid}-song.mp3?x=1"]


def test_a_page_without_releases_ends_the_listing_too(called, place, site):
    site.files["/music?page=3"] = page()
    assert called(shards.main, "download", "ncs", *place()).returncode == 0
    assert "/music?page=4" not in [request.path for request in site.requests]


def test_far_fewer_releases_than_expected_are_a_changed_layout(called, place, site, tmp_path):
    done = called(shards.main, "download", "ncs", *place("", "datasets.ncs.expected_releases=7"))
    assert done.returncode == 1
    assert "6 releases on 3 pages of" in done.stderr and "layout changed?" in done.stderr
    site.files["/music?page=1"] = b"<html><body>Checking your browser</body></html>"
    done = called(shards.main, "download", "ncs", *place())
    assert "error: ncs: 0 releases on 1 pages of" in done.stderr
    assert not list(tmp_path.glob("downloads/**/*.*"))


def test_a_page_that_cannot_be_had_is_named_and_one_that_fails_at_first_is_asked_again(
    called, place, site, tmp_path
):
    site.faults["/music?page=2"] = Fault(status=503)
    done = called(shards.main, "download", "ncs", *place())
    assert done.returncode == 1
    assert "error: ncs: page 2 of the listing: " in done.stderr and "503" in done.stderr
    assert not (tmp_path / "downloads/ncs/listing.jsonl").exists()
    site.faults["/music?page=2"] = Fault(status=500, times=1)
    assert called(shards.main, "download", "ncs", *place()).returncode == 0


def test_a_missing_song_fails_the_download_and_the_next_one_fetches_only_it(
    called, place, site, tmp_path
):
    path = "/tracks/t4-song.mp3?x=1"
    site.faults[path] = Fault(status=404)
    done = called(shards.main, "download", "ncs", *place())
    assert done.returncode == 1 and "t4.mp3" in done.stdout
    labels = write(tmp_path / "keys.json", json.dumps({tid: "Am" for tid in SONGS}))
    packed = called(shards.main, "pack", "ncs", *place(labels))
    assert packed.stdout.startswith("5 songs") and "1 not downloaded (t4)" in packed.stdout
    del site.faults[path]
    site.requests.clear()
    assert called(shards.main, "download", "ncs", *place()).returncode == 0
    assert [request.path for request in site.requests] == [path]


def test_between_two_pages_is_a_pause(called, place, site):
    began = time.monotonic()
    called(shards.main, "download", "ncs", *place("", "datasets.ncs.pause_seconds=0.5"))
    assert time.monotonic() - began >= 2 * 0.5


def test_a_listing_that_is_damaged_is_refused_by_name(called, downloaded, place):
    for text in ('{"tid": "t1"}\n', "[1]\n", '{"tid"\n'):
        write(downloaded / "listing.jsonl", text)
        done = called(shards.main, "pack", "ncs", *place())
        assert done.returncode == 1
        assert f"{downloaded}/listing.jsonl: not a listing (" in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("keys.csv", "tid,mood\nt1,sad\n", "needs 'key' and one of .*; it has 'tid', 'mood'"),
        ("keys.csv", "artist,key\nJanji,Am\n", "needs 'key' and one of .* 'artist' and 'title'"),
        ("keys.tsv", "", "it has nothing"),
        ("keys.json", "[1, 2]", "neither a list of objects nor"),
        ("keys.json", '"Am"', "neither a list of objects nor"),
        ("keys.json", "[]", "it has nothing"),
        ("keys.json", '[{"\\ud800": 1}]', r"it has '\?'"),
        ("keys.json", "{", "keys.json: Expecting property name"),
        ("keys.json", "[" * 100_000, r"keys\.json: .*recursion"),
        ("keys.txt", "t1 Am", "not a kind of label file; .* CSV, TSV or JSON file"),
        ("keys.xml", "<html/>", "no rekordbox collection"),
        (None, "", "datasets.ncs.labels: .* is not there; check the path"),
    ],
)
def test_what_is_no_label_file_is_refused_before_anything_is_fetched(
    called, place, site, tmp_path, name, text, message
):
    labels = write(tmp_path / name, text) if name else tmp_path / "gone.csv"
    for command in ("download", "pack"):
        done = called(shards.main, command, "ncs", *place(labels))
        assert done.returncode == 1 and re.search(f"error: .*{message}", done.stderr)
    assert site.requests == []


def test_without_keys_it_says_what_would_do(called, downloaded, place):
    done = called(shards.main, "pack", "ncs", *place())
    assert done.returncode == 1
    assert done.stderr.startswith("error: ncs: no key is known") and done.stderr.count("\n") == 1
    kinds = ("CSV, TSV or JSON", "collection of rekordbox", "train|validation/Ab-maj", "TKEY")
    assert all(kind in done.stderr for kind in kinds)


def test_packing_before_the_download_says_what_to_do(called, place, tmp_path):
    done = called(shards.main, "pack", "ncs", *place())
    assert done.returncode == 1
    assert "python -m shards download ncs" in done.stderr and "CSV, TSV or JSON" in done.stderr
    labels = write(tmp_path / "keys.csv", "tid,key\nt1,Am\n")
    done = called(shards.main, "pack", "ncs", *place(labels))
    assert done.stderr.endswith("run python -m shards download ncs first\n")


def test_what_is_downloaded_packs_without_the_web(called, downloaded, place, site, tmp_path):
    site.requests.clear()
    labels = write(tmp_path / "keys.json", json.dumps({tid: "F#m" for tid in SONGS}))
    done = called(shards.main, "pack", "ncs", *place(labels))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6 songs, 6 intervals") and "F# minor 6" in done.stdout
    assert called(shards.main, "check", tmp_path / "shards").returncode == 0
    assert site.requests == []


def test_two_releases_of_one_recording_share_its_id(called, place, site, tmp_path):
    twin = button("t1", site.url(), tid="t9", track="HEROES tonight")
    site.files["/music?page=3"] = page(twin)
    site.files["/music?page=4"] = page()
    assert called(shards.main, "download", "ncs", *place()).returncode == 0
    labels = write(tmp_path / "keys.csv", "artist,title,key\nJanji & Johnning,Heroes Tonight,Am\n")
    config = small_config(tmp_path, f'datasets.ncs.labels="{labels}"')
    first, second = ncs.songs(config.datasets, tmp_path / "downloads")[0]
    assert {first.song_id, second.song_id} == {"t1", "t9"}
    assert first.recording_id == second.recording_id


def test_releases_without_a_tid_or_an_address_are_left_out_with_the_reason(
    called, place, site, tmp_path
):
    site.files["/music?page=3"] = page(button("t1", tid=None), button("t2", tid="t8", url=None))
    site.files["/music?page=4"] = page()
    assert called(shards.main, "download", "ncs", *place()).returncode == 0
    labels = write(tmp_path / "keys.json", json.dumps({tid: "Am" for tid in SONGS}))
    done = called(shards.main, "pack", "ncs", *place(labels))
    assert done.returncode == 0 and done.stdout.startswith("6 songs")
    assert "1 listed without a usable data-tid (Heroes Tonight)" in done.stdout
    assert "1 listed without data-url (t8)" in done.stdout


def test_the_old_archives_are_packed_as_they_are_in_their_own_splits(called, place, site, tmp_path):
    names = ["train/Ab-maj/a.mp3", "train/G#-min/b.mp3", "validation/Db-min/c.mp3"]
    for number, name in enumerate(names):
        path = tmp_path / "archives" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(mp3(number))
    site.requests.clear()
    for command in ("download", "pack"):
        done = called(shards.main, command, "ncs", *place(tmp_path / "archives"))
        assert done.returncode == 0, done.stderr
    assert "train        2 songs" in done.stdout and "valid         1 song" in done.stdout
    assert "Ab major 1" in done.stdout and "C# minor 1" in done.stdout
    assert site.requests == []
