"""Opening shards: found, compared with today's settings, and whole, before anything is read."""

import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.bounded import ManifestError, MissingError
from pipeline.index import INDEX_NAME, IndexRows, index_bytes, open_index
from pipeline.manifest import SONGS_NAME, Manifest, ManifestShard, read_manifest, read_songs
from pipeline.record import read_records, record_name
from pipeline.shardset import ShardSet, Split
from storage.cache import Cache
from storage.copies import fetch
from storage.places import Place, RemotePath, place_of, sizes
from storage.whole import remove_leftovers, write_whole

logger = logging.getLogger(__name__)


def split_folder(shards_dir: str | Path, format: str, dataset: str, split: str) -> Place:
    """Where the shards of one split lie, or are to be written."""
    return place_of(shards_dir) / format / dataset / split


def open_shards(
    shards_dir: str, format: str, datasets: Sequence[str], split: str, shaped_by: dict[str, Any],
    cache: Cache, unreachable: str,
) -> ShardSet:  # fmt: skip
    """The shards of `split` of all `datasets`, checked to be whole and made with these settings.

    `shaped_by` holds today's sample_rate, interval_seconds and cqt. A data set may lack the split
    (a warning says so), but not all may.
    """
    if len(set(datasets)) < len(datasets):
        raise ManifestError(f"a data set is named twice: {', '.join(datasets)}; name each once")
    remove_leftovers(cache.folder)
    opened = []
    for dataset in datasets:
        folder = split_folder(shards_dir, format, dataset, split)
        if (manifest := _manifest(folder)) is None:
            logger.warning("%s has no %s split", dataset, split)
            continue
        _check_settings(folder, manifest, {"format": format, **shaped_by})
        if isinstance(folder, Path):
            _check_files(folder, manifest)
        opened.append(Split(folder, manifest, local_index(folder, manifest, cache.folder)))
        open_index(opened[-1].index_path, manifest)  # refuses what does not fit together
    if not opened:
        raise ManifestError(
            f"{shards_dir}/{format}: no {split} split in {', '.join(datasets)}; name other data "
            "sets, give [split] a share for it before packing, or index shards of others with "
            f"--split {split}"
        )
    shards = ShardSet(tuple(opened), cache, unreachable)
    if not shards.total:
        raise ManifestError(
            f"{shards_dir}/{format}: the {split} split of {', '.join(datasets)} holds no interval; "
            "see left_out.tsv beside it for the reasons"
        )
    return shards


def local_index(folder: Place, manifest: Manifest, cache_dir: Path) -> Path:
    """The split's index, whose bytes are what the manifest says, in its folder or in the cache."""
    if not (sha256 := manifest.index_sha256):
        return _index_of_records(folder, manifest, cache_dir)
    if isinstance(folder, Path):
        path = folder / manifest.table(INDEX_NAME)
        if not _has_sha256(path, sha256):
            if not path.exists():
                raise ManifestError(f"{path}: not there, though the manifest names it; pack again")
            raise ManifestError(
                f"{path}: not what the manifest says (sha256); delete it, and pack again"
            )
        return path
    path = cache_dir / f"{sha256}.safetensors"
    if not _has_sha256(path, sha256):
        fetch(folder / manifest.table(INDEX_NAME), path, sha256)
    return path


def _has_sha256(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _index_of_records(folder: Place, manifest: Manifest, cache_dir: Path) -> Path:
    """The index of shards that were packed before there was one; made once, in the cache."""
    tars = "".join(shard.sha256 for shard in manifest.shards)
    path = cache_dir / f"{hashlib.sha256(tars.encode()).hexdigest()}.safetensors"
    with suppress(ManifestError):  # none there, or damaged
        open_index(path, manifest)
        return path
    rows, songs = IndexRows(), read_songs(folder)
    for record in read_records(folder, (shard.name for shard in manifest.shards)):
        rows.add(record)
        # These records have no checksum: a key that damage changed shows in the other list.
        if any(song != next(songs, None) for song in record.songs):
            raise ManifestError(
                f"{folder / manifest.table(SONGS_NAME)}: lists other songs than the records; "
                "delete it, and pack again"
            )
    write_whole(path, index_bytes(rows.finish()))
    return path


def _manifest(folder: Place) -> Manifest | None:
    """The manifest of a split, None where the data set has no such split."""
    try:
        return read_manifest(folder)
    except MissingError:
        # An address says only that the manifest is not there.
        if isinstance(folder, RemotePath) or (folder.parent.exists() and not folder.exists()):
            return None
        raise


def _check_settings(folder: Place, manifest: Manifest, shaped_by: dict[str, Any]) -> None:
    settings = manifest.settings
    today = {n: value for n, value in shaped_by.items() if getattr(settings, n) is not None}
    if changed := settings.changed(today):
        raise ManifestError(
            f"{folder}: packed with other settings ({changed}); "
            "set them back, or pack again with --overwrite"
        )


def _check_files(folder: Path, manifest: Manifest) -> None:
    """Refuse what is missing or of another size before the first batch is read."""
    there = sizes(folder)
    for shard in manifest.shards:
        if shard.place:
            _check_elsewhere(folder, shard)
            continue
        path, record = folder / shard.name, folder / record_name(shard.name)
        size = there.get(shard.name)
        if size != shard.bytes:
            state = "not there" if size is None else f"{size} bytes long"
            raise ManifestError(
                f"{path}: {state}, the manifest says {shard.bytes} bytes; pack again, which packs "
                "its songs anew"
            )
        if record.name not in there:
            raise ManifestError(f"{record}: not there; pack again")


def _check_elsewhere(folder: Path, shard: ManifestShard) -> None:
    """The same of a shard that others made; one at an address is compared when it is fetched."""
    path = shard.lies_in(folder)
    if not isinstance(path, Path):
        return
    size = path.stat().st_size if path.exists() else None
    if size != shard.bytes:
        state = "not there" if size is None else f"{size} bytes long"
        raise ManifestError(
            f"{path}: {state}, and was {shard.bytes} bytes long when it was indexed; index the "
            f"shards of {folder} again (python -m shards index --overwrite)"
        )
