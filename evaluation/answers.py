"""What a network answers for every song of a set of shards: shared by training and evaluation."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor, nn
from torch.nn import functional

from evaluation.calibration import BINS, Reliability, reliability
from evaluation.seen import Seen
from model.metrics import RELATION_INDEX, RELATIONS, MirexScore, mirex_score
from pipeline.loader import loader
from pipeline.shardset import ShardSet
from pipeline.songtable import SongTable
from pipeline.stream import Stream, evaluation_stream
from songkey.estimate import KeyEstimate, estimate_from_probabilities
from songkey.keys import KEYS, Key


@dataclass(frozen=True)
class SongAnswer:
    """The estimate for one song, beside the truth."""

    dataset: str
    song_id: str
    key: Key
    estimate: KeyEstimate
    intervals: MirexScore  # of its intervals, one by one
    label_source: str = ""
    genre: str = ""
    lost_intervals: int = 0  # which could not be read, beside `intervals`


class Unanswered(NamedTuple):
    """A song of which no interval could be read."""

    dataset: str
    song_id: str
    lost_intervals: int


@dataclass(frozen=True)
class Answers:
    """A network's answers for the songs of a set of shards."""

    songs: tuple[SongAnswer, ...]
    loss: float  # mean cross entropy of the intervals, nats
    unanswered: tuple[Unanswered, ...]
    interval_reliability: Mapping[str, Reliability] = field(default_factory=dict)  # by data set
    seen: Seen = Seen()  # of the songs, those that are recordings which the network trained on

    @property
    def song_score(self) -> MirexScore:
        """The score of all songs together."""
        return score_of(self.songs)

    @property
    def lost_by_dataset(self) -> Counter[str]:
        """How many intervals of each data set could not be read."""
        lost: Counter[str] = Counter()
        for answered in self.songs:
            lost[answered.dataset] += answered.lost_intervals
        for song in self.unanswered:
            lost[song.dataset] += song.lost_intervals
        return +lost

    @property
    def lost_intervals(self) -> int:
        """Intervals that could not be read."""
        return self.lost_by_dataset.total()


class IntervalLogits(NamedTuple):
    """What a network says of a batch of intervals; those that are not valid are no intervals."""

    logits: Tensor  # (B, 24)
    key_id: Tensor  # (B,)
    song_index: Tensor  # (B,)
    valid: Tensor  # (B,)


def score_of(songs: Sequence[SongAnswer]) -> MirexScore:
    """The MIREX score of these songs."""
    return mirex_score([song.estimate.key.id for song in songs], [song.key.id for song in songs])


def reliability_of(songs: Sequence[SongAnswer]) -> Reliability:
    """How far the confidence of these songs' answers can be believed."""
    confidence = [song.estimate.confidence for song in songs]
    return reliability(confidence, [song.estimate.key == song.key for song in songs])


def answer(
    network: nn.Module, front_end: nn.Module, shards: ShardSet, accelerator: Accelerator,
    batch_size: int, workers: int, max_bad_samples: int,
    after_batch: Callable[[], None] = lambda: None, limit_fraction: float = 1.0,
) -> Answers:  # fmt: skip
    """Each interval of `shards` read once, shared by all processes; `batch_size` is of one.

    Probabilities are summed for each song and reduced over the processes once, at the end.
    `after_batch` may raise to end it early, on all processes after the same batch.
    """
    sums = _Sums(len(shards.song_table()), accelerator.device)
    stream = part_of(shards, accelerator, batch_size, max_bad_samples, limit_fraction)
    for batch in interval_logits(network, front_end, stream, accelerator, workers):
        sums.add(*batch)
        after_batch()
    return sums.reduced(accelerator).answers(shards, stream.lost.of_all())


def part_of(
    shards: ShardSet, accelerator: Accelerator, batch_size: int, max_bad_samples: int,
    limit_fraction: float = 1.0,
) -> Stream:  # fmt: skip
    """This process's part of the intervals of `shards`; each process has as many batches."""
    ranks = accelerator.num_processes
    return evaluation_stream(
        shards, batch_size * ranks, accelerator.process_index, ranks, limit_fraction,
        max_bad_samples,
    )  # fmt: skip


@torch.inference_mode()
def interval_logits(
    network: nn.Module, front_end: nn.Module, stream: Stream, accelerator: Accelerator, workers: int
) -> Iterator[IntervalLogits]:
    """What a network says of a stream's intervals, batch by batch."""
    network.eval()
    front_end.eval()
    for batch in loader(stream, workers, pin_memory=accelerator.device.type == "cuda"):
        batch = send_to_device(batch, accelerator.device)
        heard, key_id = front_end(batch)  # (B, F, T) or waveforms (B, S), and (B,)
        yield IntervalLogits(network(heard).float(), key_id, batch.song_index, batch.valid)


class _Sums:
    """Running sums over intervals: probabilities, categories and bins of each song, and losses."""

    def __init__(self, songs: int, device: torch.device):
        self.probabilities = torch.zeros(songs, 24, device=device)
        self.relations = torch.zeros(songs * len(RELATIONS), device=device)
        self.bins = torch.zeros(3, songs * BINS, device=device)  # answers, confidences, hits
        self.loss = torch.zeros((), device=device)
        self._relation_index = torch.from_numpy(RELATION_INDEX).to(device)

    def add(self, logits: Tensor, key_id: Tensor, song_index: Tensor, valid: Tensor) -> None:
        """Logits (B, 24) of intervals of songs (B,); those that are not valid count nothing."""
        logits, key_id, song_index = logits[valid], key_id[valid], song_index[valid]
        probabilities = logits.softmax(dim=1)  # (B, 24)
        self.probabilities.index_add_(0, song_index, probabilities)
        confidence, estimate = probabilities.amax(dim=1), logits.argmax(dim=1)  # (B,), (B,)
        place = song_index * len(RELATIONS) + self._relation_index[estimate, key_id]  # (B,)
        one = torch.ones_like(confidence)  # (B,)
        self.relations.index_add_(0, place, one)
        bins = ((BINS * confidence).ceil().long() - 1).clamp(0, BINS - 1)  # (B,)
        hits = (estimate == key_id).float()  # (B,)
        self.bins.index_add_(1, song_index * BINS + bins, torch.stack([one, confidence, hits]))
        self.loss += functional.cross_entropy(logits, key_id, reduction="sum")

    def reduced(self, accelerator: Accelerator) -> "_Sums":
        """The same, summed over all processes."""
        for name in ("probabilities", "relations", "bins", "loss"):
            setattr(self, name, accelerator.reduce(getattr(self, name), reduction="sum").cpu())
        return self

    def answers(self, shards: ShardSet, lost: Sequence[int]) -> Answers:
        """The sums with names; `lost` are the numbers of the intervals that could not be read.

        A song with several rows, as in shards of others, is one again.
        """
        table = shards.song_table()
        rows: dict[tuple[str, str, int], list[int]] = {}
        for index, key_id in enumerate(table.key_id.tolist()):
            name = (table.dataset_of(index), table.song_id(index), key_id)
            rows.setdefault(name, []).append(index)
        relations = self.relations.int().view(-1, len(RELATIONS))  # (songs, 6)
        lost_of = _song_counts(shards, lost)
        songs, unanswered = [], []
        for (dataset, song_id, key_id), indices in rows.items():
            intervals = MirexScore(*relations[indices].sum(dim=0).tolist())
            lost_intervals = sum(lost_of[index] for index in indices)
            if intervals.total:
                probabilities = self.probabilities[indices].sum(dim=0)
                songs.append(
                    SongAnswer(
                        dataset, song_id, KEYS[key_id],
                        estimate_from_probabilities(probabilities.numpy()), intervals,
                        table.label_source(indices[0]), table.genre(indices[0]), lost_intervals,
                    )
                )  # fmt: skip
            elif lost_intervals:
                unanswered.append(Unanswered(dataset, song_id, lost_intervals))
        loss = float(self.loss) / max(1, int(relations.sum()))
        return Answers(tuple(songs), loss, tuple(unanswered), self._reliability(table))

    def _reliability(self, table: SongTable) -> dict[str, Reliability]:
        """Of the intervals of each data set."""
        bins = self.bins.double().view(3, -1, BINS).numpy()  # (3, songs, BINS)
        return {
            dataset: Reliability(*bins[:, table.dataset == place].sum(axis=1))
            for place, dataset in enumerate(table.datasets)
        }


def _song_counts(shards: ShardSet, numbers: Sequence[int]) -> Counter[int]:
    """How many of the intervals numbered so each song has."""
    if not numbers:
        return Counter()
    reader = shards.reader()
    return Counter(reader.song_index(number) for number in numbers)
