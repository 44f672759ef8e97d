"""Laws of WAV in shards: the samples come back, and nothing else is taken for them."""

import io

import numpy as np
import pytest
import soundfile
from conftest import pack_synthetic, small_config

from evaluation.listener import shards_of
from pipeline.bounded import ManifestError
from pipeline.loader import loader
from pipeline.stream import evaluation_stream
from pipeline.wave_file import decode_wav, wav_bytes
from shards.check import manifest_folders, problems_of
from shards.spectrograms import create_spectrograms
from songkey.errors import AudioError

NOISE = np.random.default_rng(0).integers(-(2**15), 2**15, 1000).astype(np.int16)


def test_samples_come_back_and_others_read_the_file():
    data = wav_bytes(NOISE, 11025)
    assert np.array_equal(decode_wav(data, 1000), NOISE)
    theirs, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert np.array_equal(theirs, NOISE) and rate == 11025


@pytest.mark.parametrize("length", [0, 11, 43, 44, 45, 2043])
def test_a_file_that_was_cut_is_refused(length):
    with pytest.raises(AudioError, match="no readable WAV|samples of"):
        decode_wav(wav_bytes(NOISE, 11025)[:length], 1000)


def test_a_file_of_another_length_or_form_is_refused():
    stereo = io.BytesIO()
    soundfile.write(stereo, np.stack([NOISE, NOISE], axis=1), 8000, "PCM_16", format="WAV")
    deep = io.BytesIO()
    soundfile.write(deep, NOISE, 8000, "PCM_24", format="WAV")
    for data, found in (
        (wav_bytes(NOISE[1:], 11025), "999 samples of 1 channels, 16 bits, expected 1000 of one"),
        (stereo.getvalue(), "1000 samples of 2 channels, 16 bits"),
        (deep.getvalue(), "1000 samples of 1 channels, 24 bits"),
    ):
        with pytest.raises(AudioError, match=found):
            decode_wav(data, 1000)


def batches(config, split="train"):
    shards = shards_of(config, config, ("synthetic",), split)
    return list(loader(evaluation_stream(shards, 8, 0, 1), 0, pin_memory=False))


def test_shards_of_wav_give_what_those_of_flac_give_and_make_the_same_spectrograms(
    packed, tmp_path
):
    config = small_config(tmp_path, "prepare.audio_file=wav")
    pack_synthetic(config)
    split = tmp_path / "shards/audio/synthetic/train"
    assert list(problems_of(manifest_folders(tmp_path / "shards"))) == []
    for ours, theirs in zip(batches(config), batches(small_config(packed)), strict=True):
        assert np.array_equal(ours.waveform, theirs.waveform)
        assert np.array_equal(ours.key_id, theirs.key_id)
    create_spectrograms("synthetic", config)
    png = "shards/png/synthetic/train/000000.tar"
    assert (tmp_path / png).read_bytes() == (packed / png).read_bytes()
    with pytest.raises(ManifestError, match=f"{split}: packed with other settings .audio_file"):
        pack_synthetic(small_config(tmp_path))
