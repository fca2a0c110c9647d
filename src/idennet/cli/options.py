"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Weights = Annotated[
    Path | None, typer.Option(help="Weights (.safetensors) or folder of a run (default: bundled weights).")
]
Finder = Annotated[Path | None, typer.Option(help="YuNet's ONNX file or face_landmarker.task.")]
