"""Laws of the examples in other languages: for the same samples they answer as Python does."""

import json
import shutil
import subprocess
import sysconfig
import tarfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ROOT

from songkey.detector import Detector
from songkey.networkfile import METADATA_NAME
from songs import synthetic

DEFAULT = ROOT / "songkey/weights/default.onnx"
LIBRARIES = Path(sysconfig.get_paths()["purelib"])
EXAMPLES = ROOT / "examples"
# Of what npm, PyPI and Debian 12 have, the one package with the headers of onnxruntime's C++ API.
HEADERS = "com.github.asus4.onnxruntime@0.4.9"
UNREACHABLE = (  # how npm says that it reaches no registry
    "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH",
    "ETIMEDOUT", "ERR_SOCKET_TIMEOUT",
)  # fmt: skip


def npm(folder: Path, *words: str) -> None:
    """Run npm in a folder; the test is skipped where there is no npm or no registry."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    done = subprocess.run(
        ["npm", *words, "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
        cwd=folder, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    if any(reason in done.stderr for reason in UNREACHABLE):
        pytest.skip("npm reaches no registry")
    assert done.returncode == 0, done.stderr


def compiled(folder: Path) -> list[str]:
    """The C++ example, with the library that Python's own onnxruntime brings."""
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed")
    library = next((LIBRARIES / "onnxruntime/capi").glob("libonnxruntime.so.*"), None)
    if library is None:
        pytest.skip("this onnxruntime brings no library to link with")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(library)
    npm(folder, "pack", HEADERS)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for member in archive:
            if "/ios-arm64/" in member.name and "/Headers/" in member.name:
                member.name = Path(member.name).name
                archive.extract(member, folder / "include", filter="data")
    subprocess.run(
        ["g++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", EXAMPLES / "cpp/key.cpp",
         "-o", folder / "key", "-isystem", folder / "include",
         "-isystem", LIBRARIES / "nlohmann_json/include",
         "-L", folder, "-lonnxruntime", f"-Wl,-rpath,{folder}"],
        check=True, timeout=600,
    )  # fmt: skip
    return [str(folder / "key")]


def installed(folder: Path) -> list[str]:
    """The JavaScript example, with what its package-lock.json names."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    shutil.copytree(EXAMPLES / "javascript", folder, dirs_exist_ok=True)
    npm(folder, "ci")
    return ["node", str(folder / "main.mjs")]


@pytest.fixture(scope="module", params=[compiled, installed], ids=["cpp", "javascript"])
def answer(request, tmp_path_factory):
    """Runs an example on a network and the samples of songs."""
    folder = tmp_path_factory.mktemp("example")
    program = request.param(folder)

    def run(network: Path, *songs: np.ndarray) -> subprocess.CompletedProcess:
        files = [folder / f"{number}.f32" for number in range(len(songs))]
        for file, samples in zip(files, songs, strict=True):
            samples.astype("<f4").tofile(file)
        words = [*program, str(network), *map(str, files)]
        return subprocess.run(words, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> list[Path]:
    """The default network; one whose energy alone says what is clear; one of an older file."""
    folder = tmp_path_factory.mktemp("networks")
    older = {
        "temperature": 1.5, "opening_share": 0.2, "song_temperature": 0.7, "clear_threshold": 0.4,
        "minor_prior": 0.8,
    }  # fmt: skip
    energy = {**older, "clear_threshold": 0.0, "clear_energy": 2.5}
    return [DEFAULT, *(with_rule(folder / f"{len(rule)}.onnx", rule) for rule in (older, energy))]


def with_rule(path: Path, rule: dict[str, float]) -> Path:
    """The default network in a file of its own, with another rule for its answers."""
    model = onnx.load(DEFAULT)
    (described,) = (prop for prop in model.metadata_props if prop.key == METADATA_NAME)
    described.value = json.dumps(json.loads(described.value) | {"answer": rule})
    onnx.save(model, path)
    return path


def songs(rate: int, interval: int) -> dict[str, np.ndarray]:
    """Samples of all sorts, (S,), for intervals of so many samples."""
    rng = np.random.default_rng(0)
    song, other = (
        synthetic.render(one.audio_path, rate).astype(np.float32)
        for one in synthetic.songs(2, 3.6 * interval / rate, seed=5)
    )
    quiet = np.full(interval, 3 / 32768, np.float32)
    return {
        "a song whose last piece is filled up": song,
        "louder than full scale": 4 * other,
        "with a last piece that is dropped": song[: round(3.4 * interval)],
        "shorter than half an interval": song[: interval // 3],
        "behind an interval that is silent to the last step": np.concatenate([quiet, song]),
        "between two steps of 16 bit": (rng.integers(-9, 9, interval) + 0.5) / 32768,
        "noise": rng.normal(0, 0.1, 2 * interval),
    }


@pytest.mark.slow
def test_the_answer_is_that_of_python(answer, networks):
    for network in networks:
        detector = Detector(network)
        rate, interval = detector.info.sample_rate, detector.info.interval_samples
        samples = songs(rate, interval)
        done = answer(network, *samples.values())
        assert done.returncode == 0, done.stderr
        said = set()
        for name, line in zip(samples, done.stdout.splitlines(), strict=True):
            found, expected = json.loads(line), detector.estimate(samples[name], rate)
            assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-4), name
            assert found["confidence"] == pytest.approx(expected.confidence, abs=1e-4)
            assert (found["key"], found["clear"]) == (str(expected.key), expected.is_clear), name
            said.add((found["key"], found["clear"]))
        assert len({key for key, _ in said}) > 2 and len({clear for _, clear in said}) == 2


@pytest.mark.slow
def test_what_has_no_answer_ends_with_the_reason(answer, tmp_path):
    silence = np.full(50_000, 3 / 32768)
    for network, samples, reason in (
        (DEFAULT, silence, "silent: nothing in it is louder than -80 dB"),
        (DEFAULT, np.append(silence, np.nan), "NaN or infinite samples"),
        (tmp_path / "gone.onnx", silence, "gone.onnx"),
    ):
        done = answer(network, samples)
        assert done.returncode == 1 and reason in done.stderr and not done.stdout


def test_the_examples_need_no_registry_by_name():
    locked = json.loads((EXAMPLES / "javascript/package-lock.json").read_text("utf-8"))["packages"]
    assert not [name for name, package in locked.items() if "resolved" in package]
    assert all(package.get("integrity") for name, package in locked.items() if name)
