"""A server with planted faces and an untrained network, and the page in a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsed import CHROMIUM, opened, served
from fastapi.testclient import TestClient
from PIL import Image

from idennet.inference.analyser import Analyser
from idennet.models.action_units import ActionUnitModel
from idennet.serve.app import create_app
from planted import PlantedFinder, planted_picture


@pytest.fixture(scope="session")
def analyser(random_weights: Path) -> Analyser:
    return Analyser(PlantedFinder(), ActionUnitModel.open(random_weights))


@pytest.fixture
def serve(analyser: Analyser) -> Iterator[Callable[..., TestClient]]:
    """Return a function that starts a server and gives its client."""
    clients: list[TestClient] = []

    def start(**settings) -> TestClient:
        app = create_app(analyser, **settings)
        client = TestClient(app, base_url="http://127.0.0.1:8765", client=("127.0.0.1", 40_000))
        client.__enter__()
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    return serve()


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
    with served(analyser) as address:
        yield address


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
    with opened(browser, address) as page:
        yield page
