"""The real annotation lists, on a web of made-up sound: downloading and packing give their counts.

Needs the repositories' real files beside the project, or where AKC_ANNOTATIONS says.
"""

from pathlib import Path

import pytest
from conftest import settings
from gs_repository import md5, mirror, sound, zipped
from http_server import serving
from test_giantsteps import REAL

from shards import __main__ as shards

pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="needs the real annotations, see AKC_ANNOTATIONS"
)


def stand_in(root: Path) -> dict[str, bytes]:
    """What a web of the repository at `root` serves: sounds differ where their real md5s do."""
    sound_of: dict[str, bytes] = {}
    sounds = {}
    texts = {
        f"master/{path.relative_to(root)}": path.read_text("utf-8", "replace")
        for path in root.rglob("*.*")
    }
    for name, real_md5 in texts.items():
        if name.endswith(".LOFI.md5"):
            made = sound_of.setdefault(real_md5.strip(), sound(len(sound_of), seconds=1))
            texts[name] = md5(made)
            sounds[f"/songs/{Path(name).stem}.mp3"] = made
    return {"/repository.zip": zipped(texts), **sounds}


@pytest.mark.parametrize(
    "dataset, repository, files, results",
    [
        ("gs_key", "giantsteps-key", 604, {"": ("604 songs, 604 intervals", [])}),
        (
            "gs_mtg", "giantsteps-mtg-key", 1486 - 9,
            {
                "": (
                    "1159 songs, 1159 intervals",
                    ["left out 327 of 1486 songs", "190 low confidence", "73 no key",
                     "64 several keys"],
                ),
                "datasets.gs_mtg.require_empty_comment=true": (
                    "1077 songs, 1077 intervals",
                    ["left out 409 of 1486 songs", "190 low confidence", "82 comment", "73 no key",
                     "64 several keys"],
                ),
            },
        ),
    ],
)  # fmt: skip
def test_the_real_lists_become_as_many_songs_as_published(
    called, tmp_path, dataset, repository, files, results
):
    served = stand_in(REAL / repository)
    assert len(set(served.values())) == files + 1
    quick = ["audio.sample_rate=8000", "prepare.interval_seconds=1", "prepare.songs_per_shard=200"]
    with serving(served) as server:
        place = [*quick, *mirror(dataset, server), f'download.dir="{tmp_path}/downloads"']
        done = called(shards.main, "download", dataset, *settings(tmp_path, *place))
        assert done.returncode == 0, done.stderr
    for number, (override, (songs, reasons)) in enumerate(results.items()):
        folder = tmp_path / str(number)
        changes = [*place, *filter(None, [override])]
        done = called(shards.main, "pack", dataset, *settings(folder, *changes))
        assert done.returncode == 0 and done.stdout.startswith(songs), done.stdout + done.stderr
        assert all(reason in done.stdout for reason in reasons)
        assert ("left out" in done.stdout) == bool(reasons)
