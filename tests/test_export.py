"""Laws of exported networks: they hear and answer as in training, and no other file is taken."""

import json
import shutil
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import small_config
from torch import nn

import evaluation.export
from evaluation.export import current_export, export, onnx_beside
from evaluation.listener import front_end_of, network_of, trained_network
from model.checkpoint import save_checkpoint, store_temperature
from model.onnx_file import ExportError, onnx_bytes, without_hearing
from model.run_folder import resolve
from pipeline.graph_cqt import GraphCQT
from pipeline.sample import Batch
from settings.sections import Config
from songkey.audio import to_int16
from songkey.detector import Detector
from songkey.errors import AudioKeyError
from songkey.estimate import AnswerRule, estimate_song
from songkey.networkfile import HEARD, METADATA_NAME, NetworkFileError, NetworkInfo
from songs import synthetic
from training.progress import Progress
from training.run_checkpoints import export_best, keep_best

RATE = 11_025
NETWORKS = {
    "keynet": [],
    "allconv": ["model.name=allconv", "model.num_feature_maps=4"],
    "allconv_rnn": ["model.name=allconv_rnn", "model.num_feature_maps=4"],
    "a trainable CQT": ["cqt.trainable=true"],
}


def heard(samples: int) -> np.ndarray:
    """Intervals of all sorts, int16 (B, S)."""
    rng = np.random.default_rng(0)
    song = synthetic.render(synthetic.songs(1, samples / RATE, seed=5)[0].audio_path, RATE)[
        :samples
    ]
    time = np.arange(samples) / RATE
    half = np.where(time < time[-1] / 2, song, 0)
    sounds = [song, half, 0.001 * song, np.sin(2 * np.pi * 440 * time), rng.normal(0, 0.3, samples),
              np.zeros(samples), 10 * song]  # fmt: skip
    return np.stack([to_int16(np.resize(sound, samples)) for sound in sounds])


def lively(network: nn.Module, config: Config) -> nn.Module:
    """With statistics of music, and answers as sure as those of a trained network."""
    waveforms = torch.from_numpy(heard(config.interval_samples))
    front_end = front_end_of(config).eval()
    number = torch.zeros(len(waveforms), dtype=torch.int64)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        cqt, _ = front_end(Batch(waveforms, None, number, number, number == 0))
        network.train()(cqt)
        *_, last = (weights for weights in network.parameters() if weights.ndim > 1)
        last *= 3 / network.eval()(cqt).std(dim=0).mean()
    return network


@pytest.fixture(scope="module", params=NETWORKS)
def exported(request, tmp_path_factory):
    """A checkpoint of each network and the file it was exported to."""
    folder = tmp_path_factory.mktemp("export")
    config = small_config(folder, *NETWORKS[request.param])
    torch.manual_seed(3)
    network = lively(network_of(config), config)
    checkpoint = folder / "mine/checkpoints/best.safetensors"
    save_checkpoint(checkpoint, network, config.model_dump(mode="json"), {})
    return checkpoint, current_export(checkpoint)


@torch.inference_mode()
def test_the_answers_are_those_of_the_checkpoint(exported):
    checkpoint, file = exported
    network, config = trained_network(checkpoint)
    waveforms = heard(config.interval_samples)
    number = torch.zeros(len(waveforms), dtype=torch.int64)
    batch = Batch(torch.from_numpy(waveforms), None, number, number, number == 0)
    expected = network(front_end_of(config).eval()(batch)[0]).softmax(dim=1).numpy()
    assert len(set(expected.argmax(axis=1))) > 1 and np.ptp(expected) > 0.05
    detector = Detector(file)
    for probabilities, waveform in zip(expected, waveforms, strict=True):
        if waveform.any():
            estimate = detector.estimate(waveform, RATE)
            assert estimate.probabilities == pytest.approx(probabilities, abs=1e-4)


def test_any_number_of_intervals_is_computed_at_once(exported):
    detector = Detector(exported[1])
    waveforms = heard(detector.info.interval_samples).astype(np.float32) / 32768
    one_by_one = [detector._session.run(None, {"waveform": one[None]})[0] for one in waveforms]
    together = detector._session.run(None, {"waveform": waveforms})[0]
    np.testing.assert_allclose(together, np.concatenate(one_by_one), atol=1e-5)


def test_the_part_that_answers_can_be_had_alone(exported):
    detector = Detector(exported[1])
    waveforms = heard(detector.info.interval_samples).astype(np.float32) / 32768
    model = onnx.load(exported[1])
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(HEARD))
    whole = onnxruntime.InferenceSession(model.SerializeToString())
    logits, cqt = whole.run(None, {"waveform": waveforms})
    assert cqt.shape[1] == detector.info.cqt["n_bins"] and 0 <= cqt.min() < cqt.max() <= 1
    part = onnxruntime.InferenceSession(without_hearing(exported[1].read_bytes()))
    np.testing.assert_allclose(part.run(None, {HEARD: cqt})[0], logits, atol=1e-4)


def test_a_file_whose_cqt_has_no_name_has_no_such_part():
    named = onnx_bytes(
        nn.Identity(), nn.Linear(10, 24), NetworkInfo("a", 10, 1.0, {}, AnswerRule(), "")
    )
    model = onnx.load_from_string(named)
    for node in model.graph.node:
        node.output[:] = [name.replace(HEARD, "other") for name in node.output]
        node.input[:] = [name.replace(HEARD, "other") for name in node.input]
    with pytest.raises(ExportError, match="no tensor log_cqt in it; export it again"):
        without_hearing(model.SerializeToString())


@pytest.mark.parametrize(
    "changes",
    [
        (), ("cqt.hop_length=512",), ("cqt.hop_length=700", "cqt.margin_semitones=0",
        "augment.transpose_semitones=0"), ("cqt.hop_length=30000", "cqt.range_db=60.0"),
        ("cqt.n_bins=48", "cqt.bins_per_octave=12"),
    ],
)  # fmt: skip
@torch.inference_mode()
def test_the_graph_hears_what_training_hears(tmp_path, changes):
    config = small_config(tmp_path, *changes)
    waveforms = torch.from_numpy(heard(config.interval_samples))
    front_end = front_end_of(config).eval()
    number = torch.zeros(len(waveforms), dtype=torch.int64)
    expected, _ = front_end(Batch(waveforms, None, number, number, number == 0))
    graph = GraphCQT(front_end.log_cqt, config.interval_samples)
    torch.testing.assert_close(graph(waveforms / 32768), expected, atol=2e-5, rtol=0)


def test_a_file_says_what_it_hears_how_it_answers_and_where_it_is_from(exported):
    info = Detector(exported[1]).info
    assert (info.sample_rate, info.interval_seconds) == (RATE, 4.0)
    assert info.cqt["hop_length"] == 2048 and info.answer == AnswerRule()
    assert info.provenance["run"] == "mine" and info.provenance["data"] == "synthetic"
    assert info.name in {"keynet", "allconv", "allconv_rnn"}


def test_the_temperature_makes_the_answer():
    logits = np.random.default_rng(0).normal(size=(3, 24))
    first = estimate_song(logits[:1], AnswerRule(3.0))
    assert first.probabilities == estimate_song(logits[:1] / 3).probabilities
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(AudioKeyError, match="give numbers above 0"):
            AnswerRule(wrong)


@pytest.fixture
def run_folder(trained, tmp_path):
    """A copy of a trained run."""
    return shutil.copytree(trained, tmp_path / "run")


def test_the_end_of_training_exports_the_best(run_folder):
    checkpoint = resolve(run_folder)
    before = onnx_beside(checkpoint).read_bytes()
    assert current_export(checkpoint).read_bytes() == before


def test_a_file_of_an_older_checkpoint_is_written_anew(run_folder):
    checkpoint = resolve(run_folder)
    file = onnx_beside(checkpoint)
    assert Detector(file).info.answer == AnswerRule(1.0)
    store_temperature(checkpoint, 2.5)
    assert Detector(current_export(checkpoint)).info.answer == AnswerRule(2.5)
    file.write_bytes(b"damaged")
    assert Detector(current_export(checkpoint)).info.answer == AnswerRule(2.5)
    file.unlink()
    assert current_export(checkpoint) == file and file.is_file()
    keep_best(run_folder, Progress(epoch=1, scores=(50.0,)), 1)
    assert not file.exists()


def test_a_network_that_onnx_cannot_express_is_named_and_the_run_goes_on(
    run_folder, monkeypatch, caplog
):
    class Sorted(nn.Module):
        def forward(self, waveform):
            return torch.linalg.eigvals(waveform[:, :16].reshape(-1, 4, 4)).real

    monkeypatch.setattr(evaluation.export, "_parts", lambda *_: (nn.Identity(), Sorted()))
    checkpoint = resolve(run_folder)
    onnx_beside(checkpoint).unlink()
    with pytest.raises(ExportError, match="keynet cannot be exported to ONNX: Exporting the oper"):
        export(checkpoint, onnx_beside(checkpoint))
    export_best(run_folder)
    assert "no best.onnx is written: keynet cannot be exported" in caplog.text
    assert not onnx_beside(checkpoint).exists()


def test_the_command_line_gives_another_answer_only_to_another_file(called, run_folder):
    main, checkpoint = evaluation.export.main, resolve(run_folder)
    other = run_folder / "other.onnx"
    answer = ["--temperature", "3", "--opening-share", "0.4", "--song-temperature", "0.7",
              "--clear-threshold", "0.3", "--clear-energy", "2.5"]  # fmt: skip
    for beside in ([], ["--output", onnx_beside(checkpoint)]):
        done = called(main, run_folder, *answer, *beside)
        assert done.returncode == 1 and "needs another --output" in done.stderr
    said = ["--licence", "MIT", "--data", "made-up songs"]
    done = called(main, checkpoint, *answer, *said, "--output", other)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(f"{other}: 3.")
    info = Detector(other).info
    assert (info.answer, info.licence) == (AnswerRule(3.0, 0.4, 0.7, 0.3, 2.5), "MIT")
    assert info.provenance["data"] == "made-up songs"


def described(file, text: str | None) -> bytes:
    """The file with another description, or without one."""
    model = onnx.load(file)
    del model.metadata_props[:]
    if text is not None:
        model.metadata_props.add(key=METADATA_NAME, value=text)
    return model.SerializeToString()


def fields(file, **changes) -> str:
    info = json.loads(Detector(file).info.to_json()) | changes
    return json.dumps({name: value for name, value in info.items() if value is not None})


NOT_ONNX = "not an ONNX file, a damaged one"
DAMAGED = "what it says of itself is damaged; export it again"


@pytest.mark.parametrize(
    "content, message",
    [
        (lambda file: b"", NOT_ONNX),
        (lambda file: b"<html>404</html>", NOT_ONNX),
        (lambda file: file.read_bytes()[:-2000], NOT_ONNX),
        (lambda file: described(file, None), "an ONNX file without our description"),
        (lambda file: described(file, "{"), DAMAGED),
        (lambda file: described(file, "[]"), DAMAGED),
        (lambda file: described(file, fields(file, format=3)), "of a newer version than this song"),
        (lambda file: described(file, fields(file, format=1)), "of an older version; export it"),
        (lambda file: described(file, fields(file, format=None)), DAMAGED),
        (lambda file: described(file, fields(file, cqt=None)), DAMAGED),
        (lambda file: described(file, fields(file, sample_rate="44k")), DAMAGED),
        (lambda file: described(file, fields(file, answer={"temperature": 0})), DAMAGED),
        (lambda file: described(file, fields(file, keys=["A minor"])), "another order of keys"),
        (lambda file: described(file, fields(file, interval_seconds=5.0)), "inputs and outputs ar"),
    ],
)  # fmt: skip
def test_what_is_no_network_of_ours_is_refused(trained, tmp_path, content, message):
    file = tmp_path / "other.onnx"
    file.write_bytes(content(onnx_beside(resolve(trained))))
    with pytest.raises(NetworkFileError, match=f"other.onnx: .*{message}"):
        Detector(file)


def test_a_file_of_before_the_newest_fields_of_its_rule_answers_as_it_did(trained, tmp_path):
    file = tmp_path / "older.onnx"
    older = {"temperature": 2.0, "opening_share": 0.4}
    exported = onnx_beside(resolve(trained))
    file.write_bytes(described(exported, fields(exported, answer=older)))
    assert Detector(file).rule == AnswerRule(2.0, 0.4, 1.0, 0.0, None, 0.5)
    assert Detector(file, minor_prior=0.8).rule == AnswerRule(2.0, 0.4, minor_prior=0.8)


def test_a_network_of_other_inputs_or_outputs_is_refused(tmp_path):
    info = NetworkInfo("other", 1000, 1.0, {}, AnswerRule(), "MIT")
    file = tmp_path / "other.onnx"
    for outputs in (23, 24):
        file.write_bytes(onnx_bytes(nn.Identity(), nn.Linear(1000, outputs), info))
        if outputs == 24:
            Detector(file)
        else:
            with pytest.raises(NetworkFileError, match=r"logits.*\[23\].* instead of .*\[24\]"):
                Detector(file)
    with pytest.raises(FileNotFoundError):
        Detector(tmp_path / "gone.onnx")


def test_exporting_twice_gives_the_same_bytes(trained, tmp_path):
    checkpoint = resolve(trained)
    for name in ("a.onnx", "b.onnx"):
        export(checkpoint, tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    info = Detector(tmp_path / "a.onnx").info
    assert NetworkInfo.from_json(info.to_json(), "") == info != replace(info, licence="mine")
