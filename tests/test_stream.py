"""Laws of streaming: who reads what, from real shards, and what happens to bad ones."""

import errno
import gc
import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import pack_synthetic, small_config

from evaluation.listener import front_end_of, shards_of
from pipeline.bounded import ManifestError
from pipeline.loader import loader
from pipeline.lost import StreamError
from pipeline.stream import evaluation_stream, training_stream


def open_split(folder, split="train", *overrides, datasets=("synthetic",)):
    config = small_config(folder, *overrides)
    return shards_of(config, config, datasets, split)


def epoch(shards, ranks=1, rank=0, batch_size=12, workers=0, first_step=0, lanes=6, limit=0):
    stream = training_stream(
        shards, batch_size, rank, ranks, 0, 0, lanes, 16, first_step, max_bad_samples=limit
    )
    return stream, list(loader(stream, workers, pin_memory=False))


def fingerprints(batches):
    """What identifies each interval read: its first sound and its song."""
    return [
        (int(song), tuple(waveform[2000:2040].tolist()))
        for batch in batches
        for song, waveform in zip(batch.song_index, batch.waveform, strict=True)
    ]


@pytest.fixture
def copy(packed, tmp_path):
    """A copy of all shards, to be damaged."""
    shutil.copytree(packed / "shards", tmp_path / "shards")
    return tmp_path


@pytest.mark.parametrize("ranks, workers", [(1, 0), (1, 2), (2, 0), (3, 1), (4, 0)])
def test_any_number_of_processes_and_workers_reads_the_same_batches(packed, ranks, workers):
    shards = open_split(packed)
    _, reference = epoch(shards)
    parts = [epoch(shards, ranks, rank, workers=workers)[1] for rank in range(ranks)]
    assert {len(part) for part in parts} == {shards.total // 12}
    for step, batch in enumerate(reference):
        together = [one for part in parts for one in fingerprints([part[step]])]
        assert sorted(together) == sorted(fingerprints([batch]))


def test_an_epoch_reads_every_interval_at_most_once_and_evaluation_exactly_once(packed):
    shards = open_split(packed)
    read = fingerprints(epoch(shards)[1])
    assert len(read) == len(set(read)) == shards.total - shards.total % 12
    valid = []
    for rank in range(2):
        batches = list(loader(evaluation_stream(shards, 16, rank, 2), 0, pin_memory=False))
        flags = torch.cat([batch.valid for batch in batches]).tolist()
        valid += [one for one, flag in zip(fingerprints(batches), flags, strict=True) if flag]
    assert len(valid) == len(set(valid)) == shards.total


def test_going_on_at_a_step_reads_what_is_left(packed):
    shards = open_split(packed)
    assert fingerprints(epoch(shards, first_step=3)[1]) == fingerprints(epoch(shards)[1][3:])


def test_labels_and_songs_belong_to_the_sound(packed):
    shards = open_split(packed)
    table = shards.song_table()
    counts = np.zeros(len(table), int)
    for batch in loader(evaluation_stream(shards, 8, 0, 1), 0, pin_memory=False):
        for index, key_id in zip(
            batch.song_index[batch.valid], batch.key_id[batch.valid], strict=True
        ):
            assert key_id == table.key_id[index]
            counts[index] += 1
    assert np.array_equal(counts, table.intervals)


def test_several_data_sets_are_one_list_of_intervals(tmp_path):
    for dataset, seed in (("first", 1), ("second", 2)):
        config = small_config(tmp_path, "datasets.synthetic.songs=24")
        pack_synthetic(config, dataset=dataset, seed=seed)
    both = open_split(tmp_path, datasets=("first", "second"))
    single = [open_split(tmp_path, datasets=(name,)) for name in ("first", "second")]
    assert both.total == sum(one.total for one in single)
    assert np.sum(both.song_table().dataset == 1) == len(single[1].song_table())
    read = fingerprints(epoch(both, batch_size=1)[1])
    assert len(set(read)) == both.total


def test_png_and_audio_shards_give_the_network_the_same_input_within_half_a_level(packed):
    inputs = {}
    for format in ("audio", "png"):
        config = small_config(packed, f"stream.format={format}")
        front_end = front_end_of(config).eval()
        stream = evaluation_stream(shards_of(config, config, ("synthetic",), "valid"), 16, 0, 1)
        batches = list(loader(stream, 0, pin_memory=False))
        inputs[format] = torch.cat([front_end(batch)[0][batch.valid] for batch in batches])
    assert inputs["audio"].std() > 0.1
    assert (inputs["audio"] - inputs["png"]).abs().max() <= 0.5 / 255 + 1e-5


def test_a_bad_sample_is_named_counted_and_replaced_so_that_no_step_is_lost(copy, caplog):
    tar = copy / "shards/audio/synthetic/train/000001.tar"
    data = bytearray(tar.read_bytes())
    data[5000] ^= 255
    tar.write_bytes(data)
    shards = open_split(copy)
    with caplog.at_level(logging.WARNING):
        stream, batches = epoch(shards, limit=1)
    assert len(batches) == shards.total // 12 and all(batch.valid.all() for batch in batches)
    assert stream.bad_samples == 1 and "000001.tar, sample 0: its bytes differ" in caplog.text
    with pytest.raises(StreamError, match=r"1 interval could .* \(stream.max_bad_samples = 0\)"):
        epoch(shards, limit=0)


def test_in_evaluation_a_bad_sample_is_left_out_and_not_replaced(copy):
    tar = copy / "shards/audio/synthetic/valid/000000.tar"
    data = bytearray(tar.read_bytes())
    data[5000] ^= 255
    tar.write_bytes(data)
    shards = open_split(copy, "valid")
    stream = evaluation_stream(shards, 8, 0, 1, max_bad_samples=1)
    valid = torch.cat([batch.valid for batch in loader(stream, 1, pin_memory=False)])
    assert valid.sum() == shards.total - 1 and stream.bad_samples == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_rows_without_an_interval_are_zero_though_others_lay_there_before(packed, workers):
    stream = evaluation_stream(open_split(packed), 16, 0, 1)
    for last in loader(stream, workers, pin_memory=False):  # noqa: B007  # none other is held
        pass
    assert 0 < last.valid.sum() < 16 and last.waveform[last.valid].any()
    assert not last.waveform[~last.valid].any() and not last.song_index[~last.valid].any()


def test_when_nothing_can_be_read_the_run_stops(copy):
    for tar in (copy / "shards/audio/synthetic/train").glob("*.tar"):
        tar.write_bytes(bytes(tar.stat().st_size))
    with pytest.raises(StreamError, match=r"none of \d+ intervals could be read"):
        epoch(open_split(copy), limit=10**6)


def test_a_missing_or_halved_shard_is_refused_before_the_first_batch(copy):
    tar = copy / "shards/audio/synthetic/train/000000.tar"
    whole = tar.read_bytes()
    tar.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ManifestError, match=f"000000.tar: {len(whole) // 2} bytes long, the man"):
        open_split(copy)
    tar.unlink()
    with pytest.raises(ManifestError, match="000000.tar: not there, the manifest says"):
        open_split(copy)
    tar.write_bytes(whole)
    tar.with_suffix(".json").unlink()
    with pytest.raises(ManifestError, match="000000.json: not there; pack again"):
        open_split(copy)


def test_a_manifest_cut_short_is_refused(copy):
    path = copy / "shards/audio/synthetic/train/manifest.json.zst"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ManifestError, match="zst: only a part of the file is there"):
        open_split(copy)


def test_a_data_set_without_the_split_is_said_and_all_without_it_refused(copy, caplog):
    shutil.copytree(copy / "shards/audio/synthetic/test", copy / "shards/audio/tests/test")
    both = open_split(copy, datasets=("synthetic", "tests"))
    assert both.total == open_split(copy).total and "tests has no train split" in caplog.text
    with pytest.raises(ManifestError, match="no train split in tests; name other data"):
        open_split(copy, datasets=("tests",))


def test_shards_of_other_settings_are_refused_with_what_differs(packed):
    with pytest.raises(ManifestError, match="sample_rate: 11025 there, 22050 today"):
        open_split(packed, "train", "audio.sample_rate=22050")
    open_split(packed, "train", "cqt.range_db=60.0")  # free, as long as the shards hold audio
    with pytest.raises(ManifestError, match="cqt: .* there, .* today"):
        open_split(packed, "train", "cqt.range_db=60.0", "stream.format=png")


def test_data_that_cannot_make_a_batch_are_refused(packed, tmp_path):
    shards = open_split(packed)
    with pytest.raises(StreamError, match="do not fill one batch of 1000"):
        epoch(shards, batch_size=1000)
    with pytest.raises(StreamError, match="12 cannot be shared by 5 processes"):
        epoch(shards, ranks=5)
    with pytest.raises(ManifestError, match="not there; pack this data set first"):
        open_split(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files")
def test_a_pass_that_this_process_reads_leaves_no_file_open(packed):
    shards, before = open_split(packed), len(os.listdir("/proc/self/fd"))
    gc.disable()
    try:
        for _ in range(3):
            epoch(shards)
        assert len(os.listdir("/proc/self/fd")) <= before
    finally:
        gc.enable()


def test_too_many_open_files_are_no_fault_of_a_sample(packed, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("pipeline.shardset.open", full, raising=False)
    with pytest.raises(OSError, match="Too many open files"):
        epoch(open_split(packed))
