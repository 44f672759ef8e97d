"""A stand-in for ncs.io: its pages, its songs, and a download folder."""

import io
from functools import cache
from html import escape
from pathlib import Path

import numpy as np
import soundfile
from http_server import Server

from songs.ncs_listing import releases_of, write_listing

PAGE_URL = "https://ncs.test/music?page={page}"
SONGS = {  # tid: (artist, title)
    "t1": ("Janji, Johnning", "Heroes Tonight"),
    "t2": ("Lost Sky", "Fearless (feat. Chris)"),
    "t3": ("Møme", "Ça va & \"more\""),
    "t4": ("Cartoon", "On & On"),
    "t5": ("Cartoon", "On & On (X Remix)"),
    "t6": ("Elektronomia", "Sky High"),
}  # fmt: skip


def button(song: str, base: str = "https://cdn.test", **changes: str | None) -> str:
    """A play button as on ncs.io; a change to None takes an attribute away."""
    artist, title = SONGS[song]
    links = ", ".join(f'<a href="/artist/1">{escape(name)}</a>' for name in artist.split(", "))
    attributes = {
        "tid": song, "track": title, "artist": links, "artistraw": artist, "genre": "House",
        "versions": "Regular, Instrumental", "url": f"{base}/tracks/{song}-song.mp3?x=1", **changes,
    }  # fmt: skip
    text = " ".join(f'data-{name}="{escape(a)}"' for name, a in attributes.items() if a is not None)
    return f'<div class="item"><a class="btn player-play" {text}><i></i></a><p>{title}</p></div>'


def page(*buttons: str) -> bytes:
    menu = '<a class="player-next" data-tid="none">next</a>'
    return f"<!DOCTYPE html><html><body>{menu}{''.join(buttons)}</body></html>".encode()


@cache
def mp3(number: int, seconds: float = 5.0) -> bytes:
    """A tone of its own pitch."""
    sound = 0.3 * np.sin(np.arange(round(seconds * 11_025)) * (0.05 + 0.01 * number))
    file = io.BytesIO()
    soundfile.write(file, sound, 11_025, format="MP3")
    return file.getvalue()


def open_site(server: Server) -> None:
    """Put there the songs, and three releases on each of two pages, one on all, and on a third."""
    for number, tid in enumerate(SONGS):
        server.files[f"/tracks/{tid}-song.mp3?x=1"] = mp3(number)
    buttons = [button(tid, server.url()) for tid in SONGS]
    pages = [buttons[:3], [buttons[0], *buttons[2:]], [buttons[0]]]
    for number, shown in enumerate(pages, start=1):
        server.files[f"/music?page={number}"] = page(*shown)


def mirror(server: Server) -> list[str]:
    """The settings that ask the stand-in on `server`, without a pause."""
    return [
        f'datasets.ncs.listing_url="{server.url("/music?page={page}")}"',
        "datasets.ncs.expected_releases=6",
        "datasets.ncs.pause_seconds=0",
    ]


def fill_download_folder(folder: Path) -> Path:
    """Put there what a whole download leaves; gives the folder of the data set."""
    folder = folder / "ncs"
    write_listing(folder / "listing.jsonl", releases_of(page(*map(button, SONGS)), PAGE_URL))
    (folder / "audio").mkdir()
    for number, tid in enumerate(SONGS):
        (folder / f"audio/{tid}.mp3").write_bytes(mp3(number))
    return folder


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
