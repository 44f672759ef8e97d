"""GiantSteps Key: 604 two-minute previews of electronic dance music, the headline test set.

Labels: https://github.com/GiantSteps/giantsteps-key-dataset; its README names no licence.
Audio: https://www.cp.jku.at/datasets/giantsteps/backup/<id>.LOFI.mp3, copyright of its owners; it
is for research only, never to be passed on. The Beatport host that the repository names is gone.
Cite: P. Knees, Á. Faraldo, P. Herrera, R. Vogl, S. Böck, F. Hörschläger, M. Le Goff: "Two data sets
for tempo estimation and key detection in electronic dance music annotated from user corrections",
ISMIR 2015.
Label rule: annotations/key/<id>.LOFI.key names one key ("C minor"); all 604 do. All songs test.
"""

from pathlib import Path

from settings.datasets import Datasets, Download
from songs.download import Failure
from songs.giantsteps import (
    Labelled,
    downloaded,
    fetch_songs,
    key_files,
    key_of,
    labelled_songs,
    md5_files,
    repository,
    with_md5,
)

NAME = "gs_key"


def download(datasets: Datasets, settings: Download) -> list[Failure]:
    """Fetch the annotations, then the audio that they list; gives what is missing."""
    return fetch_songs(Path(settings.dir) / NAME, datasets.gs_key, labelled, settings)


def songs(datasets: Datasets, downloads: Path) -> Labelled:
    """The songs that were downloaded, and what was left out."""
    folder = downloads / NAME
    return downloaded(NAME, *labelled(repository(folder), folder))


def labelled(root: Path, folder: Path) -> Labelled:
    """What the repository at `root` lists, whether its audio is in `folder` or not."""
    texts = key_files(root)
    found, left_out = labelled_songs(NAME, texts, key_of, "annotations/key", folder)
    found, unverified = with_md5(found, texts, md5_files(root))
    return found, left_out + unverified
