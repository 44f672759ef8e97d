"""Which songs a command line names: of each data set, listed, heard and united into recordings."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from settings.marks import MARKS, ONE_KEY
from settings.sections import Config
from shards.executor import worker_count
from songkey.errors import AudioKeyError
from songs import folder, gs_key, gs_key_plus, gs_mtg, ncs, scores, synthetic
from songs.ears import Ears, heard
from songs.recordings import united
from songs.song import LeftOut, Song

# Each has download(datasets, settings) and songs(datasets, downloads).
FROM_THE_WEB = {"gs_key": gs_key, "gs_key_plus": gs_key_plus, "gs_mtg": gs_mtg, "ncs": ncs}
DATASETS = ("synthetic", "scores", "folder", *FROM_THE_WEB)
Wanted = tuple[str, list[Song], list[LeftOut]]  # a data set, its songs, what has no usable label


def wanted(words: Sequence[str], config: Config, afresh: bool = False) -> Iterator[Wanted]:
    """Of each data set that `words` name its name, its songs, and what has no usable label.

    Files are read `afresh` where nothing that is known of them is to be believed.
    """
    for dataset, path in _datasets(words):
        yield _songs(dataset, path, config, afresh)


def _datasets(words: Sequence[str]) -> list[tuple[str, str]]:
    """The data sets that are named, each with the path that may follow `folder`, else ""."""
    if words.count("folder") > 1:
        raise AudioKeyError(
            "folder is named twice, and both would be the data set of datasets.folder.name; pack "
            "one at a time, each with its own name (--set datasets.folder.name=...)"
        )
    named = []
    for before, word in zip(("", *words), words, strict=False):
        if word in DATASETS:
            named.append((word, ""))
        elif before == "folder":
            named[-1] = (before, word)
        else:
            raise AudioKeyError(
                f"'{word}' is no data set; known: {', '.join(DATASETS)}, of which folder alone may "
                "be followed by a path"
            )
    return named


def _songs(dataset: str, path: str, config: Config, afresh: bool) -> Wanted:
    if dataset == "synthetic":
        setting = config.datasets.synthetic
        return "synthetic", synthetic.songs(setting.songs, setting.song_seconds, setting.seed), []
    if dataset == "scores":
        return "scores", *scores.songs_of(config.datasets.scores)
    cache = Path(config.stream.cache_dir)
    ears = Ears(worker_count(config.prepare.workers), cache, afresh)
    if module := FROM_THE_WEB.get(dataset):
        found, left_out = module.songs(config.datasets, Path(config.download.dir))
        with ears.known(dataset) as known:
            found = heard(found, known, ears)
        found, in_conflict = united(found, ONE_KEY.get(dataset, MARKS))
        return dataset, found, left_out + in_conflict
    music = config.datasets.folder
    return music.name, *folder.songs(path or music.path, music.name, music.tables, ears)
