"""Laws of the trainable CQT: it begins as the fixed one, learns, is saved, answers as played."""

import functools

import pytest
import torch
from accelerate import Accelerator
from conftest import run_program, settings, small_config, torchrun
from torch import nn

import eval
import train
from evaluation.listener import front_end_of, network_of, shards_of, trained_network
from model.checkpoint import load_checkpoint
from model.optimizer import adamw
from pipeline.augment import Augment
from pipeline.cqt import LogCQT
from pipeline.sample import Batch
from pipeline.trainable import HearingNetwork, TrainableLogCQT
from settings.config import ConfigError
from songkey.detector import Detector
from training.loop import Training

SETTINGS = {
    "sample_rate": 11025, "fmin_hz": 65.40639132514966, "n_bins": 120, "bins_per_octave": 24,
    "margin_semitones": 6, "hop_length": 2048, "range_db": 80.0,
}  # fmt: skip
AUGMENT = {
    "detune_cents": 0.0, "tilt_db_per_octave": 0.0, "equaliser_db": 0.0, "noise_floor_db": 0.0,
    "frequency_mask_bins": 0, "time_mask_frames": 0,
}  # fmt: skip
TRAINABLE = ("cqt.trainable=true", "train.epochs=1")


@functools.cache
def both(**changes):
    return LogCQT(**SETTINGS | changes), TrainableLogCQT(**SETTINGS | changes)


def noise(batch=2, seconds=3.0, sample_rate=11025, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(batch, int(seconds * sample_rate), generator=generator)  # (B, S)


@pytest.mark.parametrize("changes", [{}, {"n_bins": 48, "margin_semitones": 0, "hop_length": 777}])
@pytest.mark.parametrize("volume", [1.0, 1e-3])
@torch.no_grad()
def test_before_training_it_is_the_fixed_cqt(changes, volume):
    fixed, trainable = both(**changes)
    waveform = volume * noise()
    torch.testing.assert_close(trainable(waveform), fixed(waveform), atol=0.02, rtol=0)
    shorts = (32767 * waveform).short()
    torch.testing.assert_close(trainable(shorts), fixed(shorts), atol=0.02, rtol=0)


def test_silence_is_silent_and_its_gradient_finite():
    _, trainable = both()
    decibels = trainable(torch.zeros(1, 11025))
    decibels.sum().backward()
    assert (decibels == -80).all()
    assert all(p.grad.isfinite().all() for p in trainable.parameters())


def test_it_stays_in_float32_under_autocast():
    _, trainable = both()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        under_autocast = trainable(noise())
    assert under_autocast.dtype == torch.float32
    assert torch.equal(under_autocast, trainable(noise()))


def test_too_short_a_waveform_is_refused():
    with pytest.raises(ValueError, match="the trainable CQT needs more than 0.37 s; pad it with"):
        both()[1](torch.zeros(1, 1000))


def test_steps_of_the_usual_learning_rate_change_what_is_heard_only_a_little():
    """Not so with nnAudio's own scale: its kernels would be noise after one step of Adam."""
    trainable = TrainableLogCQT(**SETTINGS)
    optimizer = adamw(trainable, learning_rate=0.003, weight_decay=0.01)
    other = noise(seed=1)
    with torch.no_grad():
        before = trainable(other)
    for _ in range(5):
        optimizer.zero_grad()
        trainable(noise()).square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        change = (trainable(other) - before)[before > -40].abs()
    assert 0.001 < change.mean() < 0.3


class Loudest(nn.Module):
    """As logits, how loud each pitch class of the major keys is; the minor ones never sound."""

    def forward(self, cqt):
        folded = cqt.unflatten(1, (-1, 12, 2)).amax(dim=(1, 3, 4))  # (B, 12)
        return torch.cat([folded, folded - 1], dim=1)  # (B, 24)


def test_transposing_in_training_does_not_change_whose_answers_they_are():
    """A tone names its pitch; transposed at random, its answer is that of the tone that sounded."""
    augment = Augment(24, 12, 80.0, transpose_semitones=6, **AUGMENT)
    network = HearingNetwork(both()[1], augment, Loudest())
    semitones = torch.arange(24) % 12
    time = torch.arange(2 * 11025) / 11025
    hertz = 261.6256 * 2 ** (semitones[:, None] / 12)
    tones = 0.5 * torch.sin(2 * torch.pi * hertz * time)  # (24, S)
    for training in (True, False):
        with torch.no_grad():
            assert torch.equal(network.train(training)(tones).argmax(dim=1), semitones)
    with torch.no_grad():
        heard, moved = augment.train()(network.log_cqt(tones), semitones)
        assert torch.equal(Loudest()(heard).argmax(dim=1), moved) and (moved != semitones).any()


@torch.no_grad()
def test_before_training_the_whole_network_answers_as_the_two_parts_do(packed):
    fixed = small_config(packed)
    learned = small_config(packed, "cqt.trainable=true")
    network, whole = network_of(fixed).eval(), network_of(learned).eval()
    whole.network.load_state_dict(network.state_dict())
    number = torch.arange(2)
    batch = Batch((32767 * noise()).short(), None, number, number, number == number)
    cqt, key_id = front_end_of(fixed).eval()(batch)
    waveform, same_key_id = front_end_of(learned)(batch)
    assert torch.equal(key_id, same_key_id)
    torch.testing.assert_close(whole(waveform), network(cqt), atol=1e-3, rtol=0)


@pytest.fixture(scope="module")
def run(packed, tmp_path_factory):
    """A run of one epoch with a trainable CQT."""
    folder = tmp_path_factory.mktemp("trainable") / "run"
    Training(small_config(packed, *TRAINABLE), folder, resume=False).run()
    return folder


def test_training_changes_the_kernels_and_a_checkpoint_holds_them(run):
    checkpoint = load_checkpoint(run / "checkpoints/last.safetensors")
    untrained = both()[1].state_dict()
    for name in ("transform.cqt_kernels_real", "transform.cqt_kernels_imag"):
        change = checkpoint.model[f"log_cqt.{name}"] - untrained[name]
        assert 0 < change.abs().max() < 0.1
        assert checkpoint.model[f"log_cqt.{name}"].shape in {
            state["exp_avg"].shape for state in checkpoint.optimizer["state"].values()
        }


def test_evaluation_and_prediction_use_the_kernels_of_the_checkpoint(run, packed):
    network, config = trained_network(run)
    assert isinstance(network.network, HearingNetwork) and config.cqt.trainable
    config = small_config(packed, "eval.split=valid")
    answers = eval.evaluate(str(run), config, ("synthetic",), Accelerator(cpu=True))
    progress = load_checkpoint(run / "checkpoints/best.safetensors").state["progress"]
    assert answers.song_score.weighted == pytest.approx(max(progress["scores"]), abs=1e-4)
    detector = Detector(run / "checkpoints/best.onnx")
    waveform = (32767 * noise(seconds=4.0)).short()
    with torch.no_grad():
        expected = network(waveform).softmax(dim=1).mean(dim=0)
    estimate = detector.estimate(waveform.flatten().numpy(), 11025)
    torch.testing.assert_close(torch.tensor(estimate.probabilities), expected)


@pytest.mark.slow
def test_two_processes_train_the_kernels_together_in_bf16(packed, tmp_path):
    place = [f'train.runs_dir="{tmp_path}"', "model.name=allconv", "model.num_feature_maps=2"]
    done = run_program(
        *torchrun(2), "train.py", *settings(packed, *TRAINABLE, *place),
        ACCELERATE_USE_CPU="true", ACCELERATE_MIXED_PRECISION="bf16",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("*/checkpoints/last.safetensors")
    trained = load_checkpoint(file).model["log_cqt.transform.cqt_kernels_real"]
    change = trained - both()[1].transform.cqt_kernels_real.detach()
    assert trained.dtype == torch.float32 and 0 < change.abs().max() < 0.1


def test_ready_spectrograms_are_refused(packed, run, called):
    config = small_config(packed, "cqt.trainable=true", "stream.format=png")
    with pytest.raises(
        ConfigError, match="cqt.trainable = true needs sound, but stream.format = p"
    ):
        shards_of(config, config, ("synthetic",), "train")
    png = settings(packed, "cqt.trainable=true", "stream.format=png")
    done = called(train.main, *png)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    arguments = ["--checkpoint", run, *settings(packed, "stream.format=png")]
    assert "set stream.format=audio" in called(eval.main, *arguments).stderr
