"""What tests of the page need: the Chromium that is there, a server, and the page opened in it."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clips import write_clip
from idennet.inference.analyser import Analyser
from idennet.serve.app import create_app
from idennet.serve.server import Server
from planted import planted_png

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def served(analyser: Analyser) -> Iterator[str]:
    server, listener = Server(create_app(analyser)), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def opened(browser, address: str):
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


def saved(page, name: str, role: str = "button") -> Path:
    """Save by clicking, and return the file."""
    with page.expect_download() as download:
        page.get_by_role(role, name=name).click()
    return Path(download.value.path())


def send_clip(page, folder: Path, pictures: list) -> None:
    page.set_input_files("#files", write_clip(folder / "clip.mkv", pictures))


def load(page, **faces: tuple[int, int]) -> None:
    files = [
        {"name": name, "mimeType": "image/png", "buffer": planted_png(*of)} for name, of in faces.items()
    ]
    page.set_input_files("#files", files)
    page.wait_for_selector("#jobs li", state="detached")
