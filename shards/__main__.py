"""Preparation: from the web or a folder to shards.

python -m shards download gs_mtg
python -m shards pack gs_mtg gs_key
python -m shards pack synthetic --format audio --set datasets.synthetic.songs=240
python -m shards pack scores --set datasets.scores.path=data/midi
python -m shards pack folder ~/Music --format png
python -m shards pack folder ~/Music --scheduler tcp://host:8786
python -m shards pack folder ~/Music --part 3/64 && python -m shards merge folder ~/Music
python -m shards compact folder
python -m shards spectrograms synthetic
python -m shards publish s3://bucket/shards synthetic
python -m shards images synthetic --set images.base_url=s3://bucket/shards
python -m shards index 's3://bucket/music-{000000..000146}.tar' --name music --split train
python -m shards check data/shards
"""

import settings.extras  # noqa: F401  # isort: skip

import argparse
import re
import signal
from collections.abc import Callable

from settings.command import run
from settings.config import add_config_arguments, load_config
from settings.sections import Config
from shards.check import manifest_folders, problems_of
from shards.compact import compact
from shards.foreign_split import index_shards
from shards.outcome import summary
from shards.prepare import merge, parse_part, prepare, prepare_part
from shards.publish import publish
from shards.ready_made import download_images
from shards.spectrograms import create_spectrograms
from shards.splitfolder import SPLITS
from shards.wanted import DATASETS, FROM_THE_WEB, wanted
from songkey.counted import counted
from songkey.errors import AudioKeyError, one_line
from songs.download import failure_table
from storage.places import place_of

Options = argparse.ArgumentParser


def main() -> None:
    """Parse the command line and do what it says."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C
    arguments.command(arguments, load_config(arguments.config, arguments.overrides))


def _download(arguments: argparse.Namespace, config: Config) -> None:
    failures = FROM_THE_WEB[arguments.dataset].download(config.datasets, config.download)
    if failures:
        print(failure_table(failures))
        raise AudioKeyError(f"{arguments.dataset}: {len(failures)} missing files, see above")
    print(f"{arguments.dataset} is whole in {config.download.dir}")


def _pack(arguments: argparse.Namespace, config: Config) -> None:
    part = parse_part(arguments.part) if arguments.part else None
    if part and arguments.overwrite:
        raise AudioKeyError(
            "--overwrite would remove what other parts have packed; delete the shards once, then "
            "run each part without it"
        )
    for what in wanted(arguments.datasets, config, arguments.overwrite):
        how = arguments.format, config
        if part:
            print(prepare_part(*what, *how, part, arguments.scheduler))
        else:
            packed = prepare(*what, *how, arguments.overwrite, arguments.scheduler)
            print(summary(packed, what[1]))


def _merge(arguments: argparse.Namespace, config: Config) -> None:
    for what in wanted(arguments.datasets, config):
        print(summary(merge(*what, arguments.format, config), what[1]))


def _spectrograms(arguments: argparse.Namespace, config: Config) -> None:
    for dataset in arguments.datasets:
        made = create_spectrograms(dataset, config, arguments.overwrite, arguments.scheduler)
        print(summary(made))


def _compact(arguments: argparse.Namespace, config: Config) -> None:
    for dataset in arguments.datasets:
        print(summary(compact(dataset, arguments.format, config, arguments.scheduler)))


def _publish(arguments: argparse.Namespace, config: Config) -> None:
    for dataset in arguments.datasets:
        place = arguments.destination
        count = publish(dataset, place, arguments.format, config, arguments.overwrite)
        print(f"{dataset}: published {counted(count, 'shard')} of {arguments.format}: {place}")


def _images(arguments: argparse.Namespace, config: Config) -> None:
    datasets = arguments.datasets or config.images.datasets
    if not datasets:
        raise AudioKeyError("no data set named; name some, or set images.datasets")
    for dataset in datasets:
        print(summary(download_images(dataset, config, arguments.overwrite)))


def _index(arguments: argparse.Namespace, config: Config) -> None:
    indexed = index_shards(
        arguments.urls, arguments.name, arguments.split, arguments.format, config,
        arguments.overwrite, arguments.scheduler,
    )  # fmt: skip
    print(summary(indexed))


def _check(arguments: argparse.Namespace, config: Config) -> None:
    folders = manifest_folders(place_of(arguments.path or config.prepare.shards_dir))
    problems, splits = 0, counted(len(folders), "split")
    for problem in problems_of(folders):
        print(one_line(problem))
        problems += 1
    if problems:
        raise AudioKeyError(f"{counted(problems, 'problem')} in {splits}")
    print(f"{splits} checked, all whole")


def _parser() -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m shards",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)

    def command(does: Callable, name: str, gives: str) -> Options:
        one = commands.add_parser(name, help=gives)
        one.set_defaults(command=does)
        add_config_arguments(one)
        return one

    download = command(_download, "download", "fetch a data set from the web")
    download.add_argument("dataset", choices=FROM_THE_WEB)
    pack = command(_pack, "pack", "pack data sets into shards")
    pack.add_argument("--part", help="pack one part of the shards, e.g. 3/64; merge when all are")
    joining = command(_merge, "merge", "write the manifests of what was packed in parts")
    compacting = command(_compact, "compact", "pack shards anew from themselves, full and tidy")
    spectrograms = command(_spectrograms, "spectrograms", "make PNG shards of audio shards")
    publishing = command(_publish, "publish", "copy shards to a folder or address")
    publishing.add_argument(
        "destination", help="a folder, or an address such as s3://bucket/shards"
    )
    images = command(_images, "images", "download published PNG shards")
    images.add_argument(
        "datasets", nargs="*", metavar="dataset", help="images.datasets where none is named"
    )
    indexing = command(_index, "index", "index shards that others made, where they lie")
    indexing.add_argument(
        "urls", nargs="+", metavar="url",
        help="tars: a path, a pattern, a folder, or an address, with {000..146} for many",
    )  # fmt: skip
    indexing.add_argument(
        "--name", default="foreign", type=_dataset_name, help="the data set's, in train.datasets"
    )
    indexing.add_argument("--split", choices=SPLITS, default="train")
    check = command(_check, "check", "read shards back and report what is wrong")
    check.add_argument(
        "path", nargs="?", help="a folder or address of shards (prepare.shards_dir if absent)"
    )
    _add_shared(pack, joining, compacting, spectrograms, publishing, images, indexing)
    return parser


def _add_shared(
    pack: Options, joining: Options, compacting: Options, spectrograms: Options,
    publishing: Options, images: Options, indexing: Options,
) -> None:  # fmt: skip
    """What several commands may be told."""
    for one in (pack, joining):
        one.add_argument(
            "datasets", nargs="*", default=["synthetic"], metavar="dataset",
            help=f"{', '.join(DATASETS)}; after folder its path, if not datasets.folder.path, and "
            "./synthetic for a folder that is called as a data set is",
        )  # fmt: skip
    for one in (compacting, spectrograms, publishing):
        one.add_argument("datasets", nargs="+", metavar="dataset")
    for one, format in (
        (pack, "audio"), (joining, "audio"), (compacting, "audio"), (indexing, "audio"),
        (publishing, "png"),
    ):  # fmt: skip
        one.add_argument("--format", choices=["audio", "png"], default=format)
    for one in (pack, compacting, spectrograms, indexing):
        one.add_argument("--scheduler", default="", help="a Dask scheduler, e.g. tcp://host:8786")
    for one in (pack, spectrograms, indexing, publishing, images):
        one.add_argument("--overwrite", action="store_true", help="begin anew: clear what is there")


def _dataset_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r}: a data set's name holds letters, digits, _, -")
    return text


if __name__ == "__main__":
    run(main)
