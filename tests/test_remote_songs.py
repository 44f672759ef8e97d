"""Laws of songs at an address: they become the samples that the same files in a folder become."""

import base64
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from conftest import contents, small_config
from mutagen.flac import FLAC
from servers import http_server, s3_server
from test_djtables import write_mixxx
from test_pack import tone
from test_tags import silence, tag_ape, tag_asf, tag_id3, tag_matroska, tag_mp4, tag_vorbis

from shards.cut import cut
from shards.digests import songs_digest
from shards.prepare import prepare
from songkey.errors import AudioKeyError
from songs import folder
from songs.djtables import table_rows
from songs.musicfolder import found_in
from songs.song import LeftOut
from songs.tags import key_tags
from storage import filesystem
from storage import places as storage
from storage.places import RemotePath, StorageError, place_of


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder with songs that have their keys from each source, and with what is no song."""
    root = tmp_path_factory.mktemp("music")
    lines = ["path\tkey", "train/listed [live] #1?.flac\tC major", "train/not audio.wav\tEm"]
    lines.append("gone.flac\tEm")
    (root / "labels.tsv").write_text("\n".join(lines))
    hertz = iter(range(200, 400, 7))
    names = ("train/listed [live] #1?.flac", "train/Ab-maj/one.flac", "train/Ab-maj/zwö.wav")
    names += ("valid/tagged.flac", "test/F minor/three.flac", "test/unlabelled.flac")
    for name in (*names, "test/.hidden.flac", ".hidden/four.flac"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        tone(root / name, 5, next(hertz))
    tagged = FLAC(root / "valid/tagged.flac")
    tagged["initialkey"] = "8A"
    tagged.save()
    (root / "train/not audio.wav").write_bytes(b"<html>404</html>")
    (root / "notes.txt").write_text("no song")
    return root


@pytest.fixture(scope="module")
def bucket(music):
    """The address of a bucket with the same files."""
    with pytest.MonkeyPatch.context() as monkeypatch, s3_server(monkeypatch) as address:
        for name in contents(music):
            (place_of(address) / "music" / name).put(music / name)
        yield address


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What a network loses is tried once."""
    monkeypatch.setattr(storage, "WAITS_SECONDS", ())


def packed(songs, left_out, folder, *overrides):
    """What packing gives, and the bytes of the tars."""
    config = small_config(folder, "prepare.songs_per_shard=2", *overrides)
    done = prepare("mine", songs, left_out, "audio", config)
    tars = {
        path: data for path, data in contents(folder / "shards").items() if path.endswith(".tar")
    }
    return done, tars


def test_they_become_the_same_samples_as_in_a_folder(music, bucket, tmp_path):
    here, tars_here = packed(*folder.songs(music, "mine"), tmp_path / "here")
    there, tars = packed(*folder.songs(f"{bucket}/music/", "mine"), tmp_path / "there")
    assert tars == tars_here and len(tars) == 4
    assert there.left_out == here.left_out
    assert {(one.song_id, one.kind) for one in there.left_out} == {
        ("gone.flac", "listed but not found"),
        ("test/unlabelled.flac", "no label"),
        ("train/not audio.wav", "not audio"),
    }


def test_two_processes_pack_from_one_address_to_another(bucket, tmp_path):
    songs, left_out = folder.songs(f"{bucket}/music", "mine")
    packed(songs, left_out, tmp_path)
    both = f'prepare.shards_dir="{bucket}/shards"', "prepare.workers=2"
    packed(songs, left_out, tmp_path, *both)
    place = place_of(f"{bucket}/shards")
    there = {name: (place / name).read_bytes() for name in place.find()}
    assert there == contents(tmp_path / "shards")


def test_they_are_listed_as_in_a_folder_with_addresses_in_place_of_paths(music, bucket):
    """And with the store's MD5 in place of the sound, which nobody fetches to list it."""
    here, left_out = folder.songs(music, "mine")
    there, left_out_there = folder.songs(f"{bucket}/music", "mine")
    assert left_out_there == left_out
    for ours, theirs in zip(there, here, strict=True):
        assert ours.audio_path == f"{bucket}/music/{ours.song_id}"
        assert ours.recording_id == hashlib.md5((music / ours.song_id).read_bytes()).hexdigest()
        same = {"audio_path": "", "audio_bytes": None, "recording_id": "", "content": ""}
        assert replace(ours, **same) == replace(theirs, **same)


def test_they_fall_into_the_same_splits_where_a_label_file_names_the_recordings(bucket, tmp_path):
    (tmp_path / "music").mkdir()
    names = [f"{number}.flac" for number in range(12)]
    for number, name in enumerate(names):
        tone(tmp_path / "music" / name, 5, 200.0 + number)
    rows = [f"{name}\tC major\ttake {number}" for number, name in enumerate(names)]
    (tmp_path / "music/labels.tsv").write_text("\n".join(["path\tkey\trecording", *rows]))
    for name in (*names, "labels.tsv"):
        (place_of(f"{bucket}/undecided") / name).put(tmp_path / "music" / name)
    _, here = packed(*folder.songs(tmp_path / "music", "mine"), tmp_path / "here")
    _, there = packed(*folder.songs(f"{bucket}/undecided", "mine"), tmp_path / "there")
    assert len({name.split("/")[-2] for name in here}) == 3 and here == there


def test_a_file_that_was_sent_in_parts_is_read_for_what_its_store_does_not_tell(bucket, tmp_path):
    path = Path(tone(tmp_path / "a.flac", 1))
    (place_of(bucket) / "parts/C major/a.flac").put(path)
    store, name = fsspec.filesystem("s3"), bucket.removeprefix("s3://")
    upload = {"Bucket": name, "Key": "parts/C major/b.flac"}
    upload["UploadId"] = store.call_s3("create_multipart_upload", **upload)["UploadId"]
    part = store.call_s3("upload_part", **upload, PartNumber=1, Body=path.read_bytes())
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = store.call_s3("complete_multipart_upload", **upload, MultipartUpload=parts)
    assert done["ETag"].endswith('-1"')
    whole, in_parts = folder.songs(f"{bucket}/parts", "mine")[0]
    assert whole.recording_id == in_parts.recording_id == hashlib.md5(path.read_bytes()).hexdigest()


def test_google_tells_a_file_s_md5_in_base64(monkeypatch):
    digest = hashlib.md5(b"a song")
    told = {"size": 6, "etag": "CJ=", "md5Hash": base64.b64encode(digest.digest()).decode()}
    store = SimpleNamespace(invalidate_cache=lambda: None, info=lambda path: {})
    store.find = lambda path, detail: {f"{path}/a.mp3": told}
    monkeypatch.setattr(filesystem, "url_to_fs", lambda url: (store, "bucket"))
    assert found_in(place_of("gs://bucket"))[0]["a.mp3"].md5 == digest.hexdigest()


def test_a_name_with_two_colons_is_no_chain_of_addresses(bucket, tmp_path):
    place = place_of(bucket) / "colons/C major"
    path = Path(tone(tmp_path / "a::b.flac", 5))
    for name in ("a::b.flac", "zip::c.flac"):
        (place / name).put(path)
    songs, left_out = folder.songs(str(place.parent), "mine")
    assert [song.song_id for song in songs] == ["C major/a::b.flac", "C major/zip::c.flac"]
    done, _ = packed(songs, left_out, tmp_path / "shards")
    assert not done.left_out and sum(done.manifests["train"].songs_by_key.values()) == 2
    with http_server(tmp_path) as url:
        for address in (f"simplecache::{place}/a::b.flac", f"{url}/a::b.flac"):
            assert place_of(address).read_bytes() == path.read_bytes()


def test_copies_at_an_address_are_one_recording_and_other_bytes_another(bucket, tmp_path):
    root = place_of(f"{bucket}/copies")
    path = Path(tone(tmp_path / "a.flac", 1))
    for name in ("C major/a.flac", "C major/b.flac"):
        (root / name).put(path)
    (root / "C major/c.flac").put(Path(tone(tmp_path / "c.flac", 1, 300.0)))
    a, b, c = (song.recording_id for song in folder.songs(str(root), "mine")[0])
    assert a == b != c


def test_a_store_without_checksums_has_its_files_read_for_one(bucket, tmp_path):
    memory = RemotePath("memory://music")
    for name in ("C major/a.flac", "C major/b.flac"):
        (memory / name).put(Path(tone(tmp_path / "a.flac", 1)))
    (memory / "C major/c.flac").put(Path(tone(tmp_path / "c.flac", 1, 300.0)))
    a, b, c = (song.recording_id for song in folder.songs("memory://music", "mine")[0])
    assert a == b != c and len(a) == 32


def test_the_digest_of_the_songs_knows_their_sizes_without_asking(bucket, monkeypatch, tmp_path):
    songs, _ = folder.songs(f"{bucket}/music", "mine")
    sizes = {song.song_id: song.audio_bytes for song in songs}
    assert sizes["train/Ab-maj/zwö.wav"] == len(
        place_of(f"{bucket}/music/train/Ab-maj/zwö.wav").read_bytes()
    )
    monkeypatch.setattr(storage, "opened", None)
    digest = songs_digest(songs)
    songs[0] = replace(songs[0], audio_bytes=songs[0].audio_bytes + 1)
    assert songs_digest(songs) != digest


def test_a_file_that_vanished_is_left_out_until_it_is_back(bucket, tmp_path):
    root = place_of(f"{bucket}/vanishing/train/C major")
    for name in ("a.flac", "b.flac", "c.flac"):
        (root / name).put(Path(tone(tmp_path / name, 5, 200.0 + ord(name[0]))))
    songs, _ = folder.songs(f"{bucket}/vanishing", "mine")
    (root / "b.flac").unlink()
    for _ in range(2):
        done, before = packed(songs, [], tmp_path / "shards")
        assert [str(one) for one in done.left_out] == [
            str(LeftOut("train/C major/b.flac", "file not found: check the address"))
        ]
    (root / "b.flac").put(tmp_path / "b.flac")
    done, tars = packed(songs, [], tmp_path / "shards")
    assert not done.left_out and tars.items() > before.items()
    assert done.manifests["train"].songs_by_key == {"C major": 3}


def test_an_error_of_a_file_names_its_address(bucket):
    songs, _ = folder.songs(f"{bucket}/music", "mine")
    bad = next(song for song in songs if song.song_id.endswith("not audio.wav"))
    with pytest.raises(ValueError, match=f"^{bucket}/music/train/not audio.wav: not audio"):
        list(cut(bad, 11025, 4.0))


def test_an_address_without_music_or_that_cannot_be_reached_is_named(bucket, monkeypatch):
    for none in (f"{bucket}/none", "s3://no-such-bucket/music"):
        with pytest.raises(ValueError, match=f"{none}: no such folder, or no audio file in it"):
            folder.songs(none, "mine")
    songs, _ = folder.songs(f"{bucket}/music", "mine")
    lost = {"endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 0}}}
    monkeypatch.setitem(fsspec.config.conf, "s3", lost)
    with pytest.raises(StorageError, match="s3://bucket.*/music: failed .*check the address"):
        folder.songs(f"{bucket}/music", "mine")
    with pytest.raises(StorageError, match="s3://bucket.*flac: failed .*check the address"):
        list(cut(songs[0], 11025, 4.0))


KINDS = [("mp3", tag_id3), ("wav", tag_id3), ("flac", tag_vorbis), ("ogg", tag_vorbis)]
KINDS += [("m4a", tag_mp4), ("wma", tag_asf), ("wv", tag_ape), ("mka", tag_matroska)]


@pytest.mark.parametrize(("ending", "tag"), KINDS)
def test_tags_at_an_address_are_read_as_those_of_files_and_damaged_ones_are_none(
    bucket, tmp_path, ending, tag
):
    path = silence(tmp_path / f"a.{ending}")
    place = place_of(bucket) / "tags" / path.name
    place.put(path)
    assert key_tags(place) == []
    tag(path, "F#m")
    place.put(path)
    assert key_tags(place) == ["F#m"]
    for size in (0, 10, 100):
        place.write_bytes(path.read_bytes()[:size])
        assert key_tags(place) == []


def test_a_djs_collection_at_an_address_is_read_and_a_damaged_one_named(bucket, tmp_path):
    root = place_of(bucket) / "collected"
    write_mixxx(tmp_path / "mixxxdb.sqlite", {"m/one.mp3": "Am"})
    (root / "mixxxdb.sqlite").put(tmp_path / "mixxxdb.sqlite")
    rows_of, _ = table_rows(root, ["a/one.mp3", "a/two.mp3"])
    assert {song_id: row.key for song_id, [row] in rows_of.items()} == {"a/one.mp3": "A minor"}
    (root / "mixxxdb.sqlite").write_bytes(b"what" * 100)
    with pytest.raises(AudioKeyError, match=f"{root}/mixxxdb.sqlite: no library of Mixxx"):
        table_rows(root, ["a/one.mp3"])


class Breaking(io.BytesIO):
    """A file that can be read a number of times."""

    def __init__(self, data, reads):
        super().__init__(data)
        self.reads = reads

    def read(self, size=-1):
        self.reads -= 1
        if self.reads < 0:
            raise OSError("connection broken")
        return super().read(size)


def test_a_tag_is_not_taken_for_absent_where_a_connection_breaks(monkeypatch, tmp_path):
    path = silence(tmp_path / "a.mp3")
    tag_id3(path, "F#m")
    data, outcomes = path.read_bytes(), []
    for reads in range(100):
        store = SimpleNamespace(invalidate_cache=lambda: None)
        store.open = lambda *_, reads=reads, **__: Breaking(data, reads)
        monkeypatch.setattr(filesystem, "url_to_fs", lambda url, store=store: (store, url))
        try:
            outcomes.append(key_tags(RemotePath("s3://bucket/a.mp3")))
        except StorageError as error:
            outcomes.append(str(error).partition(";")[0])
    assert outcomes[0] == "s3://bucket/a.mp3: failed (connection broken)"
    assert outcomes[-1] == ["F#m"] and [] not in outcomes


def test_other_bytes_of_the_same_size_are_packed_anew_though_a_label_file_names_the_recording(
    bucket, tmp_path
):
    root = place_of(f"{bucket}/replaced")
    sounds = [tone(tmp_path / f"{hertz}.wav", 2, hertz) for hertz in (220.0, 330.0)]
    assert len({Path(path).stat().st_size for path in sounds}) == 1
    (root / "labels.tsv").write_bytes(b"path\tkey\trecording\na.wav\tC major\ttake 1\n")
    (root / "a.wav").put(Path(sounds[0]))
    _, before = packed(*folder.songs(str(root), "mine"), tmp_path)
    (root / "a.wav").put(Path(sounds[1]))
    done, after = packed(*folder.songs(str(root), "mine"), tmp_path)
    assert after.items() > before.items()
    assert str(done.counts) == "0 added, 1 changed, 0 removed, 0 unchanged"
    done, again = packed(*folder.songs(str(root), "mine"), tmp_path)
    assert again == after and done.counts.unchanged == 1


@pytest.mark.parametrize("name", ["", "take 1"])
def test_what_was_packed_before_contents_were_recorded_stays_until_its_bytes_are_others(
    bucket, tmp_path, name
):
    """By the MD5 that was its name then, else by what the next listing told of it."""
    root = place_of(f"{bucket}/earlier{name}")
    sounds = [tone(tmp_path / f"{hertz}.wav", 2, hertz) for hertz in (220.0, 330.0)]
    (root / "C major/a.wav").put(Path(sounds[0]))
    songs, _ = folder.songs(str(root), "mine")
    assert songs[0].content == songs[0].recording_id
    earlier = replace(songs[0], content="", recording_id=name or songs[0].content)
    _, before = packed([earlier], [], tmp_path)
    done, after = packed(songs, [], tmp_path)
    assert after == before and done.counts.unchanged == (not name) and not done.counts.added
    (root / "C major/a.wav").put(Path(sounds[1]))
    done, replaced = packed(*folder.songs(str(root), "mine"), tmp_path)
    assert replaced.items() > after.items() and done.counts.changed == 1


def test_the_same_bytes_at_an_address_are_one_recording_whatever_a_label_file_calls_them(
    bucket, tmp_path
):
    root = place_of(f"{bucket}/called")
    lines = ["path\tkey\trecording", "a.wav\tC major\ttake 1", "b.wav\tC major\ttake 2"]
    (root / "labels.tsv").write_bytes("\n".join(lines).encode())
    for name in ("a.wav", "b.wav"):
        (root / name).put(Path(tone(tmp_path / "a.wav", 2)))
    a, b = folder.songs(str(root), "mine")[0]
    assert a.recording_id == b.recording_id == "take 1"


def test_the_same_bytes_at_an_address_under_two_keys_are_left_out(bucket, tmp_path):
    root = place_of(f"{bucket}/conflict")
    for name in ("C major/a.wav", "A minor/a.wav"):
        (root / name).put(Path(tone(tmp_path / "a.wav", 2)))
    songs, left_out = folder.songs(str(root), "mine")
    assert not songs and {one.kind for one in left_out} == {"conflicting labels"}
