"""Laws of shards that others made: indexed where they lie, then read as ours, and never changed."""

import gzip
import io
import json
import shutil
import tarfile

import numpy as np
import pytest
import soundfile
import torch
from accelerate import Accelerator
from conftest import contents, small_config
from foreign import (
    FORMATS,
    labelled,
    some_songs,
    sound,
    write_by_tarfile,
    write_by_webdataset,
)
from servers import http_server, s3_server

from eval import evaluate
from evaluation.listener import shards_of
from pipeline.bounded import ManifestError
from pipeline.excerpt import Excerpt, decode_excerpt, excerpt_count, seconds_of
from pipeline.loader import loader
from pipeline.members import Members, UnusableSample
from pipeline.record import write_record
from pipeline.stream import evaluation_stream
from pipeline.tarwalk import DamagedTar, Member, samples
from shards import __main__ as program
from shards import conflicts
from shards.check import manifest_folders, problems_of
from shards.foreign_shard import NoIndexError
from shards.foreign_split import index_shards
from shards.lock import BusyError, sole_writer
from shards.prepare import Prepared
from shards.publish import publish
from shards.spectrograms import create_spectrograms
from songkey.audio import to_int16, waveform_blocks
from songkey.errors import AudioError, AudioKeyError
from songkey.keys import KEYS
from storage import places as storage
from storage.patterns import expanded
from storage.places import StorageError
from training.loop import Training

COUNT = 12  # samples of `theirs`, four a shard


@pytest.fixture(scope="session")
def theirs(tmp_path_factory):
    """A folder of their shards; not to be changed."""
    folder = tmp_path_factory.mktemp("theirs")
    rows = [
        {f"audio.{FORMATS[number % 4]}": sound(song, FORMATS[number % 4]), **labelled(number, song)}
        for number, song in enumerate(some_songs(COUNT))
    ]
    write_by_webdataset(folder, rows, 4)
    return folder


def index(
    tmp_path, *urls, split="train", overwrite=False, format="audio", overrides=()
) -> Prepared:
    config = small_config(tmp_path, *overrides)
    return index_shards([str(url) for url in urls], "theirs", split, format, config, overwrite)


def opened(tmp_path, *overrides, dataset="theirs", split="train"):
    config = small_config(tmp_path, f'stream.cache_dir="{tmp_path}/cache"', *overrides)
    return shards_of(config, config, (dataset,), split)


def everything(shards, workers=0):
    """All intervals in the order of the shards: media, key ids, and the names of their songs."""
    stream = evaluation_stream(shards, 5, 0, 1)
    batches = list(loader(stream, workers, pin_memory=False))
    valid = torch.cat([batch.valid for batch in batches])
    media = torch.cat([batch.waveform if batch.cqt is None else batch.cqt for batch in batches])
    key_id, song_index = (
        torch.cat([getattr(batch, name) for batch in batches])[valid].tolist()
        for name in ("key_id", "song_index")
    )
    table = shards.song_table()
    return media[valid].numpy(), key_id, [table.song_id(index) for index in song_index]


def test_their_sound_is_heard_in_mono_at_our_rate_in_intervals_of_ours(theirs, tmp_path):
    index(tmp_path, theirs)
    media, key_id, names = everything(opened(tmp_path), workers=2)
    songs = some_songs(COUNT)
    assert key_id == [song.key.id for song in songs for _ in range(2)]  # 9 s are 4, 4 and a rest
    assert names == [f"{n // 4:06d}/{n:05d}" for n in range(COUNT) for _ in range(2)]
    size = 4 * 11_025
    for number, song in enumerate(songs):
        file = io.BytesIO(sound(song, FORMATS[number % 4]))
        heard = to_int16(np.concatenate(list(waveform_blocks(file, 11_025))))
        assert np.array_equal(media[2 * number : 2 * number + 2].ravel(), heard[: 2 * size])


def test_what_lies_in_an_index_is_theirs_and_its_keys_are_told_from_where_they_were_read(
    theirs, tmp_path
):
    before = contents(theirs)
    made = index(tmp_path, theirs)
    assert contents(theirs) == before
    assert {path.suffix for path in made.folder.iterdir()} == {
        ".json", ".zst", ".safetensors", ".tsv",
    }  # fmt: skip
    table = opened(tmp_path).song_table()
    sources = [table.label_source(number) for number in range(COUNT)]
    assert sources == ["json:key", "cls", "txt"] * 4


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_tars_of_every_kind_are_read_with_the_folders_in_them(tmp_path, format):
    long = "" if format == tarfile.USTAR_FORMAT else "ü" + 150 * "long "
    files = {}
    for number, song in enumerate(some_songs(3)):
        files[f"./some/{long}folder/{number}.x.WAV"] = sound(song, "wav")
        files[f"./some/{long}folder/{number}.x.json"] = json.dumps(
            {"label": {"key": str(song.key)}, "song_id": f"song {number}"}
        ).encode()
    write_by_tarfile(tmp_path / "in/a.tar", files, format)
    index(tmp_path, tmp_path / "in/a.tar", overrides=['foreign.key=["cls", "json:label.key"]'])
    _, key_id, names = everything(opened(tmp_path))
    assert key_id == [song.key.id for song in some_songs(3) for _ in range(2)]
    assert names[:4] == ["song 0"] * 2 + ["song 1"] * 2


def test_samples_of_one_song_are_one_row_where_they_follow_each_other(tmp_path):
    def sample(song_id, key):
        text = json.dumps({"key": key, "song_id": song_id}).encode()
        return {"flac": sound(some_songs(1)[0]), "json": text}

    write_by_webdataset(
        tmp_path / "in",
        [sample("a", "C major"), sample("a", "8B"), sample(7, "A minor"), sample(7, "8A")],
        1,
    )
    index(tmp_path, tmp_path / "in")
    table = opened(tmp_path).song_table()
    rows = [(table.song_id(n), str(KEYS[table.key_id[n]]), table.intervals[n]) for n in range(2)]
    assert len(table) == 2
    assert rows == [("a", "C major", 4), ("7", "A minor", 4)]


def of_songs(folder, *songs, a_shard=2):
    """Shards of samples of 9 s, each told its song and key."""
    flac = sound(some_songs(1)[0])
    rows = (
        {"flac": flac, "json": json.dumps({"key": key, "song_id": song_id}).encode()}
        for song_id, key in songs
    )
    write_by_webdataset(folder, rows, a_shard)


TWO_KEYS = [
    ("x", "C"),
    ("x", "Am"),
    ("far", "Em"),
    ("a", "F"),
    ("far", "C"),
    ("b", "8A"),
    ("b", "Am"),
]


def test_a_song_of_two_keys_is_left_out_and_named_also_where_its_samples_lie_in_two_shards(
    tmp_path,
):
    of_songs(tmp_path / "in", *TWO_KEYS)
    made = index(tmp_path, tmp_path / "in")
    assert [(one.song_id, one.reason) for one in made.left_out] == [
        ("x", "conflicting labels: A minor, C major"),
        ("far", "conflicting labels: C major, E minor"),
    ]
    assert made.manifests["train"].left_out_by_reason == {"conflicting labels": 2}
    _, key_id, names = everything(opened(tmp_path))
    assert (key_id, names) == ([5] * 2 + [21] * 4, ["a"] * 2 + ["b"] * 4)
    assert list(problems_of(manifest_folders(tmp_path / "shards"))) == []
    before = contents(made.folder)
    assert index(tmp_path, tmp_path / "in").left_out == made.left_out
    assert contents(made.folder) == before


def test_a_run_that_is_killed_while_it_leaves_songs_out_ends_as_another(tmp_path, monkeypatch):
    of_songs(tmp_path / "in", *TWO_KEYS)
    whole = contents(index(tmp_path / "whole", tmp_path / "in").folder)
    written = []

    def killed(folder, record):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(record.shard)
        write_record(folder, record)

    monkeypatch.setattr(conflicts, "write_record", killed)
    with pytest.raises(KeyboardInterrupt):
        index(tmp_path / "killed", tmp_path / "in")
    monkeypatch.undo()
    assert written == ["000000.tar", "000001.tar"]
    assert contents(index(tmp_path / "killed", tmp_path / "in").folder) == whole


def test_a_song_whose_samples_are_scattered_over_shards_is_answered_once(tmp_path, trained):
    song = some_songs(1)[0]
    flac, names = sound(song), ("a", "b", "a", "b", "a")
    rows = (
        {"flac": flac, "json": json.dumps({"key": str(song.key), "song_id": name}).encode()}
        for name in names
    )
    write_by_webdataset(tmp_path / "in", rows, 2)
    index(tmp_path, tmp_path / "in", split="test")
    answers = evaluate(trained, small_config(tmp_path), ("theirs",), Accelerator())
    assert [(one.song_id, one.intervals.total) for one in answers.songs] == [("a", 6), ("b", 4)]


def test_our_own_shards_can_be_indexed_as_theirs_and_give_the_same_intervals(packed, tmp_path):
    index(tmp_path, packed / "shards/audio/synthetic/train")
    ours = everything(opened(packed, dataset="synthetic"))
    media, *labels = everything(opened(tmp_path))
    assert np.array_equal(media, ours[0]) and labels == [*ours[1:]]


def test_spectrograms_are_indexed_too_if_they_are_of_todays_settings(packed, tmp_path):
    source = packed / "shards/png/synthetic/train"
    index(tmp_path, source, format="png")
    png = "stream.format=png"
    ours = everything(opened(packed, png, dataset="synthetic"))
    media, *labels = everything(opened(tmp_path, png))
    assert np.array_equal(media, ours[0]) and labels == [*ours[1:]]
    with pytest.raises(AudioKeyError, match=r"not of today's \[cqt\] .*settings of \[foreign\]"):
        index(tmp_path / "x", source, format="png", overrides=["cqt.hop_length=1024"])


def test_samples_that_cannot_be_used_are_counted_and_named_with_their_reasons(tmp_path):
    song = some_songs(1)[0]
    flac, key = sound(song), {"cls": b"3"}
    unusable = {
        "no key": {"flac": flac, "txt": b"n/a"},
        "not one of the 24 keys": {"flac": flac, "cls": b"24"},
        "ambiguous label": {"flac": flac, "txt": b"f#"},
        "too much text": {"flac": flac, "txt": b" " * 1_000_001},
        "damaged JSON": {"flac": flac, "json": b'{"key": "C major"'},
        "no sound or picture": {"mid": b"MThd", **key},
        "not audio": {"flac": b"<html><body>not found</body></html>", **key},
        "no sound": {"wav": sound(song, "wav")[:44], **key},
    }
    good = {"flac": flac, **key}
    write_by_webdataset(
        tmp_path / "in", [*unusable.values(), {"flac": flac, "json": b"[]"}, good], 4
    )
    made = index(tmp_path, tmp_path / "in")
    assert [one.kind for one in made.left_out[:8]] == [*unusable]
    assert made.manifests["train"].left_out_by_reason == {**dict.fromkeys(unusable, 1), "no key": 2}
    rows = (made.folder / "left_out.tsv").read_text().splitlines()
    assert len(rows) == 10 and "000000/00001\tnot one of the 24 keys: '24'" in rows
    assert everything(opened(tmp_path))[1:] == ([3, 3], ["000002/00009"] * 2)


def test_a_tar_damaged_in_its_middle_gives_what_lies_before_and_says_so(theirs, tmp_path):
    shutil.copytree(theirs, tmp_path / "in")
    path = tmp_path / "in/000001.tar"
    with tarfile.open(path) as tar:
        third = tar.getmembers()[4]
    with open(path, "r+b") as file:
        file.seek(third.offset + 148)  # its header's checksum
        file.write(b"9")
    (tmp_path / "in/000002.tar").write_bytes(b"")
    made = index(tmp_path, tmp_path / "in")
    assert everything(opened(tmp_path))[2][8:] == ["000001/00004"] * 2 + ["000001/00005"] * 2
    assert [one.kind for one in made.left_out] == ["damaged tar"] * 2
    assert f"invalid header at byte {third.offset}" in made.left_out[0].reason
    assert made.left_out[1].song_id == str(tmp_path / "in/000002.tar")


def test_whatever_byte_of_a_tar_is_damaged_its_samples_are_read_or_its_damage_is_told():
    tar, random = io.BytesIO(), np.random.default_rng(0)
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as file:
        for number in range(4):
            info = tarfile.TarInfo(f"{'ü' * 60}/{number}.flac")
            info.size = 700
            file.addfile(info, io.BytesIO(bytes([number]) * 700))
    whole, told = tar.getvalue(), 0
    for place in random.integers(0, len(whole), 500):
        data = bytearray(whole)
        data[place] ^= 1 << random.integers(8)
        try:
            found = len(list(samples(io.BytesIO(data))))
        except DamagedTar:
            told += 1
        else:
            assert found in (3, 4)  # a name without a dot is no sample's
    assert told > 100


def test_a_size_beyond_all_measure_is_passed_over_and_not_read_into_memory():
    header = tarfile.TarInfo("a.flac")
    header.size = 1 << 40
    read = samples(io.BytesIO(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_240)))
    assert next(read)["flac"] == Member(512, 1 << 40, None)
    with pytest.raises(DamagedTar):
        next(read)


def test_where_no_sample_can_be_used_nothing_is_left_and_the_reasons_are_told(tmp_path):
    write_by_webdataset(tmp_path / "in", [{"flac": sound(some_songs(1)[0])}], 4)
    with pytest.raises(AudioKeyError, match="no sample of 1 shard can be used: 1 no key"):
        index(tmp_path, tmp_path / "in")
    assert not list((tmp_path / "shards/audio/theirs/train").glob("*.zst"))


def test_braces_stars_and_folders_name_many_shards(theirs):
    every = [theirs / f"{number:06d}.tar" for number in range(3)]
    for text in (theirs, theirs / "{000000..000002}.tar", theirs / "00*.tar"):
        assert expanded(str(text), ".tar") == every
    assert expanded("s3://bucket/x-{08..10}.tar", ".tar")[0].url == "s3://bucket/x-08.tar"
    for text, message in {
        str(theirs / "{000000..000003}.tar"): "000003.tar: not there",
        str(theirs / "x{0..2"): "braces do not match",
        str(theirs.parent): r"\*.tar: not there",
    }.items():
        with pytest.raises(AudioKeyError, match=message):
            expanded(text, ".tar")


def test_what_cannot_be_read_by_offset_is_refused_with_the_way_out(theirs, tmp_path):
    with pytest.raises(NoIndexError, match='stream.reader = "webdataset"'):
        index(tmp_path, "pipe:cat x.tar")
    packed_again = tmp_path / "000000.tar.gz"
    packed_again.write_bytes(gzip.compress((theirs / "000000.tar").read_bytes()))
    with pytest.raises(NoIndexError, match=r"compressed.*stream.reader = .webdataset."):
        index(tmp_path, packed_again)


def test_shards_at_addresses_are_walked_there_and_read_through_the_cache(
    theirs, tmp_path, monkeypatch
):
    index(tmp_path / "here", theirs)
    local = everything(opened(tmp_path / "here"))
    with http_server(theirs) as url:
        index(tmp_path / "http", f"{url}/{{000000..000002}}.tar")
        assert not (tmp_path / "http/cache").exists()
        media, *labels = everything(opened(tmp_path / "http"), workers=2)
    assert np.array_equal(media, local[0]) and labels == [*local[1:]]
    with s3_server(monkeypatch) as bucket:
        for path in theirs.iterdir():
            storage.place_of(f"{bucket}/in/{path.name}").put(path)
        index(tmp_path / "s3", f"{bucket}/in/*.tar")
        assert expanded(f"{bucket}/in/", ".tar") == expanded(f"{bucket}/in/*.tar", ".tar")
        with pytest.raises(AudioKeyError, match=r"gone/\*.tar: nothing of that name is listed"):
            expanded(f"{bucket}/gone/", ".tar")
        media, *labels = everything(opened(tmp_path / "s3"))
        assert np.array_equal(media, local[0]) and labels == [*local[1:]]


def test_a_shard_that_cannot_be_reached_ends_indexing_and_a_second_run_goes_on(
    theirs, tmp_path, monkeypatch
):
    monkeypatch.setattr(storage, "WAITS_SECONDS", (0, 0))
    shutil.copytree(theirs, tmp_path / "in")
    last = tmp_path / "in/000002.tar"
    with http_server(tmp_path / "in") as url:
        urls = f"{url}/{{000000..000002}}.tar"
        data = last.read_bytes()
        last.unlink()
        with pytest.raises(StorageError, match="000002.tar: not there"):
            index(tmp_path, urls)
        last.write_bytes(data)
        made = index(tmp_path, urls).folder
        times = {path.name: path.stat().st_mtime_ns for path in made.iterdir()}
        index(tmp_path, urls)
        assert {path.name: path.stat().st_mtime_ns for path in made.iterdir()} == times


def test_other_shards_or_settings_are_refused_until_overwrite_and_no_tar_is_removed(
    theirs, packed, tmp_path
):
    index(tmp_path, theirs)
    first = theirs / "000000.tar"
    with pytest.raises(ManifestError, match="indexed with other settings or shards"):
        index(tmp_path, first)
    with pytest.raises(ManifestError, match="interval_seconds"):
        index(tmp_path, theirs, overrides=["prepare.interval_seconds=3.0"])
    with pytest.raises(ManifestError, match="packed with other settings.*interval_seconds"):
        opened(tmp_path, "prepare.interval_seconds=3.0")
    assert (
        sum(s.intervals for s in index(tmp_path, first, overwrite=True).manifests["train"].shards)
        == 8
    )
    assert len(list(theirs.iterdir())) == 3
    shutil.copytree(packed / "shards/audio/synthetic", tmp_path / "shards/audio/theirs/ours")
    shutil.rmtree(tmp_path / "shards/audio/theirs/train")
    (tmp_path / "shards/audio/theirs/ours/train").rename(tmp_path / "shards/audio/theirs/train")
    with pytest.raises(ManifestError, match="packed here; give those of others another --name"):
        index(tmp_path, theirs, overwrite=True)
    with pytest.raises(AudioKeyError, match="named twice"):
        index(tmp_path, first, first)


def test_a_tar_that_changed_after_it_was_indexed_is_noticed(theirs, tmp_path):
    shutil.copytree(theirs, tmp_path / "in")
    index(tmp_path, tmp_path / "in")
    path = tmp_path / "in/000001.tar"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    shards = opened(tmp_path)
    stream = evaluation_stream(shards, 5, 0, 1, max_bad_samples=2)
    assert sum(int(batch.valid.sum()) for batch in loader(stream, 0, pin_memory=False)) == 22
    assert stream.bad_samples == 2
    problems = list(problems_of(manifest_folders(tmp_path / "shards")))
    assert len(problems) == 1 and "not those that were indexed" in problems[0]
    path.write_bytes(data[:-512])
    with pytest.raises(ManifestError, match="long, and was .* when it was indexed"):
        opened(tmp_path)


def test_what_was_indexed_and_is_whole_passes_the_check_of_shards(theirs, tmp_path):
    index(tmp_path, theirs)
    assert list(problems_of(manifest_folders(tmp_path / "shards"))) == []


def test_their_shards_are_neither_published_nor_made_into_spectrograms(theirs, tmp_path):
    index(tmp_path, theirs)
    with pytest.raises(ManifestError, match="made by others and lie elsewhere"):
        publish("theirs", str(tmp_path / "x"), "audio", small_config(tmp_path))
    with pytest.raises(ManifestError, match="made by others and lie elsewhere"):
        create_spectrograms("theirs", small_config(tmp_path))


def test_they_train_and_evaluate_like_ours(theirs, called, tmp_path):
    for split, shard in (("train", "{000000..000001}"), ("valid", "000002"), ("test", "000002")):
        words = ["--name", "theirs", "--split", split, f"{theirs}/{shard}.tar"]
        where = f'prepare.shards_dir="{tmp_path}/shards"'
        small = ("audio.sample_rate=11025", "prepare.interval_seconds=4.0", where)
        done = called(program.main, "index", *words, *(w for s in small for w in ("--set", s)))
        assert done.returncode == 0 and "intervals in" in done.stdout, done.stderr
    config = small_config(tmp_path, 'train.datasets=["theirs"]', "train.epochs=1")
    Training(config, tmp_path / "runs/one", resume=False).run()
    answers = evaluate(tmp_path / "runs/one", config, ("theirs",), Accelerator())
    assert len(answers.songs) == 4
    assert [song.key for song in answers.songs] == [song.key for song in some_songs(COUNT)[8:]]


def test_an_excerpt_behind_the_end_of_the_sound_is_an_error():
    media = sound(some_songs(1)[0])
    with pytest.raises(AudioError, match="lasts 9.0 s, and has no interval 3"):
        decode_excerpt(media, Excerpt(3, 11_025), 4 * 11_025)
    rest = decode_excerpt(media, Excerpt(2, 11_025), 4 * 11_025)
    assert rest[:11_025].any() and not rest[11_100:].any()


@pytest.mark.parametrize("channels, rate", [(1, 11_025), (2, 11_025), (1, 22_050)])
@pytest.mark.parametrize("seconds", [3.0, 4.0, 5.0])
def test_flac_like_ours_takes_the_short_way_to_the_same_samples(channels, rate, seconds):
    waveform = np.random.default_rng(0).normal(0, 0.2, (round(seconds * rate), channels))
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, "PCM_16", format="FLAC")
    heard = decode_excerpt(file.getvalue(), Excerpt(0, 11_025), 44_100)
    expected = to_int16(np.concatenate(list(waveform_blocks(file, 11_025))))[:44_100]
    assert np.array_equal(heard[: len(expected)], expected) and not heard[len(expected) :].any()


@pytest.mark.parametrize("ending", FORMATS)
def test_lengths_are_told_without_decoding(ending):
    assert seconds_of(sound(some_songs(1)[0], ending)) == pytest.approx(9.0, abs=0.1)


def test_a_last_interval_counts_from_its_half_on():
    counts = {0.1: 1, 3.9: 1, 5.9: 1, 6.1: 2, 8.0: 2, 9.0: 2, 10.0: 3}
    assert {seconds: excerpt_count(seconds, 4.0) for seconds in counts} == counts


def test_headers_that_lie_about_names_end_a_shard_and_not_the_walk(tmp_path):
    def of_sparse(fields: dict[str, str]) -> bytes:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            info = tarfile.TarInfo("0.flac")
            info.pax_headers = fields
            tar.addfile(info)
        return file.getvalue()

    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    for data in (
        of_sparse({"GNU.sparse.size": "abc"}),
        of_sparse({"GNU.sparse.map": "a,b"}),
        of_sparse({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}),
        long.tobuf() + bytes(10_240),
    ):
        with pytest.raises(DamagedTar, match="damaged tar"):
            list(samples(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("text", "key"),
    [("Db", "Db major"), ("8A/Am", "A minor"), ("h-moll", "B minor"), ("13", "C# minor")],
)
def test_their_keys_are_read_as_programs_write_them(text, key):
    members = Members(("flac",), ("txt",), "")
    data = text.encode()
    assert str(members.key_of({"txt": Member(0, len(data), data)})[0]) == key


def test_an_ending_that_is_empty_is_taken_for_no_other():
    members = Members(("flac",), ("json:key", "cls"), "")
    sample = {"__key__": "0", "": Member(0, 4, b"none"), "cls": Member(9, 1, b"3")}
    with pytest.raises(UnusableSample, match="no sound"):
        members.media_of(sample)
    assert members.key_of(sample)[0].id == 3


def test_a_folder_with_brackets_in_its_name_is_a_folder(tmp_path):
    folder = tmp_path / "Mix [2024]"
    folder.mkdir()
    (folder / "a.tar").touch()
    assert expanded(str(folder), ".tar") == [folder / "a.tar"]


def test_nothing_is_indexed_beside_another_command(theirs, tmp_path):
    root = tmp_path / "shards/audio/theirs"
    with sole_writer(root), pytest.raises(BusyError, match=f"{root}: process .* is changing these"):
        index(tmp_path, theirs)
    assert not list(root.rglob("*"))
