"""Laws of songs made while training: all processes make the same ones, and none comes twice."""

import numpy as np
import pytest
from conftest import small_config

from model.checkpoint import load_checkpoint
from pipeline.loader import loader
from pipeline.stream import training_stream
from shards.made_songs import MadeSongs
from songkey.audio import to_int16
from songs import synthetic
from training.loop import Training

MADE = MadeSongs(total=12, seed=5, sample_rate=11025, interval_seconds=4.0)


def batches(epoch=0, ranks=1, rank=0, workers=0, first_step=0):
    stream = training_stream(MADE, 4, rank, ranks, 0, epoch, 4, 16, first_step)
    return list(loader(stream, workers, pin_memory=False))


def heard(some):
    return sorted(
        (int(key), waveform.numpy().tobytes())
        for batch in some
        for key, waveform in zip(batch.key_id, batch.waveform, strict=True)
    )


def test_an_interval_is_the_song_of_its_number_and_key():
    reader = MADE.of_epoch(2).reader()
    song = synthetic.song_of(5, 2 * 12 + 7, 4.0)
    stored = reader.read(7)
    expected = to_int16(synthetic.render(song.audio_path, 11025))
    assert np.array_equal(np.frombuffer(stored.media, np.int16), expected)
    assert (stored.key_id, stored.song_index) == (song.key.id, 7)
    assert reader.name(7) == song.song_id == MADE.of_epoch(2).song_table().song_id(7)


@pytest.mark.parametrize("ranks, workers", [(2, 0), (1, 2), (4, 0)])
def test_any_number_of_processes_and_workers_hears_the_same_batches(ranks, workers):
    parts = [batches(ranks=ranks, rank=rank, workers=workers) for rank in range(ranks)]
    for step, batch in enumerate(batches()):
        assert heard([part[step] for part in parts]) == heard([batch])


def test_each_epoch_makes_other_songs_and_going_on_makes_the_rest():
    first, second = batches(epoch=0), batches(epoch=1)
    assert len(set(heard(first)) | set(heard(second))) == 24
    assert heard(batches(epoch=1, first_step=2)) == heard(second[2:])


def test_a_run_trains_on_made_songs_and_a_resumed_one_hears_what_it_would_have(packed, tmp_path):
    config = small_config(packed, f'train.runs_dir="{tmp_path}"', "train.global_batch_size=4")
    whole = tmp_path / "whole"
    Training(config, whole, resume=False, source=MADE).run()
    cut = tmp_path / "cut"
    Training(config, cut, resume=False, source=MADE).run()
    first = min((cut / "checkpoints").glob("epoch-*.safetensors"))
    Training(config, cut, resume=True, checkpoint=first, source=MADE).run()
    ends = [load_checkpoint(run / "checkpoints/last.safetensors") for run in (whole, cut)]
    assert ends[0].state["progress"]["loss_sum"] == ends[1].state["progress"]["loss_sum"]
    for name, weights in ends[0].model.items():
        assert weights.equal(ends[1].model[name]), name


def test_a_run_does_not_go_on_with_other_songs(packed, tmp_path):
    config = small_config(packed, f'train.runs_dir="{tmp_path}"', "train.global_batch_size=4")
    other = MadeSongs(total=12, seed=6, sample_rate=11025, interval_seconds=4.0)
    Training(config, tmp_path / "run", resume=False, source=MADE).run()
    with pytest.raises(ValueError, match="cannot go on with other settings"):
        Training(config, tmp_path / "run", resume=True, source=other)
