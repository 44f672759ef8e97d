"""Shards published to a folder or address.

DEST/<format>/<dataset>/<split>/ then holds the tars, their records, the table of songs and, as the
last file, the manifest: DEST may also be read in place as prepare.shards_dir. Give others only the
spectrograms of music whose licence allows it, and audio to nobody.
"""

from pathlib import Path

from tqdm import tqdm

from pipeline.bounded import ManifestError
from pipeline.index import INDEX_NAME
from pipeline.manifest import MANIFEST_NAME, SONGS_NAME, Manifest, ManifestShard
from pipeline.record import record_name
from settings.sections import Config
from shards.remote_split import bytes_of, is_whole_tar, local_root, refuse_itself
from shards.shardfile import ShardError
from shards.splitfolder import make_way, manifests_in, refuse_foreign
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
    there = manifests_in(target)
    for split, manifest in manifests.items():
        if there.get(split, manifest) != manifest:
            (target / split / MANIFEST_NAME).unlink()  # until all the shards are of the new one
        _publish_split(here / split, manifest, target / split)
    return sum(len(manifest.shards) for manifest in manifests.values())


def _publish_split(folder: Path, manifest: Manifest, target: Place) -> None:
    title = f"publishing {target}"
    for shard in tqdm(manifest.shards, desc=title, unit="shard", disable=None):
        _publish_shard(folder, target, shard)
    index = [INDEX_NAME] if manifest.index_sha256 else []  # else packed before there was one
    for name in (*index, SONGS_NAME, MANIFEST_NAME):
        send(folder / name, target / name)


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
