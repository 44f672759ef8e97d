"""Laws of what is installed: songkey alone, without PyTorch, in anybody's project."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import ROOT

from model.run_folder import resolve

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
IMPORTED_AS = {"beautifulsoup4": "bs4", "pillow": "PIL", "pre-commit": "pre_commit"}
HEAVY = ("torch", "functorch", "nnAudio", "accelerate", "scipy", "pydantic", "optuna")
PROGRAMS = {"train": "train.py", "prepare": "-m shards", "sweep": "-m study"}


def requirements(*extras: str) -> set[str]:
    """What these extras bring, by the names that Python imports."""
    found = set(PROJECT["dependencies"])
    for extra in extras:
        for name in EXTRAS[extra]:
            inner = name.removeprefix("audio-key-classification[").removesuffix("]")
            found |= requirements(*inner.split(",")) if inner != name else {name.partition("[")[0]}
    return {IMPORTED_AS.get(name, name) for name in found}


def third_party(folder: str) -> set[str]:
    """What the files of a folder import that is neither Python's nor ours."""
    ours = {path.name.removesuffix(".py") for path in ROOT.iterdir()}
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names - ours - sys.stdlib_module_names


@pytest.mark.parametrize(
    "folders, extras",
    [
        (["songkey"], ["tags", "pictures", "page"]),
        (["settings", "storage", "pipeline", "model", "training", "evaluation"], ["train"]),
        (["songs", "synthesis"], ["prepare"]),
        (["shards"], ["cluster"]),
        (["study"], ["sweep", "prepare"]),
    ],
)
def test_an_extra_brings_what_its_folders_import(folders, extras):
    missing = set.union(*map(third_party, folders)) - requirements(*extras)
    assert missing <= {"sqlalchemy"}  # Optuna's own


def test_all_that_an_extra_names_has_an_exact_version():
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.txt").read_text().split()
    }
    named = {name.partition("[")[0] for names in EXTRAS.values() for name in names}
    named |= set(PROJECT["dependencies"])
    assert {name.lower().replace("_", "-") for name in named} - pinned == {PROJECT["name"]}


def python(*words: str, cwd: Path = ROOT, path: Path | str = "") -> subprocess.CompletedProcess:
    """Python without site-packages, but for what lies in `path`."""
    return subprocess.run(
        [sys.executable, "-S", *words], cwd=cwd, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(path)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, trained) -> Path:
    """A folder to import from: songkey with a network, all libraries but those of training."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(ROOT / "songkey", folder / "songkey")
    weights = folder / "songkey/weights"
    weights.mkdir(exist_ok=True)
    shutil.copy(resolve(trained).with_suffix(".onnx"), weights / "default.onnx")
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not entry.name.startswith(HEAVY):
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Path:
    """Somebody's project, whose modules have the names of ours."""
    folder = tmp_path_factory.mktemp("host")
    for name in ("config", "settings", "keys", "files", "audio", "model", "errors", "decode"):
        (folder / f"{name}.py").write_text("raise SystemExit('the host's own module')\n")
    time = np.arange(5 * 44_100) / 44_100
    soundfile.write(folder / "a.wav", 0.1 * np.sin(2 * np.pi * 440 * time), 44_100)
    return folder


def test_songkey_answers_in_a_project_with_modules_of_our_names(elsewhere, host):
    program = (
        "import songkey, soundfile\n"
        "one = songkey.estimate_key('a.wav')\n"
        "assert one == songkey.estimate_key(*soundfile.read('a.wav'))\n"
        "assert one == songkey.Detector().estimate('a.wav')\n"
        "print(one.key)"
    )
    done = python("-c", program, cwd=host, path=elsewhere)
    assert done.returncode == 0, done.stderr
    answered = python("-m", "songkey", "a.wav", cwd=host, path=elsewhere)
    assert answered.stdout.splitlines()[1].startswith(done.stdout.strip()), answered.stderr


def test_importing_songkey_loads_nothing_large():
    program = "import sys, songkey; print(*sys.modules); songkey.Key, songkey.AudioKeyError"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "songkey" in loaded and not loaded & {"torch", "numpy", "onnxruntime", "av"}, done.stderr
    done = subprocess.run(
        [sys.executable, "-c", "import songkey; songkey.detecter"], cwd=ROOT, capture_output=True
    )
    assert b"AttributeError: module 'songkey' has no attribute 'detecter'" in done.stderr


def test_onnxruntime_reports_to_nobody(elsewhere, host, tmp_path):
    """One that does keeps a file in the temporary folder, from the moment it is loaded."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(elsewhere)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    program = "import songkey; songkey.estimate_key('a.wav')"
    command = [sys.executable, "-S", "-c", program]
    subprocess.run(command, cwd=host, env=environment, timeout=120, check=True)
    assert not list(tmp_path.iterdir())


def test_the_command_line_exits_1_when_a_file_has_no_key(elsewhere, host):
    done = python("-m", "songkey", "gone.wav", "a.wav", "--json", cwd=host, path=elsewhere)
    assert done.returncode == 1 and '"key": ' in done.stdout
    assert done.stderr.splitlines() == [
        "no key: gone.wav: file not found: check the path",
        "error: 1 file could not be used, see above",
    ]
    done = python("-m", "songkey", "a.wav", "--model", "a.wav", cwd=host, path=elsewhere)
    assert done.returncode == 1 and done.stderr.startswith("error: a.wav: not an ONNX file")
    done = python("-m", "songkey", "a.wav", "--model", "gone.onnx", cwd=host, path=elsewhere)
    assert done.returncode == 1 and "No such file or directory: 'gone.onnx'" in done.stderr


# What Windows lacks: modules, and names in modules that it has.
POSIX_MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios")
POSIX_NAMES = (
    "os.fork", "os.chown", "os.sched_getaffinity", "os.pread", "os.memfd_create", "os.getuid",
    "signal.SIGHUP", "signal.SIGPIPE", "signal.alarm", "signal.pthread_sigmask",
)  # fmt: skip


def test_songkey_uses_nothing_that_windows_lacks(elsewhere, host):
    program = (
        "import os, signal, sys\n"
        f"for name in {POSIX_MODULES}: sys.modules[name] = None\n"
        f"for place, _, name in (one.partition('.') for one in {POSIX_NAMES}):\n"
        "    delattr(sys.modules[place], name)\n"
        "from songkey.cli import main\n"
        "main()"
    )
    shutil.copy(host / "a.wav", host / "tagged.wav")
    words = ["tagged.wav", "--write-tags", "--timeline", "--resume", "kept", "--tuning"]
    done = python("-c", program, *words, cwd=host, path=elsewhere)
    assert done.returncode == 0 and len(done.stdout.splitlines()) >= 2, done.stderr


@pytest.mark.parametrize(
    "library, words, extra",
    [
        ("mutagen", ["--write-tags"], "tags"),
        ("PIL", ["--timeline-picture", "a.png"], "pictures"),
        ("tqdm", [], None),
    ],
)
def test_what_is_not_installed_is_missed_only_where_it_is_asked_for(
    elsewhere, host, library, words, extra
):
    program = f"import sys; sys.modules[{library!r}] = None; from songkey.cli import main; main()"
    assert python("-c", program, "a.wav", cwd=host, path=elsewhere).returncode == 0
    done = python("-c", program, "a.wav", *words, cwd=host, path=elsewhere)
    expected = f"error: this needs `pip install .[{extra}]` ({library} is missing)\n"
    assert (done.returncode, done.stderr) == ((1, expected) if extra else (0, ""))


def test_a_songkey_without_weights_says_what_to_do(elsewhere, host, tmp_path):
    shutil.copytree(elsewhere / "songkey", tmp_path / "songkey")
    (tmp_path / "songkey/weights/default.onnx").unlink()
    done = python("-m", "songkey", "a.wav", cwd=host, path=f"{tmp_path}:{elsewhere}")
    assert done.stderr == (
        "error: this songkey comes without a network: give one by --model FILE\n"
    )


@pytest.mark.parametrize("extra", PROGRAMS)
def test_a_program_whose_extra_is_not_installed_names_it(extra):
    done = python(*PROGRAMS[extra].split())
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: this needs `pip install .[{extra}]` (")


def test_predict_answers_without_the_training_libraries_until_a_checkpoint_is_named(
    elsewhere, host, trained
):
    network = ["--model", str(elsewhere / "songkey/weights/default.onnx")]
    song = str(host / "a.wav")
    done = python("predict.py", song, *network, path=elsewhere)
    assert done.returncode == 0, done.stderr
    done = python("predict.py", song, "--checkpoint", str(trained), path=elsewhere)
    assert done.returncode == 1 and done.stderr.startswith("error: this needs `pip install .[trai")


def test_an_error_that_is_no_missing_library_keeps_its_traceback():
    program = "import settings.extras, settings.gone"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" in done.stderr and "No module named 'settings.gone'" in done.stderr


def test_the_network_that_is_shipped_is_one_of_ours():
    from songkey.networkfile import open_network

    if not (ROOT / "songkey/weights/default.onnx").is_file():
        pytest.skip("no network is shipped yet")
    _, info = open_network(None, threads=1)
    assert info.licence and info.sample_rate >= 8_000
