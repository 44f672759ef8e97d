"""Laws of the recipes that prepare data: typed as README has them, against servers on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import gs_repository
import ncs_site
import pytest
from conftest import ROOT, SMALL, contents, settings
from http_server import Server, serving
from servers import http_server
from test_giantsteps import GS_KEYS, key_repository
from test_gs_mtg import mtg_repository
from test_interrupt import wait_until_gone

JUST = shutil.which("just")
INSTALLED, *SAID = (ROOT / n for n in (".venv/installed-dev", "requirements.txt", "pyproject.toml"))
# Without it each recipe would begin by installing what it needs, from the web.
READY = JUST and INSTALLED.exists()
READY = READY and INSTALLED.stat().st_mtime > max(file.stat().st_mtime for file in SAID)
pytestmark = pytest.mark.skipif(not READY, reason="needs just, and what `just setup` installs")

ALL = ("ncs", "gs_mtg", "gs_key")
MTG_ROWS = {str(n): ("C minor", "2", f"artist {n}", "song", "") for n in range(200, 224)}


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Iterator[list[str]]:
    """The settings that send all downloads to servers here, and name the keys of ncs."""
    labels = tmp_path_factory.mktemp("labels") / "keys.csv"
    labels.write_text("tid,key\n" + "".join(f"{tid},Am\n" for tid in ncs_site.SONGS))
    with ExitStack() as stack:

        def server(files: dict[str, bytes]) -> Server:
            return stack.enter_context(serving(files))

        gs_key, gs_mtg = (
            server(key_repository().served()),
            server(mtg_repository(MTG_ROWS).served()),
        )
        ncs = server({})
        ncs_site.open_site(ncs)
        yield [
            *gs_repository.mirror("gs_key", gs_key),
            *gs_repository.mirror("gs_mtg", gs_mtg),
            *ncs_site.mirror(ncs),
            f'datasets.ncs.labels="{labels}"',
            "download.retries=0",
        ]


def begin(*words: str | Path) -> subprocess.Popen:
    """Type `just` and these words in the project's folder."""
    return subprocess.Popen(
        [JUST, *map(str, words)], cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def run(*words: str | Path) -> subprocess.CompletedProcess:
    running = begin(*words)
    output, errors = running.communicate(timeout=300)
    return subprocess.CompletedProcess(words, running.returncode, output, errors)


def done(*words: str | Path) -> str:
    """What a recipe prints that does what it should."""
    finished = run(*words)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def sets(folder: Path, *overrides: str) -> list[str]:
    """Small and quick, in `folder`; the share of test songs stays as it is."""
    places = [f'prepare.shards_dir="{folder}/shards"', f'download.dir="{folder}/downloads"']
    places.append(f'stream.cache_dir="{folder}/cache"')
    small = [one for one in SMALL if "test_fraction" not in one]
    return [word for one in [*small, *places, *overrides] for word in ("--set", one)]


@pytest.fixture(scope="module")
def prepared(web, tmp_path_factory) -> Path:
    """A folder with what prepare-spectrograms gives, which begins with prepare-audio."""
    folder = tmp_path_factory.mktemp("prepared")
    done("prepare-spectrograms", *sets(folder, *web))
    return folder


def test_one_recipe_downloads_and_packs_all_three_data_sets_and_their_spectrograms(prepared):
    songs = {name: gs_repository.packed_songs(prepared, name) for name in ALL}
    assert songs["gs_key"].keys() == {"test"} and songs["gs_key"]["test"].keys() == GS_KEYS.keys()
    assert songs["gs_mtg"].keys() == {"train", "valid"}
    assert set().union(*songs["gs_mtg"].values()) == MTG_ROWS.keys()
    assert set().union(*songs["ncs"].values()) == ncs_site.SONGS.keys()
    splits = 2 * sum(map(len, songs.values()))
    assert done("check-shards", *sets(prepared)) == f"{splits} splits checked, all whole\n"


def test_the_recipe_of_one_data_set_gives_the_same_shards(prepared, web, tmp_path):
    done("prepare-gs-mtg-audio", *sets(tmp_path, *web))  # the other two's are begun in the same way
    assert [path.name for path in (tmp_path / "shards/audio").iterdir()] == ["gs_mtg"]
    alone = contents(tmp_path / "shards/audio/gs_mtg")
    assert alone == contents(prepared / "shards/audio/gs_mtg")


def test_spectrograms_are_made_of_audio_shards_or_packed_of_what_is_downloaded(
    prepared, web, tmp_path
):
    of_shards, of_songs = tmp_path / "of shards", tmp_path / "of songs"
    shutil.copytree(prepared / "shards/audio/gs_key", of_shards / "shards/audio/gs_key")
    done("create-spectrograms", "gs_key", *sets(of_shards))
    there = f'download.dir="{prepared}/downloads"'
    done("prepare-shards", "png", "gs_key", "ncs", *sets(of_songs, *web, there))
    for dataset, folder in (("gs_key", of_shards), ("gs_key", of_songs), ("ncs", of_songs)):
        made = contents(folder / "shards/png" / dataset)
        expected = contents(prepared / "shards/png" / dataset)
        for files in (made, expected):  # packing lists what was left out, too
            files.pop("left_out.tsv", None)
        assert made == expected


def test_what_is_published_is_what_is_downloaded_ready_made(prepared, tmp_path):
    printed = done("publish-images", tmp_path / "my web", *ALL, *sets(prepared))
    assert printed.count("published ") == printed.count(" of png: ") == 3
    with http_server(tmp_path / "my web") as url:
        done("prepare-images", *ALL, *sets(tmp_path, f"images.base_url={url}"))
    assert contents(tmp_path / "shards") == contents(tmp_path / "my web")


def test_parts_are_merged_to_the_shards_of_one_run(prepared, web, tmp_path):
    place = sets(tmp_path, *web, f'download.dir="{prepared}/downloads"')
    both = ("audio", "gs_key", "ncs")
    done("prepare-shards", *both, "--part", "1/2", *place)
    done("prepare-shards", *both, "--part", "2/2", *place)
    done("merge-shards", *both, *place)
    for dataset in both[1:]:
        merged = contents(tmp_path / "shards/audio" / dataset)
        assert merged == contents(prepared / "shards/audio" / dataset)


def test_a_download_that_fails_ends_the_recipe_before_anything_is_packed(web, tmp_path):
    nothing = 'datasets.gs_key.audio=["http://127.0.0.1:9/{id}.mp3"]'
    failed = run("prepare-gs-key-audio", *sets(tmp_path, *web, nothing))
    assert failed.returncode == 1 and "5 missing files, see above" in failed.stderr
    assert not (tmp_path / "shards").exists()
    assert "gs_key is whole in " in done("download", "gs_key", *sets(tmp_path, *web))


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_scheduler_that_a_recipe_starts_packs_and_leaves_no_process(packed, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cluster = begin(f"dask_port={port}", "dask-up")
    try:
        while not answers(port):
            assert cluster.poll() is None
            time.sleep(0.05)
        scheduler = ["--scheduler", f"tcp://127.0.0.1:{port}"]
        done("prepare-shards", "audio", "synthetic", *scheduler, *settings(tmp_path))
        cluster.terminate()
        cluster.communicate(timeout=300)
        wait_until_gone(cluster.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(cluster.pid, signal.SIGKILL)
    assert contents(tmp_path / "shards/audio") == contents(packed / "shards/audio")
