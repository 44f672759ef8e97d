"""Laws of the local page as a person meets it, in a real browser: by mouse, keys and ear."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from browser import browser, driven
from served import Served, served

from songkey.detector import Detector
from songkey.keys import KEYS
from songkey.matches import compatible
from songs import synthetic

pytestmark = pytest.mark.skipif(browser() is None, reason="no browser is installed")
playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

RATE = 11_025
WAIT_MS = 60_000  # of a busy machine
DROP = """([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    const options = { dataTransfer, bubbles: true, cancelable: true };
    document.querySelector("main").dispatchEvent(new DragEvent("drop", options));
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two songs of 70 s in two keys, one after the other; noise; and what is no music."""
    folder = tmp_path_factory.mktemp("songs")
    made = [song.audio_path for song in synthetic.songs(4, 70.0, seed=22)[1:3]]
    samples = np.concatenate([synthetic.render(path, RATE) for path in made])
    soundfile.write(folder / "two songs.wav", samples, RATE)
    noise = np.random.default_rng(0).standard_normal(25 * RATE) / 10
    soundfile.write(folder / "<b>rain &amp;.wav", noise, RATE)
    (folder / "broken.mp3").write_bytes(b"no music" * 99)
    return folder


@pytest.fixture(scope="module")
def heard(folder):
    """What a Detector hears in the two songs."""
    return Detector().listen(folder / "two songs.wav", timeline=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("temporary"), "--limit-mb", "4") as one:
        yield one


@contextmanager
def opened(server: Served, **options):
    """The page, which asks for nothing from elsewhere and keeps to its own policy."""
    with driven(**options) as page:
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.goto(server.address)
        yield page
        own = (server.address, f"blob:{server.address}")
        assert not [url for url in asked if not url.startswith(own)]
        assert not [line for line in complaints if "422" not in line]


def drop(page, path: Path) -> None:
    page.evaluate(DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])


def signed(name: str) -> str:
    """As people write it."""
    return re.sub(r"^([A-G])b", r"\1♭", re.sub(r"^([A-G])#", r"\1♯", name))


def spoken(name: str) -> str:
    return re.sub(r"^([A-G])b", r"\1 flat", re.sub(r"^([A-G])#", r"\1 sharp", name))


def test_a_song_that_is_dropped_shows_all_that_is_heard_in_it(server, folder, heard):
    estimate = heard.estimate
    with opened(server) as page:
        drop(page, folder / "two songs.wav")
        expect(page.get_by_role("heading", level=2)).to_have_text("two songs.wav", timeout=WAIT_MS)
        expect(page.locator("#key")).to_have_text(signed(str(estimate.key)))
        expect(page.locator("#notations")).to_contain_text(estimate.key.camelot)
        meter = page.get_by_role("meter", name="Confidence")
        assert float(meter.get_attribute("value")) == pytest.approx(estimate.confidence, abs=1e-4)
        named = page.get_by_role("region", name="Key", exact=True).get_by_role("listitem")
        assert [text.split() for text in named.all_inner_texts()] == [
            [key.camelot, *signed(str(key)).split(), *match.split()]
            for key, match in compatible(estimate.key).items()
        ]
        rows = page.get_by_role("table", name="Most probable keys").get_by_role("row")
        best = [signed(str(key)) for key, _ in estimate.candidates(6)]
        assert rows.get_by_role("rowheader").all_inner_texts() == best
        segments = page.locator("#circle g title").all_text_contents()
        assert {text.split(",")[0] for text in segments} == {signed(str(key)) for key in KEYS}
        painted = page.evaluate(
            "() => { const c = document.getElementById('cqt');"
            "return [...new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)] }"
        )
        assert len(painted) > 50


def test_a_screen_reader_is_told_the_answer_the_circle_and_each_part(server, folder, heard):
    name = spoken(str(heard.estimate.key))
    with opened(server) as page:
        page.get_by_label("Choose songs", exact=True).last.set_input_files(folder / "two songs.wav")
        status = page.get_by_role("status")
        expect(status).to_contain_text(f"two songs.wav: {name}, Camelot", timeout=WAIT_MS)
        circle = page.get_by_role("img", name="Circle of fifths")
        expect(circle).to_have_accessible_name(re.compile(f"Most probable: {name} "))
        parts = page.get_by_role("list", name="Key over time").get_by_role("button")
        for part, span in zip(parts.all(), heard.spans, strict=True):
            expect(part).to_have_accessible_name(re.compile(spoken(str(span.key))))
        slider = page.get_by_role("slider", name="Position in the song")
        assert slider.get_attribute("aria-valuetext").startswith("0:00 of 2:20, ")
        headings = page.get_by_role("heading").all_inner_texts()
        assert headings == ["songkey", "two songs.wav", "Mixes with"]
        unnamed = page.evaluate(
            "() => [...document.querySelectorAll('button, input, audio, [role]')]"
            ".filter((one) => !one.textContent.trim() && !one.ariaLabel && !one.labels?.length)"
            ".map((one) => one.id)"
        )
        assert set(unnamed) <= {"errors"}  # which is empty


def asked_by_space(page):
    """The dialogue for files that the space bar opens; a busy browser may not see the first."""
    for timeout in (5_000, 5_000, WAIT_MS):
        with suppress(playwright.TimeoutError):
            with page.expect_file_chooser(timeout=timeout) as chosen:
                page.keyboard.press("Space")
            return chosen.value
    raise AssertionError("the space bar opens no dialogue for files")


def test_all_can_be_done_by_keyboard(server, folder, heard):
    with opened(server) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "files"
        asked_by_space(page).set_files(folder / "two songs.wav")
        second = page.locator("#timeline button").nth(1)
        expect(second).to_be_visible(timeout=WAIT_MS)
        while not second.evaluate("(one) => one === document.activeElement"):
            page.keyboard.press("Tab")
        assert second.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
        page.keyboard.press("Enter")  # it plays from there
        expect(second).to_have_attribute("aria-current", "true")
        page.locator("#seek").focus()
        page.keyboard.press("Space")
        assert page.evaluate("document.getElementById('audio').paused")
        for key, place in [("Home", 0), ("ArrowRight", 5), ("PageUp", 35), ("ArrowLeft", 30),
                           ("PageDown", 0), ("End", 140)]:  # fmt: skip
            page.keyboard.press(key)
            assert page.evaluate("document.getElementById('audio').currentTime") == place
        assert page.locator("#seek").get_attribute("aria-valuenow") == "140.0"


def test_the_cursor_moves_while_the_song_plays_and_to_where_one_clicks(server, folder):
    with opened(server) as page:
        drop(page, folder / "two songs.wav")
        seek = page.locator("#seek")
        expect(seek).to_be_visible(timeout=WAIT_MS)
        width = seek.bounding_box()["width"]
        seek.click(position={"x": width / 2, "y": 40})
        at = "parseFloat(document.getElementById('cursor').style.getPropertyValue('--at'))"
        assert page.evaluate(at) == pytest.approx(50, abs=1)
        page.locator("#timeline button").first.click()
        places = []
        for _ in range(4):
            page.wait_for_timeout(400)
            places.append(page.evaluate(at))
        assert places[0] < 50 and all(before < after for before, after in pairwise(places))


def test_several_songs_are_answered_in_their_order_and_each_error_is_said(server, folder):
    with opened(server) as page:
        names = ["two songs.wav", "broken.mp3", "<b>rain &amp;.wav"]
        (folder / "large.wav").write_bytes(bytes(4_000_001))
        page.locator("#files").set_input_files([folder / name for name in [*names, "large.wav"]])
        errors = page.get_by_role("alert").locator("p")
        expect(errors).to_have_count(2, timeout=WAIT_MS)
        assert errors.all_inner_texts() == [
            "broken.mp3: not audio: it is text; give a music file",
            "large.wav: larger than 4 MB; give a smaller file, or a higher --limit-mb",
        ]
        songs = page.get_by_role("region", name="Songs", exact=True).get_by_role("button")
        assert songs.locator(".file").all_inner_texts() == [*names, "large.wav"]
        assert [one.is_enabled() for one in songs.all()] == [True, False, True, False]
        songs.nth(2).click()
        expect(page.get_by_role("heading", level=2)).to_have_text("<b>rain &amp;.wav")
        expect(page.locator("#key")).to_have_text("No clear key")
        expect(page.locator("#compatible li")).to_have_count(0)
        expect(page.get_by_text("nothing is known to mix with it")).to_be_visible()


def luminance(colour: str) -> float:
    """WCAG's, of rgb(...)."""
    parts = np.array(re.findall(r"\d+", colour)[:3], float) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


COLOURS = """() => [...document.querySelectorAll(
    'p, h1, h2, h3, li span, th, td, caption, button, label, circle text, #circle text, #times span'
)].filter((one) => one.textContent.trim() && one.getClientRects().length).map((one) => {
    const svg = one.closest('g');
    if (svg) return [getComputedStyle(one).fill, getComputedStyle(svg.querySelector('path')).fill];
    let ground = one;
    while (/rgba\\(.* 0\\)/.test(getComputedStyle(ground).backgroundColor)) {
        ground = ground.parentElement;
    }
    return [getComputedStyle(one).color, getComputedStyle(ground).backgroundColor];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_contrasts_with_what_it_stands_on(server, folder, scheme):
    with opened(server, color_scheme=scheme) as page:
        page.locator("#files").set_input_files([folder / "broken.mp3", folder / "two songs.wav"])
        expect(page.locator("#song")).to_be_visible(timeout=WAIT_MS)
        pairs = page.evaluate(COLOURS)
    assert len(pairs) > 100
    ground = luminance(pairs[0][1])
    assert ground > 0.8 if scheme == "light" else ground < 0.05
    for pair in pairs:
        darker, lighter = sorted(map(luminance, pair))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, pair


@pytest.mark.parametrize("width", [320, 700, 1280])
def test_the_page_fits_any_width(server, folder, width):
    with opened(server, viewport={"width": width, "height": 900}) as page:
        drop(page, folder / "<b>rain &amp;.wav")
        expect(page.locator("#song")).to_be_visible(timeout=WAIT_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
