"""Ready-made PNG shards downloaded from where publish.py put them."""

import re
import time
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from pipeline.bounded import ManifestError, MissingError
from pipeline.changes import as_of_today, changes_bytes, read_changes
from pipeline.manifest import MANIFEST_NAME, Manifest, ManifestShard, read_manifest
from pipeline.record import ShardRecord, parse_record, record_name
from settings.sections import Config
from shards.checktar import problems_of_samples
from shards.disk_error import writing_to
from shards.lock import sole_writer
from shards.prepare import Prepared
from shards.remote_split import bytes_of, is_whole_tar, local_root, refuse_itself
from shards.shardfile import ShardError
from shards.splitfolder import make_way, manifests_in, remove_strays, task_names
from shards.tables import write_split_manifest
from songs.song import LeftOut
from storage.copies import fetch
from storage.places import Place, place_of
from storage.whole import write_whole

SHARD_NAME = r"\d+(-\d+)?\.tar"  # a manifest from elsewhere may name no other file


def download_images(dataset: str, config: Config, overwrite: bool = False) -> Prepared:
    """Download a data set's published PNG shards; those that are here and whole stay.

    Raises ManifestError, StorageError or ShardError where nothing is published, it is of other
    settings, others are here (`overwrite` removes those first), or its bytes are not what its
    manifest says; what was downloaded whole stays.
    """
    began = time.perf_counter()
    if not config.images.base_url:
        raise ManifestError(
            "images.base_url is empty: name the place where PNG shards were published, "
            "e.g. --set images.base_url=https://example.org/shards"
        )
    root = local_root(config, "png", dataset, "train right from images.base_url, or name a folder")
    source = place_of(config.images.base_url) / "png" / dataset
    refuse_itself(root, source)
    manifests = manifests_in(source)
    if not manifests:
        raise ManifestError(f"{source}: no PNG shards are published there; see images.base_url")
    for split, manifest in manifests.items():
        _check_published(source / split, manifest, config)
    settings = {split: manifest.settings for split, manifest in manifests.items()}
    left_out: list[LeftOut] = []
    with sole_writer(root):
        make_way(root, settings, source, overwrite)
        for split, manifest in manifests.items():
            left_out += _download_split(source / split, manifest, root / split)
    return Prepared(root, manifests, tuple(left_out), time.perf_counter() - began)


def _check_published(source: Place, manifest: Manifest, config: Config) -> None:
    """Refuse spectrograms that training with today's settings would refuse, and strange names."""
    today = {
        "format": "png", "sample_rate": config.audio.sample_rate,
        "interval_seconds": config.prepare.interval_seconds, "cqt": config.cqt.shape,
    }  # fmt: skip
    if changed := manifest.settings.changed(today):
        raise ManifestError(
            f"{source}: published with other settings ({changed}); "
            "set them so, or make the spectrograms here (python -m shards spectrograms)"
        )
    for shard in manifest.shards:
        if not re.fullmatch(SHARD_NAME, shard.name):
            raise ManifestError(f"{source}: '{shard.name}' in its manifest is no shard")


def _download_split(source: Place, manifest: Manifest, folder: Path) -> list[LeftOut]:
    """Download the shards, then write the tables and the manifest; what was left out."""
    changes = read_changes(source, manifest)
    left_out: list[LeftOut] = []
    with writing_to(folder), suppress(MissingError):
        folder.mkdir(parents=True, exist_ok=True)
        if _as_published(read_manifest(folder), manifest) != manifest:
            (folder / MANIFEST_NAME).unlink()  # until all the shards are those of the new one
    title = f"downloading {source}"
    for shard in tqdm(manifest.shards, desc=title, unit="shard", disable=None):
        with writing_to(folder / shard.name):
            record = _download_shard(source, folder, shard)
        left_out += [LeftOut(*one) for one in as_of_today(record, changes).left_out]
    with writing_to(folder):
        made = write_split_manifest(
            folder, task_names(manifest), manifest.settings, changes_bytes(changes),
            manifest.listing, manifest.generation,
        )  # fmt: skip
        if _as_published(made, manifest) != manifest:
            (folder / MANIFEST_NAME).unlink()
            raise ManifestError(
                f"{source}: its manifest and its records disagree; it has to be "
                "published again with --overwrite"
            )
        remove_strays(folder, made)
    return left_out


def _as_published(made: Manifest, published: Manifest) -> Manifest:
    """The manifest made here, without the index where it was published before there was one."""
    return made if published.index_sha256 else made.model_copy(update={"index_sha256": ""})


def _download_shard(source: Place, folder: Path, shard: ManifestShard) -> ShardRecord:
    """Download a tar that is not here whole, and its record once the two are found to agree."""
    place = source / record_name(shard.name)
    data = bytes_of(place)
    if data is None:
        raise ManifestError(f"{place}: not there, though the manifest names its shard")
    record = parse_record(place, data)
    if record.sha256 != shard.sha256:
        raise ManifestError(f"{place}: of another tar than the manifest's")
    path = folder / shard.name
    if not is_whole_tar(path, shard):
        fetch(source / shard.name, path, shard.sha256)
    for problem in problems_of_samples(path, record, record.settings.extension):
        raise ShardError(f"{source / shard.name}: {problem}; it has to be packed again")
    write_whole(folder / place.name, data)
    return record
