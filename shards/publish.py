"""Shards published to a folder or address.

DEST/<format>/<dataset>/<split>/ then holds the tars, their records, the index, the tables of songs
and of changes and, as the last file, the manifest: DEST may also be read in place as
prepare.shards_dir. Give others only the spectrograms of music whose licence allows it, and audio to
nobody.
"""

from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from pipeline.bounded import ManifestError, MissingError
from pipeline.manifest import MANIFEST_NAME, Manifest, ManifestShard, read_manifest
from pipeline.record import record_name
from settings.sections import Config
from shards.remote_split import bytes_of, is_whole_tar, local_root, refuse_itself
from shards.shardfile import ShardError
from shards.splitfolder import (
    make_way,
    manifests_in,
    refuse_foreign,
    remove_strays,
    tables_of,
)
from storage.copies import send
from storage.places import Place, place_of


def publish(
    dataset: str, destination: str, format: str, config: Config, overwrite: bool = False
) -> int:
    """Copy a data set's shards, 'png' or 'audio', to a folder or address; how many there are.

    A shard whose record is there already stays. Raises ManifestError where there are no such shards
    or others are in the way (`overwrite` removes those first), ShardError where one is damaged.
    """
    here = local_root(
        config, format, dataset, "publish what is packed in a local folder, or copy it"
    )
    manifests = manifests_in(here)
    if not manifests:
        raise ManifestError(
            f"{here}: no {format} shards; make them first "
            f"(python -m shards {'spectrograms' if format == 'png' else 'pack'} {dataset})"
        )
    for split, manifest in manifests.items():
        refuse_foreign(here / split, manifest)
    target = place_of(destination) / format / dataset
    refuse_itself(here, target)
    settings = {split: manifest.settings for split, manifest in manifests.items()}
    make_way(target, settings, here, overwrite)
    for split, manifest in manifests.items():
        _publish_split(here / split, manifest, target / split)
    return sum(len(manifest.shards) for manifest in manifests.values())


def _publish_split(folder: Path, manifest: Manifest, target: Place) -> None:
    """Copy what is not there; the manifest that is there counts until its last file is."""
    with suppress(MissingError):
        if _names_others(read_manifest(target), manifest):
            (target / MANIFEST_NAME).unlink()  # until all the shards are of the new one
    title = f"publishing {target}"
    for shard in tqdm(manifest.shards, desc=title, unit="shard", disable=None):
        _publish_shard(folder, target, shard)
    for name in (*tables_of(manifest), MANIFEST_NAME):
        send(folder / name, target / name)
    remove_strays(target, manifest)


def _names_others(there: Manifest, manifest: Manifest) -> bool:
    """Whether a file that the manifest there names is about to become another one."""
    before = {shard.name: shard.sha256 for shard in there.shards}
    if any(before.get(shard.name, shard.sha256) != shard.sha256 for shard in manifest.shards):
        return True
    tables = (there.index_sha256, there.changes_sha256)
    return there.generation == manifest.generation and tables != (
        manifest.index_sha256, manifest.changes_sha256
    )  # fmt: skip


def _publish_shard(folder: Path, target: Place, shard: ManifestShard) -> None:
    """Copy a tar, then the record that makes it count."""
    record = folder / record_name(shard.name)
    if bytes_of(target / record.name) == record.read_bytes():
        return
    if not is_whole_tar(folder / shard.name, shard):
        raise ShardError(
            f"{folder / shard.name}: not what the manifest says; "
            "see python -m shards check, and pack again"
        )
    send(folder / shard.name, target / shard.name)
    send(record, target / record.name)
