"""One call of the command line: from what was asked for to what is printed, written and kept."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from songkey.arrange import Rows, as_they_come, in_order, mixing
from songkey.counted import counted
from songkey.errors import AudioKeyError, printable
from songkey.extra import needing
from songkey.journal import Journal
from songkey.keys import KEYS, Key
from songkey.listening import Listening
from songkey.listing import listed
from songkey.networkfile import open_network
from songkey.output import form_of
from songkey.row import Columns, Row
from songkey.screen import NobodyReads, Screen, ended_quietly
from songkey.spelling import spelling
from songkey.workers import Answer, Apart, Order, answer_of, answers, hired, worker_count


def name_keys(arguments: Namespace, model: str | Path | None) -> None:
    """Print each file's key, then raise AudioKeyError if some have no answer, or not their tag."""
    found = list(listed(arguments.paths))
    if arguments.timeline_picture and len(found) != 1:
        raise AudioKeyError(f"--timeline-picture draws one song: give one, not {len(found)}")
    with ExitStack() as stack:
        call = _Call(arguments, model, stack.enter_context(Screen(len(found))))
        if arguments.resume:
            journal = Journal(arguments.resume, model, arguments.minor_prior)
            call.journal = stack.enter_context(journal)
        try:
            call.answer(found)
        except NobodyReads:
            ended_quietly()
    if call.failed:
        raise AudioKeyError(f"{counted(call.failed, 'file')} could not be used, see above")
    if call.untagged:
        raise AudioKeyError(f"{counted(call.untagged, 'file')} did not get a tag, see above")


class _Call:
    """What the files of one call have in common."""

    def __init__(self, arguments: Namespace, model: str | Path | None, screen: Screen):
        self.arguments, self.screen = arguments, screen
        picture = bool(arguments.timeline_picture)
        self.order = Order(model, arguments.minor_prior, arguments.timeline or picture, picture)
        self.columns = Columns(
            spelling(arguments.notation), min(arguments.top, len(KEYS)), arguments.tuning,
            arguments.timeline, arguments.write_tags, bool(arguments.compatible_with),
        )  # fmt: skip
        self.spell_tag = spelling(arguments.tag_notation or "short")
        self.journal: Journal | None = None
        self.failed = self.untagged = 0

    def answer(self, found: Sequence[Path | AudioKeyError]) -> None:
        """Print the rows of all files."""
        already: dict[int, Answer] = {}
        todo: dict[int, Path] = {}
        for number, one in enumerate(found):
            if isinstance(one, AudioKeyError):
                already[number] = one
            elif kept := self._kept(one):
                already[number] = kept
            else:
                todo[number] = one
        count = min(self.arguments.workers or worker_count(len(todo)), max(1, len(todo)))
        with hired(self.order, count) as workers:
            playing = self._playing(workers[0]) if self.columns.matches else None
            heard = chain(already.items(), answers(todo, workers))
            rows = (
                (number, self._row(found[number], one, number in todo)) for number, one in heard
            )
            with form_of(self.arguments, self.columns, self.screen.line) as form:
                for row in self._arranged(rows, playing):
                    form.add(row)

    def _kept(self, path: Path) -> Listening | None:
        if self.journal is None or self.order.picture:
            return None
        return self.journal.answer(path, self.order.timeline)

    @property
    def _song(self) -> Path:
        """The song that others are to mix with."""
        return Path(self.arguments.compatible_with).expanduser()

    def _playing(self, worker: Apart) -> Key:
        """Its key."""
        song = self._song
        answer = self._kept(song) or answer_of(worker, song)
        if isinstance(answer, AudioKeyError):
            raise answer
        if not answer.estimate.is_clear:
            raise AudioKeyError(
                f"{printable(song)}: no clear key, so nothing is known to mix with it"
            )
        return answer.estimate.key

    def _row(self, path: Path | AudioKeyError, answer: Answer, new: bool) -> Row | None:
        """A file's row, once its tag and picture are written and its answer is kept."""
        self.screen.advance()
        if isinstance(path, AudioKeyError) or isinstance(answer, AudioKeyError):
            self.failed += 1
            self.screen.complain(f"no key: {answer}")
            return None
        tag, state = "", ""
        if self.arguments.write_tags and answer.estimate.is_clear:
            tag, state = self._tag(path, answer)
        if self.arguments.timeline_picture:
            self._draw(answer)
        if self.journal and (new or state == "written"):  # which has changed the file
            self.journal.keep(path, answer)
        return Row(path, answer, tag, state)

    def _tag(self, path: Path, heard: Listening) -> tuple[str, str]:
        with needing("tags"):
            from songkey.tagging import write_key
        arguments, text = self.arguments, self.spell_tag(heard.estimate.key)
        try:
            return write_key(path, text, arguments.keep_existing, arguments.dry_run)
        except AudioKeyError as error:
            self.untagged += 1
            self.screen.complain(f"no tag: {error}")
            return "", ""

    def _draw(self, heard: Listening) -> None:
        with needing("pictures"):
            from songkey.picture import write_picture
        _, info = open_network(self.order.model, threads=1)
        write_picture(Path(self.arguments.timeline_picture), heard, info, self.columns.spell)

    def _arranged(self, rows: Rows, playing: Key | None) -> Iterable[Row]:
        if playing:
            return mixing(rows, playing, self._song.resolve())
        return as_they_come(rows) if self.arguments.jsonl else in_order(rows)
