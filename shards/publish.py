"""Shards published to a folder or address.

DEST/<format>/<dataset>/<split>/ then holds the tars, their records, the table of songs and, as the
last file, the manifest: DEST may also be read in place as prepare.shards_dir. Give others only the
spectrograms of music whose licence allows it, and audio to nobody.
"""

from pathlib import Path

from tqdm import tqdm

from pipeline.manifest import (
    MANIFEST_NAME,
    SONGS_NAME,
    Manifest,
    ManifestError,
    ManifestShard,
    read_manifest,
    record_name,
)
from settings.differences import differences
from settings.sections import Config
from shards.plan import SPLITS
from shards.remote_split import (
    bytes_of,
    has_manifest,
    is_whole_tar,
    local_root,
    published_in,
    refuse_itself,
)
from shards.shardfile import ShardError
from shards.splitfolder import clear
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
    folders = [here / split for split in SPLITS]
    manifests = {folder.name: read_manifest(folder) for folder in folders if has_manifest(folder)}
    if not manifests:
        raise ManifestError(
            f"{here}: no {format} shards; make them first "
            f"(python -m shards {'spectrograms' if format == 'png' else 'pack'} {dataset})"
        )
    target = place_of(destination) / format / dataset
    refuse_itself(here, target)
    for split in SPLITS:  # all of them before the first shard is sent
        if overwrite:
            clear(target / split)
        _refuse_others(target / split, manifests.get(split))
    for split, manifest in manifests.items():
        _publish_split(here / split, manifest, target / split)
    return sum(len(manifest.shards) for manifest in manifests.values())


def _publish_split(folder: Path, manifest: Manifest, target: Place) -> None:
    there = published_in(target)
    if there is not None and there.manifest_bytes != (folder / MANIFEST_NAME).read_bytes():
        (target / MANIFEST_NAME).unlink()  # until all the shards are those of the new one
    title = f"publishing {target}"
    for shard in tqdm(manifest.shards, desc=title, unit="shard", disable=None):
        _publish_shard(folder, target, shard)
    for name in (SONGS_NAME, MANIFEST_NAME):
        send(folder / name, target / name)


def _refuse_others(target: Place, manifest: Manifest | None) -> None:
    """Refuse a published split of other settings, or one that the data set does not have."""
    there = published_in(target)
    if there is None:
        return
    if manifest is None:
        raise ManifestError(
            f"{target}: published there, but the data set here has no {target.name} split; "
            "publish to another place, or anew with --overwrite"
        )
    before, today = there.manifest.settings.model_dump(), manifest.settings.model_dump()
    if changed := differences(before, today):
        raise ManifestError(
            f"{target}: shards of other settings are published there ({changed}); "
            "publish to another place, or anew with --overwrite"
        )


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
