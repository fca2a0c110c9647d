"""The page in a real browser: the Chromium that is there, without a screen; none is downloaded."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from PIL import Image

from idennet.inference.analyser import Analyser
from idennet.serve.app import create_app
from planted import planted_picture, planted_png

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the fake webcam shows: four planted faces, or some, as JPEG has it."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    picture = Image.fromarray(planted_picture(4)).resize((640, 480), Image.Resampling.NEAREST)
    picture.paste((100, 100, 100), (0, 0, 640, 96))  # the first pixel outlives JPEG
    with path.open("wb") as file:
        for _ in range(5):
            picture.save(file, "JPEG", quality=100, subsampling=0)
    return path


@pytest.fixture(scope="module")
def address(analyser: Analyser) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(create_app(analyser), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser(camera: Path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address: str):
    """The page, opened; at the end no error was raised, and nothing was asked of anybody else."""
    page = browser.new_page()
    faults: list[str] = []
    own = (address, address.replace("http", "ws"), f"blob:{address}", "data:")
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(own) else faults.append(request.url))
    page.set_default_timeout(30_000)
    page.goto(address)
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    page.close()
    assert faults == []


def load(page, **faces: int) -> None:
    files = [
        {"name": name, "mimeType": "image/png", "buffer": planted_png(*of)} for name, of in faces.items()
    ]
    page.set_input_files("#files", files)
    page.wait_for_selector("#jobs li", state="detached")


def test_a_photograph_shows_its_faces_with_names_and_bars(page) -> None:
    load(page, two=(2, 0))
    assert page.locator(".box").count() == page.locator("#faces .face").count() == 2
    assert page.locator(".au").count() == 22
    row = page.locator(".au", has_text="lip corner puller")
    row.locator("summary").press("Enter")
    assert row.locator("img").is_visible()
    assert "drawn up and out" in row.inner_text()


def test_the_identity_is_left_in_and_taken_out(page) -> None:
    load(page, one=(1, 0), other=(1, 1))
    read = page.locator("#bars").inner_text()
    page.get_by_role("switch", name="Subtract the identity").press("Space")
    assert page.locator("input[value=unsubtracted]").is_checked()
    assert page.locator("#bars").inner_text() != read
    page.get_by_role("switch").press("Space")
    assert page.locator("#bars").inner_text() == read
    assert page.locator("#neighbours .face").count() == 2
    assert "Subtraction changes AU" in page.locator("#switch-says").inner_text()


def test_two_pictures_are_compared(page) -> None:
    load(page, one=(1, 0), other=(1, 1))
    assert page.locator(".difference").count() == 10
    assert "→" in page.locator(".difference").first.inner_text()


def test_people_get_names(page) -> None:
    load(page, one=(1, 0))
    page.get_by_label("Name of this person").fill("Ada")
    assert "Ada" in page.locator("#faces").inner_text()
    assert page.locator(".box").inner_text() == "Ada"


def test_tables_are_saved_with_the_columns_of_the_command_line(
    page, analyser: Analyser, tmp_path: Path
) -> None:
    load(page, one=(1, 0), none=(0, 0))
    with page.expect_download() as saved:
        page.get_by_role("button", name="Photographs, CSV").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    table = analyser.analyse(planted_picture(1)).to_pandas()
    assert lines[0].split(",") == list(table.columns)
    assert len(lines) == 3
    assert "no face found" in lines[1] + lines[2]


def test_what_cannot_be_read_is_said(page) -> None:
    page.set_input_files("#files", [{"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}])
    page.wait_for_selector("#messages p")
    assert "x.png is not a picture" in page.locator("#messages").inner_text()


def test_the_webcam_is_read_as_it_goes(page) -> None:
    page.get_by_role("button", name="Webcam").click()
    page.wait_for_selector(".box")
    page.wait_for_function("document.querySelector('#caption').textContent.includes('ms a frame')")
    page.get_by_role("button", name="Keep this picture").click()
    page.wait_for_selector("#faces .face")
    page.get_by_role("button", name="Stop").click()
    assert page.locator("#caption").inner_text() == "The webcam is off."


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    load(page, two=(2, 0), other=(1, 1))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name_and_every_picture_a_text(page) -> None:
    load(page, two=(2, 0), other=(1, 1))
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, a, progress, img, video")].filter(each =>
            each.tagName === "IMG" ? !each.hasAttribute("alt") :
            !(each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length)
        ).map(each => each.outerHTML)"""
    )
    assert nameless == []


def test_the_interface_is_described(page, address: str) -> None:
    page.goto(f"{address}docs")
    page.wait_for_selector("html[data-ready]", state="attached")
    assert "POST /v1/photographs" in page.locator("main").inner_text()
