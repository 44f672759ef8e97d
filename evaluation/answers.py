"""What a network answers for every song of a set of shards: shared by training and evaluation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor, nn
from torch.nn import functional

from keys import Key, parse_key
from model.estimate import KeyEstimate, estimate_from_probabilities
from model.metrics import RELATION_INDEX, RELATIONS, MirexScore, mirex_score
from pipeline.frontend import FrontEnd
from pipeline.shardset import ShardSet
from pipeline.stream import evaluation_stream, loader


@dataclass(frozen=True)
class SongAnswer:
    """The estimate for one song, beside the truth."""

    dataset: str
    song_id: str
    key: Key
    estimate: KeyEstimate
    intervals: MirexScore  # of its intervals, one by one


@dataclass(frozen=True)
class Answers:
    """A network's answers for the songs of a set of shards."""

    songs: tuple[SongAnswer, ...]
    loss: float  # mean cross entropy of the intervals, nats
    unanswered: tuple[str, ...]  # songs of which no interval could be read

    @property
    def song_score(self) -> MirexScore:
        """The score of all songs together."""
        return score_of(self.songs)


def score_of(songs: tuple[SongAnswer, ...] | list[SongAnswer]) -> MirexScore:
    """The MIREX score of these songs."""
    return mirex_score([song.estimate.key.id for song in songs], [song.key.id for song in songs])


@torch.inference_mode()
def answer(
    network: nn.Module, front_end: FrontEnd, shards: ShardSet, accelerator: Accelerator,
    batch_size: int, workers: int, max_bad_samples: int,
    before_batch: Callable[[], None] = lambda: None, limit_fraction: float = 1.0,
) -> Answers:  # fmt: skip
    """Each interval of `shards` read once, shared by all processes; `batch_size` is of one.

    Probabilities are summed for each song and reduced over the processes once, at the end.
    `before_batch` may raise to end it early, on all processes at the same batch.
    """
    network.eval()
    front_end.eval()
    ranks = accelerator.num_processes
    stream = evaluation_stream(
        shards, batch_size * ranks, accelerator.process_index, ranks, limit_fraction
    )
    sums = _Sums(int(shards.songs.sum()), accelerator.device)
    for batch in loader(stream, workers, pin_memory=accelerator.device.type == "cuda"):
        before_batch()
        stream.check(batch, max_bad_samples)
        batch = send_to_device(batch, accelerator.device)
        cqt, key_id = front_end(batch)  # (B, F, T), (B,)
        sums.add(network(cqt).float(), key_id, batch.song_index, batch.valid)
    return sums.reduced(accelerator).answers(shards)


class _Sums:
    """Running sums over intervals: probabilities of each song, losses, categories."""

    def __init__(self, songs: int, device: torch.device):
        self.probabilities = torch.zeros(songs, 24, device=device)
        self.relations = torch.zeros(songs * len(RELATIONS), device=device)
        self.loss = torch.zeros((), device=device)
        self._relation_index = torch.from_numpy(RELATION_INDEX).to(device)

    def add(self, logits: Tensor, key_id: Tensor, song_index: Tensor, valid: Tensor) -> None:
        """Logits (B, 24) of intervals of songs (B,); those that are not valid count nothing."""
        logits, key_id, song_index = logits[valid], key_id[valid], song_index[valid]
        self.probabilities.index_add_(0, song_index, logits.softmax(dim=1))
        relation = self._relation_index[logits.argmax(dim=1), key_id]  # (B,)
        place = song_index * len(RELATIONS) + relation  # (B,)
        self.relations.index_add_(0, place, torch.ones_like(logits[:, 0]))
        self.loss += functional.cross_entropy(logits, key_id, reduction="sum")

    def reduced(self, accelerator: Accelerator) -> "_Sums":
        """The same, summed over all processes."""
        for name in ("probabilities", "relations", "loss"):
            setattr(self, name, accelerator.reduce(getattr(self, name), reduction="sum").cpu())
        return self

    def answers(self, shards: ShardSet) -> Answers:
        """The sums with names: a song that lies in two shards is one song again."""
        rows: dict[tuple[str, str], list[int]] = {}
        keys: dict[tuple[str, str], Key] = {}
        for index, (dataset, song) in enumerate(shards.song_table()):
            rows.setdefault((dataset, song.song_id), []).append(index)
            keys[dataset, song.song_id] = parse_key(song.key)
        relations = self.relations.int().view(-1, len(RELATIONS))  # (songs, 6)
        songs, unanswered = [], []
        for (dataset, song_id), indices in rows.items():
            intervals = MirexScore(*relations[indices].sum(dim=0).tolist())
            if intervals.total:
                estimate = estimate_from_probabilities(self.probabilities[indices].sum(dim=0))
                key = keys[dataset, song_id]
                songs.append(SongAnswer(dataset, song_id, key, estimate, intervals))
            else:
                unanswered.append(song_id)
        loss = float(self.loss) / max(1, int(relations.sum()))
        return Answers(tuple(songs), loss, tuple(unanswered))
