"""Laws of shards that a stranger made: bounded memory, no waiting, nothing outside their folder."""

import hashlib
import json
import os
import struct
import tarfile
import zlib

import numpy as np
import pytest
import safetensors.numpy
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from small_split import EQUAL, FAULTS, REFUSED, SmallSplit, limits

from pipeline.bounded import ManifestError
from pipeline.flac import decode_flac, flac_bytes
from pipeline.image import ImageError, decode_png, png_bytes
from pipeline.index import INDEX_NAME
from pipeline.manifest import MANIFEST_NAME, SONGS_NAME, read_manifest, write_manifest
from pipeline.record import TAR_BLOCK_BYTES, read_record, write_record
from pipeline.sample import SampleInfo
from pipeline.wave_file import decode_wav, wav_bytes
from shards import __main__ as shards
from shards.shardfile import ShardError, TaskTars, read_samples
from shards.tables import write_split_manifest
from songkey.decode import AudioError

FILES = (MANIFEST_NAME, SONGS_NAME, INDEX_NAME, "000000.json", "000000.tar")
SHAPE = (20, 31)
always_the_same = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A split whose files are put back after each change."""
    return SmallSplit(tmp_path_factory.mktemp("split"), "png")


@pytest.fixture
def split(shared):
    whole = {path: path.read_bytes() for path in shared.folder.iterdir()}
    yield shared
    for path, data in whole.items():
        if path.is_symlink() or not path.is_file():
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        path.write_bytes(data)


def fate(split):
    with limits():
        outcome, reason = split.outcome()
    assert outcome not in FAULTS, reason
    return outcome, reason


def zstd(*pieces, times=1):
    """A zstd file of the pieces, the last of them so many times."""
    stream = zstandard.ZstdCompressor().compressobj()
    parts = [stream.compress(piece) for piece in (*pieces[:-1], *times * [pieces[-1]])]
    return b"".join([*parts, stream.flush()])


def unzstd(path):
    return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())


def test_a_manifest_or_table_that_unpacks_to_a_gigabyte_is_refused(split):
    for name, problem in ((MANIFEST_NAME, "unpacks to more than"), (SONGS_NAME, "a line of more")):
        path = split.folder / name
        whole = path.read_bytes()
        path.write_bytes(zstd(unzstd(path), bytes(1 << 20), times=1000))
        assert path.stat().st_size < 100_000
        assert f"{name}: {problem}" in fate(split)[1]
        path.write_bytes(whole)


def test_a_table_with_songs_without_an_end_is_compared_as_far_as_there_are_records(split):
    path = split.folder / SONGS_NAME
    path.write_bytes(zstd(unzstd(path), unzstd(path) * 1000, times=500))
    assert fate(split)[0] == EQUAL
    assert "lists more songs than the records" in fate(split)[1]


def test_a_file_that_looks_far_back_is_refused(split):
    parameters = zstandard.ZstdCompressionParameters(window_log=26)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path = split.folder / MANIFEST_NAME
    path.write_bytes(stream.compress(unzstd(path)) + stream.flush())
    assert fate(split)[0] == REFUSED


@pytest.mark.parametrize("unit", [b"-1,", b"{},", b'["",""],', b"[[["])
def test_a_record_of_millions_of_errors_is_refused_at_the_first(split, unit):
    path = split.folder / "000000.json"
    for column in (b'"media_offset":[', b'"songs":[', b'"left_out":['):
        whole = path.read_bytes()
        path.write_bytes(whole.replace(column, column + unit * (1_000_000 // len(unit))))
        assert "000000.json: damaged or of another version" in fate(split)[1]
        path.write_bytes(whole)


def test_a_record_or_song_of_many_strange_fields_is_refused_at_once(split):
    path = split.folder / "000000.json"
    whole = path.read_bytes()
    fields = b"".join(b'"a%d":0,' % number for number in range(300_000))
    for place in (0, whole.index(b"{", 1), whole.index(b'{"song_id"')):
        path.write_bytes(whole[: place + 1] + fields + whole[place + 1 :])
        assert "it has fields that are not known here" in fate(split)[1]


def test_a_record_of_a_hundred_megabytes_is_not_read(split):
    with open(split.folder / "000000.json", "r+b") as file:
        file.truncate(100_000_000)
    assert "000000.json: larger than" in fate(split)[1]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nothing"])
def test_what_is_no_file_is_named_and_not_waited_for(split, name, kind):
    path = split.folder / name
    path.unlink()
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
    assert name in fate(split)[1]


@pytest.mark.parametrize(
    "changes",
    [
        *({"name": name} for name in ("../x.tar", "/etc/x.tar", "a/b.tar", ".tar", "x", "a\n.tar")),
        {"name": "000001.tar"}, {"sha256": "../x"}, {"sha256": "A" * 64},
        {"bytes": -1}, {"bytes": 1 << 63}, {"intervals": 1 << 40}, {"intervals": -1}, {"songs": -1},
        {"intervals": 2_000_000_000},
    ],
)  # fmt: skip
def test_a_manifest_of_names_elsewhere_or_absurd_numbers_is_refused(split, changes):
    manifest = read_manifest(split.folder)
    first = manifest.shards[0].model_copy(update=changes)
    shards = (first, *manifest.shards[1:])
    write_manifest(split.folder, manifest.model_copy(update={"shards": shards}))
    assert fate(split)[0] == REFUSED


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "audio"}, {"format": "exe"}, {"cqt": None}, {"interval_seconds": float("inf")},
        {"cqt": {"hop_length": "x"}}, {"cqt": {}}, {"sample_rate": 0}, {"dataset": "\x1b[2J"},
    ],
)  # fmt: skip
def test_settings_that_contradict_themselves_or_the_records_are_refused_or_named(split, changes):
    manifest = read_manifest(split.folder)
    other = manifest.settings.model_copy(update=changes)
    write_manifest(split.folder, manifest.model_copy(update={"settings": other}))
    assert fate(split)[1]


def test_a_record_may_not_name_tars_elsewhere_or_another_s(split):
    record = read_record(split.folder, "000000.tar")
    for changes in (
        {"continued_by": ["../../x.tar"]}, {"shard": "../000000.tar"}, {"shard": "000001.tar"},
        {"sha256": ""}, {"bytes": 1 << 62},
    ):  # fmt: skip
        path = split.folder / "000000.json"
        path.write_text(record.model_copy(update=changes).model_dump_json(warnings=False))
        with pytest.raises(ManifestError, match=r"000000.json: (damaged|of another)"):
            read_record(split.folder, "000000.tar")


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"media_offset": -512}, "greater than or equal to 0"),
        ({"media_offset": 0}, "its members overlap"),
        ({"media_bytes": 1 << 30}, "its members overlap"),
        ({"json_bytes": 1 << 17}, "JSON is larger than 65536"),
        ({"media_offset": 1 << 39}, "its members overlap"),
        ({"media_crc32": 1 << 32}, "less than 4294967296"),
        ({"media_bytes": 1 << 70}, "less than 2147483648"),
        ({"song": 7}, "a song that it does not list"),
        ({"song": 1}, "other numbers of intervals"),
    ],
)
def test_a_record_whose_numbers_cannot_be_is_refused(split, change, problem):
    record = read_record(split.folder, "000000.tar")
    ((name, value),) = change.items()
    column = (value, *getattr(record, name)[1:])
    path = split.folder / "000000.json"
    path.write_text(record.model_copy(update={name: column}).model_dump_json())
    with pytest.raises(ManifestError, match=f"000000.json: damaged .*{problem}"):
        read_record(split.folder, "000000.tar")


def test_what_nobody_would_read_is_not_written(split, monkeypatch):
    record, manifest = read_record(split.folder, "000000.tar"), read_manifest(split.folder)
    monkeypatch.setattr("pipeline.record.MOST_RECORD_BYTES", 100)
    monkeypatch.setattr("pipeline.manifest.MOST_MANIFEST_BYTES", 100)
    with pytest.raises(ManifestError, match=r"000000.json: \d+ bytes, and no more than 100"):
        write_record(split.folder, record)
    with pytest.raises(ManifestError, match=r"manifest.json.zst: .* set prepare.songs_per_shard"):
        write_manifest(split.folder, manifest)


def test_no_word_of_a_stranger_moves_a_terminal_s_cursor(split, called):
    manifest = read_manifest(split.folder)
    other = manifest.settings.model_copy(update={"dataset": "\x1b[2J"})
    write_manifest(split.folder, manifest.model_copy(update={"settings": other}))
    done = called(shards.main, "check", split.folder)
    assert done.returncode == 1 and r"\x1b[2J" in done.stdout and "\x1b" not in done.stdout


def test_the_last_member_may_not_lie_behind_the_end(split):
    record = read_record(split.folder, "000000.tar")
    write_record(split.folder, record.model_copy(update={"bytes": record.json_offset[-1]}))
    with pytest.raises(ManifestError, match="its members lie outside the tar"):
        read_record(split.folder, "000000.tar")


def of_another_header(split, **fields):
    """Change the first member's header in the tar, whose new checksums are told everywhere."""
    data = bytearray((split.folder / "000000.tar").read_bytes())
    change_header(data, 0, **fields)
    (split.folder / "000000.tar").write_bytes(data)
    told_everywhere(split, data)


def change_header(data, start, **fields):
    block = slice(start, start + TAR_BLOCK_BYTES)
    info = tarfile.TarInfo.frombuf(data[block], "ascii", "strict")
    for name, value in fields.items():
        setattr(info, name, value)
    data[block] = info.tobuf(tarfile.GNU_FORMAT)[-TAR_BLOCK_BYTES:]


def told_everywhere(split, data):
    changes = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    record, manifest = read_record(split.folder, "000000.tar"), read_manifest(split.folder)
    write_record(split.folder, record.model_copy(update=changes))
    shards = (manifest.shards[0].model_copy(update=changes), *manifest.shards[1:])
    write_manifest(split.folder, manifest.model_copy(update={"shards": shards}))


@pytest.mark.parametrize(
    "fields, problem",
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "is not a plain file"),
        ({"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}, "is not a plain file"),
        ({"type": tarfile.CHRTYPE}, "is not a plain file"),
        ({"type": tarfile.GNUTYPE_SPARSE}, "is not a plain file"),
        ({"type": tarfile.GNUTYPE_LONGNAME}, "is not a plain file"),
        ({"type": tarfile.XHDTYPE}, "is not a plain file"),
        ({"size": 1 << 60}, "is longer than the tar"),
        ({"size": -1}, "is not a plain file"),
        ({"size": 7}, "not a tar file of plain samples"),
        ({"name": "../../x.png"}, "are not one sample"),
    ],
)
def test_a_tar_of_links_or_names_elsewhere_or_absurd_sizes_is_named(split, fields, problem):
    of_another_header(split, **fields)
    outcome, reason = fate(split)  # streaming goes by the index, and reads no header
    assert outcome == EQUAL and problem in reason


@pytest.mark.parametrize("name", ["/etc/passwd", "a/b", "\x1b[2J", "", "a" * 91])
def test_a_sample_of_a_name_elsewhere_is_named_and_goes_into_no_other_shard(split, name):
    record = read_record(split.folder, "000000.tar")
    data = bytearray((split.folder / "000000.tar").read_bytes())
    for offset, ending in ((record.media_offset[0], "png"), (record.json_offset[0], "json")):
        change_header(data, offset - TAR_BLOCK_BYTES, name=f"{name}.{ending}")
    (split.folder / "000000.tar").write_bytes(data)
    told_everywhere(split, data)
    outcome, reason = fate(split)
    assert outcome == EQUAL and "are not one sample" in reason
    with pytest.raises(ShardError, match="000000.tar, sample 0: .* is no name of a sample"):
        next(read_samples(split.folder, read_record(split.folder, "000000.tar")))


@pytest.mark.parametrize(
    "column, value, problem",
    [
        ("media_offset", (1 << 63) - 1, "an interval lies outside its shard"),
        ("media_bytes", -1, "an interval lies outside its shard"),
        ("song", 9, "an interval is of no song"),
        ("song.key_id", 24, "none of the 24 keys"),
        ("song.confidence", float("nan"), "confidence is no number"),
        ("song.intervals", 1, "other numbers of intervals"),
        ("song.song_id.ends", 1 << 62, "its names are torn"),
    ],
)
def test_an_index_whose_numbers_cannot_be_is_refused(split, column, value, problem):
    columns = safetensors.numpy.load((split.folder / INDEX_NAME).read_bytes())
    changed = columns[column].copy()
    changed[0] = value
    indexed(split, {**columns, column: changed})
    with pytest.raises(ManifestError, match=problem):
        split.streamed()


@pytest.mark.parametrize("column", ["media_offset", "song.key_id", "song.song_id.ends"])
def test_an_index_of_other_columns_is_refused(split, column):
    columns = safetensors.numpy.load((split.folder / INDEX_NAME).read_bytes())
    column_as_text = np.frombuffer(columns[column].tobytes(), np.int8)
    for other in (columns[column].astype(np.float64), columns[column][:, None], column_as_text):
        indexed(split, {**columns, column: other})
        with pytest.raises(ManifestError, match="index.safetensors: not an index"):
            split.streamed()
    indexed(split, {name: value for name, value in columns.items() if name != column})
    with pytest.raises(ManifestError, match="index.safetensors: not an index"):
        split.streamed()


def indexed(split, columns):
    """Make these the split's index, as its manifest then says."""
    data = safetensors.numpy.save({name: np.ascontiguousarray(c) for name, c in columns.items()})
    (split.folder / INDEX_NAME).write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    manifest = read_manifest(split.folder)
    write_manifest(split.folder, manifest.model_copy(update={"index_sha256": sha256}))


def test_a_tar_with_more_or_fewer_members_than_its_record_is_named(split):
    whole = (split.folder / "000000.tar").read_bytes()
    record = read_record(split.folder, "000000.tar")
    end = record.json_offset[-1] + TAR_BLOCK_BYTES
    more = whole[:end] + whole[: 2 * TAR_BLOCK_BYTES] + bytes(20 * TAR_BLOCK_BYTES)
    fewer = bytes(TAR_BLOCK_BYTES) + whole[TAR_BLOCK_BYTES:]
    for data, problem in ((more, "longer than the tar|it goes on after"), (fewer, "it ends after")):
        (split.folder / "000000.tar").write_bytes(data)
        told_everywhere(split, data)
        assert any(one in fate(split)[1] for one in problem.split("|"))


def chunk(name, content):
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png_of(rows, columns, packed, before=b"", bits=8, colour=0):
    head = chunk(b"IHDR", struct.pack(">2I5B", columns, rows, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def deflated(strategy=zlib.Z_DEFAULT_STRATEGY, megabytes=1000):
    packer = zlib.compressobj(strategy=strategy)
    return b"".join(
        [*(packer.compress(bytes(1_000_000)) for _ in range(megabytes)), packer.flush()]
    )


def absurd_media():
    """Pictures and sounds of a megabyte or less that say they are, or are, of gigabytes."""
    own, any_form = b"\x78\x01" + deflated(zlib.Z_RLE)[2:], b"\x78\xda" + deflated()[2:]
    yield "png", lambda rows, columns: png_of(rows, columns, own)
    for shape in ((30_000, 30_000), (1 << 31, 1 << 31), (0, 0), (12_000, 12_000)):
        yield "png", lambda *_, shape=shape: png_of(*shape, any_form)
    yield (
        "png",
        lambda rows, columns: png_of(
            rows, columns, deflated(megabytes=1), chunk(b"zTXt", b"a\0\0" + any_form)
        ),
    )
    yield "png", lambda rows, columns: png_of(rows, columns, any_form, bits=16, colour=6)
    silence = flac_bytes(np.zeros(65_535, np.int16), 8000)
    head, frames = silence[:42], silence[silence.index(b"\xff\xf8") :]
    for samples in (0, 1, (1 << 36) - 1):
        told = (int.from_bytes(head[21:26]) >> 36 << 36 | samples).to_bytes(5)
        yield "audio", lambda *_, told=told: head[:21] + told + head[26:] + frames * 20_000


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("format, media", absurd_media())
def test_a_picture_or_sound_of_absurd_size_is_a_lost_sample(tmp_path, format, media):
    split = SmallSplit(tmp_path, format)
    record = read_record(split.folder, "000001.tar")
    settings, song = record.settings, record.songs[0].model_copy(update={"intervals": 0})
    shape = np.frombuffer(split.samples[0][2], np.uint8).reshape(-1, 16).shape
    data = media(*shape)
    info = SampleInfo(
        song_id=song.song_id, interval=0, start_seconds=0, duration_seconds=1, key=song.key,
        label_source=song.label_source, media_crc32=zlib.crc32(data),
    )  # fmt: skip
    with TaskTars(split.folder, "000001", 1 << 30) as tars:
        tars.add(song, "000001_0000_00000", {"audio": "flac", "png": "png"}[format], data, info)
        tars.commit(settings, [])
    write_split_manifest(split.folder, ["000000", "000001"], settings)
    with limits():
        found, bad_samples = split.streamed()
    assert (found[-1], bad_samples) == (None, 1) and found[:-1] == split.samples[: len(found) - 1]


numbers = st.one_of(
    st.integers(), st.integers(-2, 40), st.sampled_from([2**n for n in range(8, 66, 3)]),
    st.floats(), st.text(max_size=5), st.none(), st.booleans(), st.just([]), st.just({}),
)  # fmt: skip


def places_in(value, path=()):
    """The path to each value of a JSON document."""
    yield path
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from places_in(value[name], (*path, name))


def put(document, path, value):
    for name in path[:-1]:
        document = document[name]
    document[path[-1]] = value


@always_the_same
@given(data=st.data())
def test_whatever_a_record_says_ends_in_a_named_error_or_is_what_was_packed(shared, data):
    path = shared.folder / "000000.json"
    whole = path.read_bytes()
    document = json.loads(whole)
    places = [place for place in places_in(document) if place]
    for _ in range(data.draw(st.integers(1, 2))):
        try:
            put(document, data.draw(st.sampled_from(places)), data.draw(numbers))
        except (KeyError, IndexError, TypeError):
            continue  # the other change took that place away
    path.write_text(json.dumps(document))
    try:
        fate(shared)
    finally:
        path.write_bytes(whole)


@always_the_same
@given(data=st.data())
def test_whatever_an_index_says_no_sample_is_read_that_is_not_one_of_the_shards(shared, data):
    path, manifest = shared.folder / INDEX_NAME, read_manifest(shared.folder)
    whole = path.read_bytes()
    columns = {name: value.copy() for name, value in safetensors.numpy.load(whole).items()}
    column = columns[data.draw(st.sampled_from([n for n in sorted(columns) if len(columns[n])]))]
    limit = np.iinfo(column.dtype) if column.dtype.kind in "iu" else None
    value = data.draw(st.integers(limit.min, limit.max) if limit else st.floats(width=32))
    column[data.draw(st.integers(0, len(column) - 1))] = value
    indexed(shared, columns)
    packed = {sample[2] for sample in shared.samples}
    try:
        with limits():
            found, bad_samples = shared.streamed()
        assert found.count(None) == bad_samples
        assert all(one is None or one[2] in packed for one in found)
    except ManifestError as error:
        assert INDEX_NAME in str(error)
    finally:
        path.write_bytes(whole)
        write_manifest(shared.folder, manifest)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@always_the_same
@given(
    st.integers(0, 2**31), st.integers(0, 2**31), st.sampled_from([1, 2, 4, 8, 16]),
    st.integers(0, 7), st.binary(max_size=40),
)  # fmt: skip
def test_whatever_a_picture_s_head_says_it_is_of_the_shape_or_refused(
    rows, columns, bits, colour, text
):
    levels = np.zeros(SHAPE, np.uint8)
    good = png_bytes(levels)
    packed = good[41:-16]
    for shape in ((rows, columns), SHAPE):
        with limits():
            try:
                assert decode_png(png_of(*shape, packed, text, bits, colour), SHAPE).shape == SHAPE
            except ImageError:
                continue
        assert (shape, bits, colour) == (SHAPE, 8, 0)


@always_the_same
@given(st.binary(min_size=34, max_size=34), st.binary(max_size=60))
def test_whatever_a_sound_s_head_says_it_is_of_the_length_or_refused(head, frames):
    good = flac_bytes(np.arange(500, dtype=np.int16), 8000)
    for data in (good[:8] + head + good[42:], good[:42] + frames, head + frames):
        with limits():
            try:
                assert len(decode_flac(data, 500)) == 500
            except AudioError:
                continue


@always_the_same
@given(st.integers(0, 43), st.integers(0, 2**32 - 1), st.integers(0, 44))
def test_whatever_a_wave_s_head_says_it_is_of_the_length_or_refused(place, number, cut):
    good = wav_bytes(np.arange(500, dtype=np.int16), 8000)
    changed = good[:place] + number.to_bytes(4, "little") + good[place + 4 :]
    for data in (changed, changed[: 44 - cut], good[:cut]):
        with limits():
            try:
                assert len(decode_wav(data, 500)) == 500
            except AudioError:
                continue
