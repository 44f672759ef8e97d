"""Laws of the report: all tables and pictures are in one page, which needs nothing else."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import browser, rendered, screenshot
from bs4 import BeautifulSoup
from PIL import Image

from evaluation.answers import Answers, SongAnswer, Unanswered, reliability_of
from evaluation.calibration import reliability
from evaluation.provenance import commit
from evaluation.report import WORST_SONGS, report_html, write_report
from evaluation.strata import by_dataset, by_genre, by_label_source, interval_scores, song_scores
from model.metrics import MirexScore, table_rows
from songkey.estimate import KeyEstimate
from songkey.keys import KEYS

EVIL = "<script>document.title = 'evil'</script>"
FACTS = {"Checkpoint": "a & b.safetensors", "Date": "2026-01-01"}
PICTURES = 4  # of a data set
COUNT_PICTURES = """
<script>
addEventListener("load", () => {
  const sizes = [...document.images].map(image => image.naturalWidth * image.naturalHeight);
  document.body.dataset.seen = sizes.filter(size => size > 0).length;
});
</script>
"""


def song(number: int, dataset: str, source: str) -> SongAnswer:
    """A song that is right two times in three, by an answer of its own confidence."""
    random = np.random.default_rng(number)
    probabilities = random.dirichlet(np.full(24, 0.1))
    answer = int(probabilities.argmax())
    key = answer if number % 3 else (answer + 7) % 12 + 12 * (answer // 12)
    estimate = KeyEstimate(KEYS[answer], float(probabilities[answer]), tuple(probabilities))
    name = f"{EVIL} {number}" if number == 0 else f"song {number}"
    genre = ("House", "Techno", "")[number % 3] if dataset == "ncs" else ""
    return SongAnswer(
        dataset, name, KEYS[key], estimate, MirexScore(correct=2, other=1), source, genre
    )


@pytest.fixture(scope="module")
def answers() -> Answers:
    """Two data sets, one of them with two label sources."""
    songs = [song(number, "gs", "annotations") for number in range(90)]
    songs += [song(number, "ncs", ("tags", "labels.csv")[number % 2]) for number in range(90, 150)]
    bins = reliability([0.9, 0.5], [True, False])
    return Answers(
        tuple(songs), 1.0, (Unanswered("ncs", "lost <b>song</b>", 4),), {"gs": bins, "ncs": bins}
    )


@pytest.fixture(scope="module")
def page(answers) -> BeautifulSoup:
    return BeautifulSoup(report_html(FACTS, answers, "test"), "html.parser")


def tables(page: BeautifulSoup) -> dict[str, list[list[str]]]:
    """{title: rows of cells} of all tables."""
    return {
        title.get_text(): [
            [cell.get_text() for cell in row.find_all(["th", "td"])]
            for row in title.find_next("table").find_all("tr")
        ]
        for title in page.find_all("h3")
    }


def test_the_scores_are_those_of_each_data_set_of_all_and_of_strata(page, answers):
    found, sets = tables(page), by_dataset(answers.songs)
    assert found["Full songs"] == table_rows(song_scores(sets, "test"), "songs")
    assert found["Intervals"] == table_rows(interval_scores(sets, "test"), "intervals")
    strata = song_scores(by_label_source(answers.songs), "test")
    assert found["By label source"] == table_rows(strata, "songs")
    genres = song_scores(by_genre(answers.songs), "test")
    assert found["By genre"] == table_rows(genres, "songs")
    assert {row[0]: row[1] for row in found["By genre"][1:]} == {
        "ncs, House test": "20", "ncs, Techno test": "20", "ncs, unknown test": "20",
    }  # fmt: skip
    rows = found["Full songs"][1:]
    assert [(row[0], row[1]) for row in rows] == [
        ("gs test", "90"), ("ncs test", "60"), ("all sets test", "150"),
    ]  # fmt: skip


def test_strata_share_a_data_set_and_one_stratum_is_none(answers):
    strata = by_label_source(answers.songs)
    assert {name: len(songs) for name, songs in strata.items()} == {
        "ncs, tags": 30, "ncs, labels.csv": 30,
    }  # fmt: skip
    assert not by_label_source(answers.songs[:90])


def test_a_single_data_set_has_no_row_of_all_sets(answers):
    assert list(by_dataset(answers.songs[:90])) == ["gs"]


def test_calibration_is_told_of_songs_and_of_intervals(page, answers):
    rows = {row[0]: row[1:] for row in tables(page)["Confidence and accuracy"]}
    songs = reliability_of(answers.songs)
    assert rows["all sets, songs"][0] == "150"
    assert float(rows["all sets, songs"][3]) == pytest.approx(100 * songs.error, abs=0.05)
    assert rows["gs, intervals"] == ["2", "70.0", "50.0", "30.0"]
    assert rows["all sets, intervals"][0] == "4"


def test_the_worst_songs_are_the_most_confident_errors(page, answers):
    wrong = [one for one in answers.songs if one.estimate.key != one.key]
    title, rows = next(item for item in tables(page).items() if "wrong answers" in item[0])
    assert title == f"{WORST_SONGS} of {len(wrong)} wrong answers"
    most = max(wrong, key=lambda one: one.estimate.confidence)
    assert rows[1][:4] == [most.dataset, most.song_id, str(most.key), str(most.estimate.key)]
    confidences = [float(row[5].rstrip("%")) for row in rows[1:]]
    assert confidences == sorted(confidences, reverse=True) and len(confidences) == WORST_SONGS


def test_every_data_set_has_its_pictures_in_the_page_itself(page):
    pictures = page.find_all("img")
    assert len(pictures) == 3 * PICTURES
    for picture in pictures:
        data = picture["src"].removeprefix("data:image/png;base64,")
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            assert min(image.size) > 300
        assert picture["alt"]


def test_nothing_is_fetched_from_elsewhere_and_nothing_runs(page):
    assert not page.find_all(["script", "link", "iframe", "object", "base"])
    references = [tag[name] for name in ("src", "href") for tag in page.find_all(**{name: True})]
    assert all(reference.startswith("data:") for reference in references)
    assert not re.search(r"https?:|url\(|@import", str(page))


def test_names_show_as_text_whatever_they_hold(page, answers):
    text = page.get_text()
    assert "a & b.safetensors" in text and "lost <b>song</b>" in text
    worst = answers.songs[0].song_id
    everything = Answers((answers.songs[0],), 1.0, (), answers.interval_reliability)
    html = report_html({"Checkpoint": worst}, everything, "test")
    assert EVIL not in html and html.count("&lt;script&gt;") == 2
    assert worst in BeautifulSoup(html, "html.parser").get_text()


def test_songs_with_lost_intervals_are_listed_those_without_any_first(answers):
    partly = replace(answers.songs[7], lost_intervals=2)
    incomplete = replace(answers, songs=(*answers.songs[:7], partly, *answers.songs[8:]))
    page = BeautifulSoup(report_html(FACTS, incomplete, "test"), "html.parser")
    assert tables(page)["6 intervals of 2 songs"] == [
        ["data set", "song", "lost", "read"],
        ["ncs", "lost <b>song</b>", "4", "0"],
        ["gs", "song 7", "2", "3"],
    ]  # fmt: skip
    whole = report_html(FACTS, replace(answers, unanswered=()), "test")
    assert "Lost intervals" not in whole


def test_the_version_is_a_commit_or_unknown():
    assert re.fullmatch(r"unknown|[0-9a-f]{10}(-dirty)?", commit())


@pytest.mark.skipif(browser() is None, reason="no browser is installed")
def test_a_browser_shows_the_tables_and_the_pictures(answers, page, tmp_path):
    file = tmp_path / "new" / "report.html"
    write_report(file, FACTS, answers, "test")
    # The page as it is, but for a script that counts what the browser could decode.
    html = file.read_text("utf-8")
    with_script = html.replace(
        "default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'"
    )
    (tmp_path / "counted.html").write_text(with_script + COUNT_PICTURES, "utf-8")
    seen = BeautifulSoup(rendered(tmp_path / "counted.html", tmp_path / "profile"), "html.parser")
    assert tables(seen) == tables(page)
    assert seen.body["data-seen"] == str(3 * PICTURES)
    screenshot(file, tmp_path / "profile", tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert pixels.shape == (2000, 1300)
    assert 0.005 < (pixels < 128).mean() < 0.5 and len(np.unique(pixels)) > 50
