"""What a file is that is no music, by its beginning: users take pages and pictures for songs."""

import codecs
import re

BEGINNINGS = (
    (rb"\x89PNG\r\n", "a PNG picture"),
    (rb"\xff\xd8\xff[\xc0-\xfe]", "a JPEG picture"),
    (rb"GIF8[79]a", "a GIF picture"),
    (rb"RIFF....WEBP", "a WebP picture"),
    (rb"II\*\0|MM\0\*", "a TIFF picture"),
    (rb"%PDF-", "a PDF document"),
    (rb"PK(\x03\x04|\x05\x06)", "a ZIP archive"),
    (rb"\x1f\x8b\x08", "a gzip archive"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (rb"Rar!\x1a\x07", "a RAR archive"),
    (rb"MThd\0\0\0\x06|RIFF....RMID", "MIDI, which has notes and no sound"),
)
TEXTS = (  # what a text may begin with, in lower case
    (r"<!doctype html|<html|<head|<body", "an HTML page"),
    (r"<\?xml|<!--|<\w", "XML or HTML"),
    (r"#extm3u|\[playlist\]", "a playlist, which names songs and holds none"),
    (r"[{\[]\s*[\"{\[]", "JSON"),
)
MARKS = (  # of byte order, the longer ones first
    (codecs.BOM_UTF8, "utf-8", ""),
    (codecs.BOM_UTF32_LE, "utf-32-le", " in UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", " in UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", " in UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", " in UTF-16"),
)
UNMARKED = (("utf-8", ""), ("utf-16-le", " in UTF-16"), ("utf-16-be", " in UTF-16"))
CONTROLS = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
OLD_CONTROLS = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
SHORTEST_TEXT = 16  # bytes: fewer may be the beginning of anything


def kind_of(head: bytes) -> str:
    """What a file that begins with `head` is, in words; "" if it may be music."""
    for beginning, kind in BEGINNINGS:
        if re.match(beginning, head, re.DOTALL):
            return kind
    return _kind_of_text(head) if len(head) >= SHORTEST_TEXT else ""


def _kind_of_text(head: bytes) -> str:
    for mark, encoding, said in MARKS:
        if head.startswith(mark):
            text = _decoded(head[len(mark) :], encoding)
            return f"{_plain_kind(text)}{said}" if text else ""
    for encoding, said in UNMARKED:
        # Any two bytes are some character in UTF-16: what is not marked has to be mostly ASCII.
        text = _decoded(head, encoding)
        if text and (not said or sum(map(str.isascii, text)) > 0.8 * len(text)):
            return f"{_plain_kind(text)}{said}"
    if OLD_CONTROLS.search(head):
        return ""
    return f"{_plain_kind(head.decode('latin-1'))} in an older encoding"


def _decoded(data: bytes, encoding: str) -> str:
    """The text, whose last character may be cut; "" if it is none."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return ""
    return "" if CONTROLS.search(text) else text


def _plain_kind(text: str) -> str:
    start = text.lstrip().lower()
    return next((kind for beginning, kind in TEXTS if re.match(beginning, start)), "text")
