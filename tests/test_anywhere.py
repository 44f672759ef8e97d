"""Laws of other systems: songkey answers without what they lack, on any console, in any locale."""

import csv
import io
import json
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from mutagen.flac import FLAC
from served import served

import songkey as package
from songkey.detector import Detector

PROBE = """
import os
def fork(): os.fork
def kill(): import signal; signal.SIGKILL
def pread(): from os import pread
def lock(): import fcntl
def process(): open("/proc/self/statm")
def text(): os.fsdecode(b"\\xe9")
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> dict[str, str]:
    """The environment in which Python is one as on Windows or macOS."""
    folder = tmp_path_factory.mktemp("plain")
    shutil.copy(ROOT / "tests/plain_python.py", folder / "sitecustomize.py")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def run(*words: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess:
    """Python from a folder that is not ours; what it prints is bytes."""
    return subprocess.run(
        [sys.executable, *map(str, words)], input=stdin, capture_output=True, timeout=300,
        cwd=os.path.expanduser("~"),
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


def test_what_is_hidden_is_hidden_from_songkey_alone(plain, tmp_path):
    program = (
        "import runpy, sys\n"
        "for name, tried in runpy.run_path(sys.argv[1]).items():\n"
        "    try: callable(tried) and print(name, tried())\n"
        "    except Exception as error: print(name, type(error).__name__)\n"
    )
    said = {}
    for folder in ("songkey", "elsewhere"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "probe.py").write_text(PROBE)
        done = run("-c", program, tmp_path / folder / "probe.py", **plain)
        said[folder] = done.stdout.decode().splitlines()
    assert said["songkey"] == [
        "fork AttributeError", "kill AttributeError", "pread ImportError",
        "lock ModuleNotFoundError", "process FileNotFoundError", "text UnicodeDecodeError",
    ]  # fmt: skip
    nothing = [f"{name} None" for name in ("fork", "kill", "pread", "process", "text")]
    assert said["elsewhere"] == [*nothing[:3], "lock ModuleNotFoundError", *nothing[3:]]


def test_every_file_of_songkey_loads_without_what_other_systems_lack(plain):
    names = [one.name for one in pkgutil.walk_packages(package.__path__, "songkey.")]
    assert "songkey.decode" in names and "songkey.tagging" in names
    program = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    loaded = [name for name in names if not name.endswith("__main__")]
    assert run("-c", program, *loaded, **plain).stderr == b""


def test_the_command_answers_the_same_without_what_other_systems_lack(
    plain, network, music, tmp_path
):
    for folder in ("here", "there"):
        shutil.copytree(music, tmp_path / folder / "music")
        words = ["-m", "songkey", tmp_path / folder / "music", "--model", network, "--workers", 2]
        words += ["--resume", tmp_path / folder / "answers", "--write-tags", "--timeline", "--json"]
        environment = plain if folder == "there" else {}
        done = run(*words, **environment)
        assert (done.returncode, done.stderr) == (0, b"")
        (tmp_path / folder / "said").write_bytes(done.stdout.replace(folder.encode(), b""))
    here, there = ((tmp_path / folder / "said").read_bytes() for folder in ("here", "there"))
    assert here == there and len(json.loads(here)) == len(list(music.rglob("*.*")))
    assert {one["tag_state"] for one in json.loads(there)} == {"written"}
    for path in (tmp_path / "there").rglob("*.flac"):
        assert FLAC(path).tags["INITIALKEY"]


def test_the_page_answers_without_what_other_systems_lack(plain, music, tmp_path, monkeypatch):
    for name, value in plain.items():
        monkeypatch.setenv(name, value)
    with served(tmp_path) as page:
        song = (music / "00.flac").read_bytes()
        answer = httpx.post(f"{page.address}song", content=song, timeout=120).raise_for_status()
    assert answer.json()["key"] == str(Detector().estimate(music / "00.flac").key)


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_no_line_of_songkey_names_what_a_system_lacks(platform, tmp_path):
    words = ["-m", "mypy", "--platform", platform, "--no-warn-unused-ignores", "--cache-dir"]
    done = subprocess.run(
        [sys.executable, *words, str(tmp_path), "songkey"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


CONSOLES = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "cp932": {"PYTHONIOENCODING": "cp932"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
NAME = "Ünder the sea 白鳥 🎵"


@pytest.fixture(scope="module")
def named(music, tmp_path_factory) -> Path:
    """A file whose name and folder no console but one of UTF-8 can print."""
    path = tmp_path_factory.mktemp("Crème") / f"{NAME}.flac"
    shutil.copy(music / "00.flac", path)
    return path


@pytest.mark.parametrize("console", CONSOLES)
def test_a_console_that_cannot_print_a_name_shows_it_all_the_same(network, named, console):
    gone = named.with_name("gone é 白.wav")
    done = run("-m", "songkey", "--model", network, named, gone, **CONSOLES[console])
    encoding = "ascii" if console == "C" else console
    _, line = done.stdout.decode(encoding).splitlines()
    assert line.endswith(str(named).encode(encoding, "backslashreplace").decode(encoding))
    said, _ = done.stderr.decode(encoding).splitlines()
    name = str(gone).encode(encoding, "backslashreplace").decode(encoding)
    assert said == f"no key: {name}: file not found: check the path"


@pytest.mark.parametrize("form", ["--json", "--jsonl"])
@pytest.mark.parametrize("console", CONSOLES)
def test_json_holds_every_name_whatever_the_console(network, named, console, form):
    done = run("-m", "songkey", "--model", network, named, form, **CONSOLES[console])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.decode("utf-8"))
    assert (found[0] if form == "--json" else found)["path"] == str(named)


@pytest.mark.parametrize("console", CONSOLES)
def test_files_that_are_written_are_in_utf_8_whatever_the_console(
    network, named, console, tmp_path
):
    words = ["--csv", tmp_path / "é.csv", "--resume", tmp_path / "é.answers"]
    words += ["--timeline-picture", tmp_path / "é.png"]
    for _ in range(2):  # the second time from what was kept
        done = run("-m", "songkey", "--model", network, named, *words, **CONSOLES[console])
        assert (done.returncode, done.stderr) == (0, b"")
        (row,) = csv.DictReader(io.StringIO((tmp_path / "é.csv").read_text("utf-8")))
        assert row["path"] == str(named)
    assert (tmp_path / "é.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_list_on_stdin_may_be_as_windows_writes_it(network, named, encoding, plain):
    mark = "\ufeff" if encoding.startswith("utf-16-") else ""
    listed = f"{mark}{named}\r\n".encode(encoding)
    done = run("-m", "songkey", "--model", network, "-", "--json", stdin=listed, **plain)
    assert [one["path"] for one in json.loads(done.stdout)] == [str(named)], done.stderr


def test_a_listed_path_in_another_encoding_is_named_and_the_others_answered(network, named, plain):
    listed = b"caf\xe9.mp3\n" + os.fsencode(named)
    done = run("-m", "songkey", "--model", network, "-", "--json", stdin=listed, **plain)
    assert [one["path"] for one in json.loads(done.stdout)] == [str(named)]
    assert done.stderr.decode().splitlines() == [
        "no key: caf\\xe9.mp3: not in UTF-8, as paths on stdin have to be: save the list anew",
        "error: 1 file could not be used, see above",
    ]


def test_long_paths_and_names_with_backslashes_come_back_as_they_are(network, music, tmp_path):
    deep = tmp_path.joinpath(*["long " * 40] * 6)
    deep.mkdir(parents=True)
    path = deep / ("C:\\Music\\" + 200 * "n" + ".flac")
    shutil.copy(music / "00.flac", path)
    done = run("-m", "songkey", "--model", network, path, "--json", "--write-tags")
    (found,) = json.loads(done.stdout)
    assert (found["path"], found["tag_state"]) == (str(path), "written") and len(str(path)) > 1400


def test_numbers_keep_their_points_where_a_comma_is_the_rule(network, named, tmp_path):
    if not shutil.which("localedef"):
        pytest.skip("localedef is not installed")
    made = subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"])
    if made.returncode:
        pytest.skip("this system has no German locale to make")
    program = (
        "import locale, sys\n"
        "locale.setlocale(locale.LC_ALL, '')\n"
        "assert locale.localeconv()['decimal_point'] == ','\n"
        "from songkey.cli import main; main()"
    )
    comma = {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}
    for form in (["--json"], ["--csv", "-"], ["--tuning"], ["--timeline", "--jsonl"]):
        words = ["--model", network, named, *form]
        there, here = run("-c", program, *words, **comma), run("-m", "songkey", *words)
        assert there.returncode == 0, there.stderr
        assert there.stdout == here.stdout and there.stdout.count(b".") > 2
