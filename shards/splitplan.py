"""A plan of packing: what is kept of each split of a data set, and which tasks are to be done."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.changes import as_of_today, read_changes
from pipeline.manifest import MANIFEST_NAME, Manifest
from pipeline.pack_settings import PackSettings
from pipeline.record import record_name
from shards.pack import PackTask
from shards.settled import Counts
from shards.splitfolder import first_records, make_folder
from songs.song import LeftOut
from storage.places import Place


@dataclass(frozen=True)
class SplitPlan:
    """What is to be packed in one split."""

    folder: Place
    settings: PackSettings  # of its manifest
    kept: tuple[str, ...]  # the tasks that are packed, and stay
    tasks: tuple[PackTask, ...]  # of the songs that are new
    missing: tuple[PackTask, ...]  # those of them that are not done
    changes: bytes  # the table of what changed in those that stay
    strays: tuple[str, ...] = ()  # tasks beyond the manifest, of whose songs others are today
    is_damaged: bool = False  # the manifest names what is not there

    @property
    def names(self) -> tuple[str, ...]:
        """All tasks of the split."""
        return *self.kept, *(task.name for task in self.tasks)

    def begin(self) -> None:
        """Make the folder; a damaged manifest goes, a whole one counts until the next is there.

        The tables stay until then, for they tell which songs the split has.
        """
        make_folder(self.folder)
        if self.is_damaged:
            (self.folder / MANIFEST_NAME).unlink(missing_ok=True)
        for name in self.strays:
            (self.folder / record_name(f"{name}.tar")).unlink(missing_ok=True)

    def left_out(self, manifest: Manifest) -> Iterator[LeftOut]:
        """The songs that packing left out, once all tasks are done."""
        if not manifest.left_out_by_reason:
            return
        changes = read_changes(self.folder, manifest)
        for record in first_records(self.folder, self.names):
            yield from (LeftOut(*one) for one in as_of_today(record, changes).left_out)


@dataclass(frozen=True)
class Plan:
    """What is to be packed of a data set."""

    splits: tuple[SplitPlan, ...]
    listing: str  # which songs there are today
    left_out: tuple[LeftOut, ...] = ()  # songs of recordings that are packed in two splits
    counts: Counts | None = None  # how they differ from those before, if there were some

    @property
    def root(self) -> Place:
        """The data set's folder."""
        return self.splits[0].folder.parent
