"""The errors that a user can mend, and how they name files."""

import os
import re

# Control characters, ends of lines, and what says in which direction letters run.
UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

FILE_NOT_FOUND = "file not found"  # what an AudioError's reason begins with; kept in records


class AudioKeyError(ValueError):
    """Says what is wrong, where, and what to do; programs print it in one line and exit with 1.

    Any other exception is a fault of ours and shows its traceback.
    """


class AudioError(AudioKeyError):
    """Audio that cannot be used, and where; `reason` is a countable phrase, details after ": "."""

    def __init__(self, where: str, reason: str):
        super().__init__(where, reason)  # both, because an exception crosses processes as its args
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


def printable(path: object) -> str:
    """A path or address as text that is valid UTF-8: other bytes show as backslash escapes."""
    return os.fsencode(str(path)).decode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    """A text without what moves a terminal's cursor, colours it, or turns letters around."""
    return UNSEEN.sub(lambda unseen: unseen[0].encode("unicode_escape").decode(), text)


def harmless(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(map(one_line, text.split("\n")))
