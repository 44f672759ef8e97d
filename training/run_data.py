"""The data of a run: what trains, what validates, how often each interval comes, whose it is."""

from evaluation.listener import shards_of
from evaluation.seen import trained_by
from model.checkpoint import Checkpoint, trains_on
from pipeline.order import limited, step_count
from pipeline.source import Source
from pipeline.stream import Stream, training_stream
from settings.sections import Config
from training.leaks import refuse_leaks, refuse_trained, remembered, run_songs, tell_unlabelled
from training.progress import Progress
from training.reading_rates import epoch_intervals, interval_rates, left_out
from training.teacher import Teacher
from training.train_source import train_source


class RunData:
    """What a run reads, and which songs trained its network."""

    def __init__(self, config: Config, source: Source | None, teacher: Teacher | None):
        """The shards that `config` says, or a `source` of other intervals to train on.

        A `teacher` adds music without labels. Raises OverlapError where what trains is to validate
        or to test.
        """
        self._config = config
        self.train = source or train_source(config)
        self.valid = shards_of(config, config, config.train.datasets, "valid")
        self._songs = run_songs(config, self.train, self.valid)
        if source is None:
            refuse_leaks(config, self._songs)
        setting = config.train
        self.rates = interval_rates(self.train, setting.balance, setting.dataset_weights)
        steps = step_count(epoch_intervals(self.train, self.rates), setting.global_batch_size)
        self.steps_an_epoch = limited(steps, setting.limit_fraction)
        self.fingerprint = "+".join((
            self.train.fingerprint, *([teacher.fingerprint] if teacher else []),
            *left_out(self.rates),
        ))  # fmt: skip
        self.trained_on = trains_on(config.model_dump(mode="json"))
        self.trained_songs = remembered(self._songs)
        if teacher:
            tell_unlabelled(teacher.songs, self._songs)
            self.trained_songs = self.trained_songs.with_those_of(teacher.songs)

    def inherit(self, checkpoint: Checkpoint) -> None:
        """What trained the weights that a run begins with is what it trained on, too."""
        self.trained_on = tuple(dict.fromkeys((*checkpoint.trained_on, *self.trained_on)))
        before = trained_by(checkpoint, self._config)
        refuse_trained(self._config, before, self._songs)
        self.trained_songs = self.trained_songs.with_those_of(before)

    def stream(self, progress: Progress, process: int, processes: int) -> Stream:
        """What is left of the epoch for one of so many processes."""
        setting = self._config
        return training_stream(
            self.train, setting.train.global_batch_size, process, processes, setting.train.seed,
            progress.epoch, setting.stream.lanes, setting.stream.block_intervals, progress.step,
            self.rates, setting.train.limit_fraction, setting.stream.max_bad_samples, progress.lost,
        )  # fmt: skip

    def read_again(self, progress: Progress) -> str:
        """What of the epoch a run that goes on reads a second time, in words; "" if nothing."""
        if self._config.stream.reader != "webdataset" or not progress.step:
            return ""
        return (
            f"the shards of a stream begin anew: what epoch {progress.epoch + 1} has read of them "
            'before is read again; only stream.reader = "index" goes on exactly'
        )
