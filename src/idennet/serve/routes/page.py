"""The page, and its description of the interface."""

from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles


def add_page(app: FastAPI) -> None:
    """Show the page, with its files and the pictures of movements."""
    home = Path(str(resources.files("idennet")))

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(home / "serve" / "page" / "index.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(home / "serve" / "page" / "docs.html")

    app.mount("/page", StaticFiles(directory=home / "serve" / "page"))
    app.mount("/movements", StaticFiles(directory=home / "assets" / "movements"))
