"""Clips on the page, in a real browser."""

import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from browsed import CHROMIUM, opened, saved, send_clip, served

from clips import write_clip, write_sound
from idennet.faces.finder import FoundFace
from idennet.inference.analyser import Analyser
from idennet.models.action_units import ActionUnitModel
from planted import PlantedFinder, planted_face, planted_picture

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


def test_a_clip_is_followed_and_every_output_is_saved(page, tmp_path: Path) -> None:
    send_clip(page, tmp_path, [planted_picture(2)] * 12)
    page.wait_for_selector("#jobs li", state="detached")
    assert "12 frames in 0.5 s" in page.locator("#timeline-note").inner_text()
    page.get_by_label("Position in the clip").press("End")
    assert "seconds: " in page.get_by_label("Position in the clip").get_attribute("aria-valuetext")
    assert page.locator(".box").count() == 2
    assert page.get_by_role("button", name="Play").count() == 0  # no browser knows FFV1
    starts = {"CSV": b"file,", "JSON lines": b"{", "Parquet": b"PAR1", "report": b"<!doctype"}
    for title in ("CSV", "JSON lines", "Parquet", "episodes", "overlay", "report"):
        content = saved(page, f"clip.mkv, {title}", "link").read_bytes()
        assert content.lower().startswith(starts.get(title, b"").lower())
        assert content


def test_a_clip_is_played_and_stopped(page, tmp_path: Path) -> None:
    page.set_input_files(
        "#files", write_clip(tmp_path / "clip.webm", [planted_picture(0)] * 250, codec="libvpx")
    )
    page.wait_for_selector("#jobs li", state="detached")
    page.get_by_role("button", name="Play", exact=True).press("Enter")
    page.get_by_role("button", name="Pause", exact=True).press("Enter")
    page.wait_for_selector("#actions :text-is('Play')")
    assert page.locator("video").evaluate("video => video.paused")


def test_a_clip_is_cancelled(page, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled, analyse_all = threading.Event(), Analyser.analyse_all

    def slow(*arguments):
        for result in analyse_all(*arguments):
            yield result
            cancelled.wait()

    monkeypatch.setattr(Analyser, "analyse_all", slow)
    try:
        send_clip(page, tmp_path, [planted_picture(1)] * 3)
        page.wait_for_selector("#jobs :text('1 frame read')")
        page.get_by_role("button", name="Cancel").click()
        page.wait_for_selector("#jobs li", state="detached")
    finally:
        cancelled.set()
    while "idennet_clips 0.0" not in page.request.get(f"{address}metrics").text():
        time.sleep(0.05)
    assert page.locator("#messages").inner_text() == ""
    assert page.locator("#work").is_hidden()


class LeavingFinder(PlantedFinder):
    """Finds nobody in dark pictures, two people in grey ones, and the second of them in light ones."""

    def find(self, picture: np.ndarray) -> list[FoundFace]:
        shade = int(picture[0, 0, 0])
        return [planted_face(number) for number in (0, 1) if shade > 50 and (number or shade < 150)]


def test_a_clip_begins_where_whoever_is_seen_most_is_seen(
    browser, random_weights: Path, tmp_path: Path
) -> None:
    analyser = Analyser(LeavingFinder(), ActionUnitModel.open(random_weights))
    shades = [0] * 10 + [148] * 5 + [152] * 10
    with served(analyser) as address, opened(browser, address) as page:
        send_clip(page, tmp_path, [np.full((480, 640, 3), shade, np.uint8) for shade in shades])
        page.wait_for_selector("#jobs li", state="detached")
        assert page.get_by_label("Name of this person").input_value() == "Person 2"
        assert "Person 2 is seen in 15." in page.locator("#timeline-note").inner_text()
        assert page.locator("#scrub").input_value() == "0.4"
        assert page.locator("#reading .says").inner_text() != "Not seen here."


def test_a_frame_without_a_face_can_be_looked_at_closely_too(
    browser, random_weights: Path, tmp_path: Path
) -> None:
    """And the clip, chosen again, begins where whoever is seen most is seen."""
    analyser = Analyser(LeavingFinder(), ActionUnitModel.open(random_weights))
    pictures = [np.full((480, 640, 3), shade, np.uint8) for shade in [0] * 10 + [145] * 5 + [155] * 10]
    with served(analyser) as address, opened(browser, address) as page:
        page.set_input_files("#files", write_clip(tmp_path / "clip.webm", pictures, codec="libvpx"))
        page.wait_for_selector("#jobs li", state="detached")
        persons = page.locator("#actions button:has-text('Person')")
        assert persons.all_inner_texts() == ["Person 2", "Person 1"]
        page.get_by_label("Position in the clip").press("Home")
        page.wait_for_function("document.querySelector('video').currentTime === 0")
        page.get_by_role("button", name="Look closely at this frame").click()
        page.wait_for_selector("#figure img")
        assert page.locator("#caption").inner_text() == "clip.webm at 0.00 s"
        assert page.get_by_label("Name of this person").input_value() == "No face"
        page.locator("#faces button:has-text('Clip')").click()
        assert page.get_by_label("Name of this person").input_value() == "Person 2"
        assert page.locator("#scrub").input_value() == "0.4"


def test_of_a_video_whose_pictures_no_browser_plays_that_is_said(page, tmp_path: Path) -> None:
    silent = write_clip(tmp_path / "silent.mp4", [planted_picture(1)] * 5, codec="mpeg4")
    with (
        av.open(str(silent)) as pictures,
        av.open(str(write_sound(tmp_path / "sound.mp4"))) as sound,
        av.open(str(tmp_path / "both.mp4"), "w") as both,
    ):
        for source in (pictures, sound):
            both.add_stream_from_template(source.streams[0])
        for source, stream in zip((pictures, sound), both.streams, strict=True):
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = stream
                    both.mux(packet)
    page.set_input_files("#files", tmp_path / "both.mp4")
    page.wait_for_selector("#jobs li", state="detached")
    page.wait_for_selector("#caption:has-text('This browser cannot show both.mp4')")
    assert page.get_by_role("button", name="Play").count() == 0
