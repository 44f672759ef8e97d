"""Laws of one optimizer step: parts of a batch, averages, precision, compilation."""

import shutil

import pytest
import torch
from accelerate.state import AcceleratorState, PartialState
from conftest import small_config
from torch import Tensor, nn
from torch._inductor import config as inductor

from evaluation.listener import front_end_of, shards_of
from model.average import moving_average
from model.checkpoint import load_checkpoint, save_checkpoint
from model.loss import KeyLoss, key_targets
from pipeline.sample import Batch
from training.finite import NotFiniteError, means
from training.learner import Learner, LearnerError, accelerator_of

PLAIN = (
    "augment.transpose_semitones=0", "augment.frequency_mask_bins=0", "augment.time_mask_frames=0",
    "augment.tilt_db_per_octave=0.0", "train.warmup_fraction=0.0",
)  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_accelerate():
    """Accelerate keeps one precision for a process; here each test has its own."""
    AcceleratorState._reset_state()
    yield
    AcceleratorState._reset_state()


class Probe(nn.Module):
    """A network without batch norm that keeps the type its weights were used in."""

    def __init__(self):
        super().__init__()
        self.key = nn.Linear(120, 24)
        self.computed_in: torch.dtype | None = None

    def forward(self, cqt: Tensor) -> Tensor:
        logits = self.key(cqt.mean(dim=2))  # (B, 24)
        self.computed_in = logits.dtype
        return logits


def learner(tmp_path, *overrides: str, network: nn.Module | None = None) -> Learner:
    config = small_config(tmp_path, *PLAIN, *overrides)
    torch.manual_seed(0)
    network = network or Probe()
    accelerator = accelerator_of(config.train.mixed_precision)
    loss = KeyLoss(key_targets("cross_entropy", True, 0.0), torch.ones(100))
    made = Learner(network, front_end_of(config), loss, config.train, 100, accelerator)
    made.train()
    return made


def batch(seed: int = 0) -> Batch:
    """Eight intervals of noise whose loudness falls differently over the spectrum."""
    random = torch.Generator().manual_seed(seed)
    waveform = torch.randn(8, 44100, generator=random) * 3000
    waveform = waveform.cumsum(dim=1) * 0.01 + waveform * torch.rand(8, 1, generator=random)
    key_id = torch.randint(24, (8,), generator=random)
    valid = torch.ones(8, dtype=torch.bool)
    return Batch(waveform.to(torch.int16), None, key_id, torch.arange(8), valid)


def weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_a_step_read_in_parts_has_the_gradient_of_the_whole(tmp_path):
    gradients, losses = [], []
    for parts in (1, 2, 8):
        made = learner(tmp_path, f"train.accumulation={parts}")
        result = made.step(batch())
        network = made.saved()["model"]
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
        losses.append(result.loss)
        assert result.song_index.tolist() == list(range(8))
    for gradient, loss in zip(gradients[1:], losses[1:], strict=True):
        torch.testing.assert_close(gradient, gradients[0])
        torch.testing.assert_close(loss, losses[0])


def test_parts_that_are_not_equal_are_refused(tmp_path):
    with pytest.raises(LearnerError, match="train.accumulation = 3: .* 8 intervals .* a divisor"):
        learner(tmp_path, "train.accumulation=3")


def test_the_gradient_norm_is_that_before_clipping(tmp_path):
    made = learner(tmp_path, "train.clip_norm=0.001")
    result = made.step(batch())
    left = torch.cat([p.grad.flatten() for p in made.saved()["model"].parameters()]).norm()
    assert left == pytest.approx(0.001, rel=1e-3) and result.gradient_norm > 0.01


def test_the_average_has_its_closed_form():
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = moving_average(network, 0.9)
    history = []
    for step in range(5):
        for tensor in (*network.parameters(), network[1].running_mean):
            tensor.data.fill_(float(step**2))
        average.update_parameters(network)
        history.append(float(step**2))
    expected = 0.9**4 * history[0] + sum(
        0.1 * 0.9 ** (4 - step) * history[step] for step in range(1, 5)
    )
    for tensor in (*average.module.parameters(), average.module[1].running_mean):
        torch.testing.assert_close(tensor.detach(), torch.full_like(tensor, expected))


def test_an_average_that_keeps_nothing_is_the_network():
    network = nn.Linear(3, 2)
    average = moving_average(network, 0.0)
    for _ in range(3):
        nn.init.normal_(network.weight)
        average.update_parameters(network)
        torch.testing.assert_close(average.module.weight, network.weight)


def test_averaging_leaves_training_as_it_is_and_answers_by_the_average(tmp_path):
    plain, averaging = learner(tmp_path), learner(tmp_path, "train.ema_decay=0.9")
    for seed in range(4):
        for made in (plain, averaging):
            made.step(batch(seed))
    saved = averaging.saved()
    assert torch.equal(weights(saved["trained"]), weights(plain.saved()["model"]))
    assert plain.saved()["trained"] is None
    assert not torch.equal(weights(saved["model"]), weights(saved["trained"]))
    assert torch.equal(weights(averaging.answering()), weights(saved["model"]))


@pytest.mark.parametrize("overrides", [(), ("train.ema_decay=0.9",), ("train.schedule=plateau",)])
def test_what_is_restored_goes_on_as_if_it_had_not_stopped(tmp_path, overrides):
    whole, half = learner(tmp_path, *overrides), learner(tmp_path, *overrides)
    for seed in range(6):
        whole.step(batch(seed))
    for seed in range(3):
        half.step(batch(seed))
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, config={}, state=half.state(), **half.saved())
    resumed = learner(tmp_path, *overrides, network=Probe())
    resumed.go_on_from(load_checkpoint(path), 3)
    for seed in range(3, 6):
        resumed.step(batch(seed))
    assert torch.equal(weights(resumed.saved()["model"]), weights(whole.saved()["model"]))


def test_bf16_computes_in_bf16_and_keeps_float32_weights_and_logits(tmp_path):
    network = Probe()
    made = learner(tmp_path, "train.mixed_precision=bf16", network=network)
    result = made.step(batch())
    assert network.computed_in == torch.bfloat16
    assert (network.key.weight.dtype, result.loss.dtype) == (torch.float32, torch.float32)


def test_auto_is_what_the_launcher_says(tmp_path, monkeypatch):
    PartialState._reset_state()
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    assert accelerator_of("auto").mixed_precision == "bf16"


def test_a_launcher_that_accumulates_does_not_divide_our_losses(monkeypatch):
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4")
    assert accelerator_of("auto").gradient_accumulation_steps == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_fp16_without_a_gpu_is_refused():
    with pytest.raises(LearnerError, match="fp16 needs a GPU, this is a cpu; set train.mixed_prec"):
        accelerator_of("fp16")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_fp16_keeps_its_loss_scale_in_the_checkpoint(tmp_path):
    made = learner(tmp_path, "train.mixed_precision=fp16")
    scale = made.state()["scaler"]["scale"]
    save_checkpoint(
        tmp_path / "a.safetensors", config={},
        state={"scaler": made.state()["scaler"] | {"scale": scale / 4}}, **made.saved(),
    )  # fmt: skip
    resumed = learner(tmp_path, "train.mixed_precision=fp16")
    resumed.go_on_from(load_checkpoint(tmp_path / "a.safetensors"), 0)
    assert resumed.state()["scaler"]["scale"] == scale / 4


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="needs a C++ compiler")
@inductor.patch(cpp_cache_precompile_headers=False, compile_threads=1)  # quick for one kernel
def test_a_compiled_network_takes_the_same_step(tmp_path):
    plain, compiled = learner(tmp_path), learner(tmp_path, "train.compile=true")
    for made in (plain, compiled):
        made.step(batch())
    torch.testing.assert_close(
        weights(compiled.saved()["model"]), weights(plain.saved()["model"]), rtol=1e-3, atol=1e-4
    )
    names = compiled.saved()["model"].state_dict().keys()
    assert names == plain.saved()["model"].state_dict().keys()


@inductor.patch({"cpp.cxx": ("nowhere-c++",), "force_disable_caches": True})
def test_a_compiler_that_is_not_there_is_named_in_one_line(tmp_path):
    torch.compiler.reset()
    network = nn.Sequential(Probe(), nn.Tanh())  # of its own: a kernel that is there is taken
    made = learner(tmp_path, "train.compile=true", network=network)
    with pytest.raises(LearnerError, match="torch.compile failed .*set train.compile=false"):
        made.step(batch())


def test_a_loss_that_is_not_finite_names_the_first_bad_step_and_its_songs(tmp_path, packed):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "train")
    made = learner(tmp_path)
    results = [made.step(batch(seed)._replace(song_index=torch.tensor([seed]))) for seed in (0, 1)]
    assert means(results, 12, made._accelerator, shards, saved=True)[0] == pytest.approx(
        float(results[0].loss + results[1].loss) / 2
    )
    made.saved()["model"].key.bias.data[0] = torch.inf
    results += [made.step(batch(seed)._replace(song_index=torch.tensor([seed]))) for seed in (2, 3)]
    song = shards.song_table().song_id(2)
    for saved, way_out in ((True, "--resume with a lower"), (False, "begin anew with a lower")):
        message = f"since step 13, of songs synthetic/{song}; {way_out} train"
        with pytest.raises(NotFiniteError, match=message):
            means(results, 14, made._accelerator, shards, saved)
