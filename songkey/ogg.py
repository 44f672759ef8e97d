"""Ogg pages (RFC 3533): whether the last one is there, and where chained streams begin."""

import os
import re

from songkey.container import BinaryStream

PAGE = b"OggS"
MAX_PAGE_BYTES = 65_307  # 27 of header, 255 of segment table, 255 segments of 255
FIRST_PAGE = re.compile(
    rb"OggS\0[\x02\x06]"
)  # it begins a stream, and may be the stream's last too
SCANNED_BYTES = 2**20


def ends_whole(file: BinaryStream) -> bool:
    """Whether the last page is complete, and no packet of it goes on in another.

    Its flag says that the stream ends, but many programs that save a broadcast do not set it.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * MAX_PAGE_BYTES))
    tail = file.read(2 * MAX_PAGE_BYTES)
    page = tail[tail.rfind(PAGE) :] if PAGE in tail else b""
    if len(page) < 27:
        return False
    segments = page[27 : 27 + page[26]]
    complete = len(page) >= 27 + page[26] + sum(segments)
    goes_on = segments.endswith(b"\xff") and not page[5] & 4
    return complete and not goes_on


def has_pages_of_sound(file: BinaryStream, least: int) -> bool:
    """Whether a stream that begins with the file has so many.

    Headers are at position 0, and at -1 where one goes on in the next page.
    """
    at, found = 0, 0
    while found < least and (size := _page_bytes(file, at)):
        file.seek(at + 6)
        found += file.read(8) not in (b"\0" * 8, b"\xff" * 8)
        at += size
    return found >= least


def chain(file: BinaryStream, start: int, end: int) -> list[tuple[int, int]]:
    """Where each of the streams that follow each other between two places begins and ends.

    Streams side by side, such as sound and subtitles, are one: all begin before any goes on.
    """
    starts, after_last = [], start
    for at in _first_pages(file, start, end):
        if at != after_last:
            starts.append(at)
        after_last = at + _page_bytes(file, at)
    return list(zip([start, *starts], [*starts, end], strict=True))


def _first_pages(file: BinaryStream, start: int, end: int) -> list[int]:
    found, overlap = [], 5  # a page's beginning may lie across two reads
    for at in range(start, end, SCANNED_BYTES):
        file.seek(at)
        data = file.read(min(SCANNED_BYTES + overlap, end - at))
        found += [at + match.start() for match in FIRST_PAGE.finditer(data)]
    return found


def _page_bytes(file: BinaryStream, at: int) -> int:
    file.seek(at + 26)
    table = file.read(256)
    return 27 + table[0] + sum(table[1 : 1 + table[0]]) if table else 0
