"""The page in a real browser, with a video: the Chromium that is there; none is downloaded."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted_clip import FRAMES, clip_results, write_results

from clips import write_clip
from idennet.timelines.recording import read_recordings
from idennet.timelines.view import view, write_films

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view")
    video = write_clip(folder / "talk.mp4", [np.full((120, 340, 3), 90, np.uint8)] * FRAMES, codec="libx264")
    results = clip_results(str(video))
    photograph = replace(results[-1], source="a.jpg", path=None, frame=None, time=None)
    return view(read_recordings(write_results(folder / "r", [*results, photograph])), folder / "out")[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["desk", "phone"])
def page(browser, path: Path, request: pytest.FixtureRequest):
    """The page, opened; at the end no error was raised and nothing was asked of anybody."""
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda asked: faults.append(asked.url) if asked.url.startswith("http") else None)
    page.set_default_timeout(120_000)
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    yield page
    assert faults == []
    page.close()


def test_a_click_on_the_timeline_moves_the_video_and_the_bars(page) -> None:
    spot = page.locator("#map").bounding_box()
    page.mouse.click(spot["x"] + 0.41 * spot["width"], spot["y"] + 8 * 20 + 10)  # row of AU12, 0.82 s
    page.wait_for_function("Math.abs(document.querySelector('video').currentTime - 0.8) < 0.03")
    assert "AU12 lip corner puller 90 %" in page.inner_text("#shown")
    assert "AU12" in page.inner_text("#curve-name")
    assert "frame 21 of 50" in page.inner_text("#clock")


def test_playing_moves_the_playhead(page) -> None:
    page.evaluate("document.querySelector('video').play()")
    page.wait_for_function("+document.querySelector('#clock').textContent.match(/frame (\\d+)/)[1] > 5")


def test_people_are_chosen_by_name(page) -> None:
    page.click("text=person 2")
    assert "person 2 is not found here" in page.inner_text("#shown")
    hint = page.inner_text("#summary-hint")
    assert hint.endswith("found in 20 of 50 frames; times are usually exact to 0.04 s.")


def test_of_one_frame_the_page_does_not_say_how_exact_times_are(browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(
        view(read_recordings(write_results(tmp_path / "r", clip_results()[:1])), tmp_path / "out")[0].as_uri()
    )
    assert page.inner_text("#summary-hint").endswith("found in 1 of 1 frames.")
    page.close()


def test_where_a_video_was_not_read_the_page_says_so(browser, tmp_path: Path) -> None:
    video = write_clip(tmp_path / "long.mp4", [np.full((120, 340, 3), 90, np.uint8)] * 100, codec="libx264")
    later = [replace(one, time=one.time + 1, frame=one.frame + 25) for one in clip_results(str(video))]
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(view(read_recordings(write_results(tmp_path / "r", later)), tmp_path / "out")[0].as_uri())
    page.wait_for_selector("#span:not([hidden])")
    assert page.inner_text("#span") == "Read from 0:01.00 to 0:03.00; the video is 0:04.00 long."
    page.wait_for_function("document.querySelector('video').currentTime >= 1")
    page.evaluate("document.querySelector('video').currentTime = 3.6")
    page.wait_for_selector("#shown:has-text('not read here')")
    page.click("#map")
    page.wait_for_function("document.querySelector('#clock').textContent.includes('frame')")
    page.close()


def test_the_film_is_played_where_the_video_is_not(browser, tmp_path: Path) -> None:
    """Also where only the browser knows that it does not play the video."""
    frames = [np.full((120, 340, 3), 90, np.uint8)] * FRAMES
    old = write_clip(tmp_path / "old.mp4", frames, codec="mpeg4")
    broken = write_clip(tmp_path / "broken.mp4", frames, codec="libx264")
    results = [*clip_results(str(old)), *clip_results(str(broken))]
    folder = write_results(tmp_path / "r", results)
    films = list(write_films(read_recordings(folder), folder))
    broken.write_bytes(b"no video")
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(view(read_recordings(folder), folder, films)[0].as_uri())
    for name, why in (
        ("old", "Browsers do not play videos that are stored as mpeg4."),
        ("broken", "This browser does not play broken.mp4."),
    ):
        page.click(f"#clips button:has-text('{name}')")
        page.wait_for_selector(f"#instead:has-text('{why}')")
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        assert "This is the film" in page.inner_text("#instead")
        assert page.evaluate("document.querySelector('video').videoHeight") == 480
        assert not page.is_visible("#gone")
        assert not page.is_visible("#over")
        spot = page.locator("#map").bounding_box()
        page.mouse.click(spot["x"] + 0.41 * spot["width"], spot["y"] + 10)
        page.wait_for_function("Math.abs(document.querySelector('video').currentTime - 0.8) < 0.03")
    page.close()


def test_the_summary_is_not_cut_on_a_phone(page) -> None:
    """It fits, or scrolls in its own box, also by keyboard."""
    box = page.locator(".scroll")
    assert box.evaluate("e => e.scrollWidth <= e.clientWidth || getComputedStyle(e).overflowX === 'auto'")
    assert box.get_attribute("tabindex") == "0"


def test_nothing_is_wider_than_the_screen(page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everybody_on_photographs_can_be_chosen(page) -> None:
    page.click("#clips button:has-text('photographs')")
    page.click("#people button:has-text('person 2')")
    assert "person 2: 1 face in 1 photograph" in page.inner_text("#summary-hint")
    page.click("#clips button:has-text('talk')")
    page.click("#people button:has-text('person 1')")
    assert page.is_visible("#map")
