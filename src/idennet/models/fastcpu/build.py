"""Compiles the kernels: `python -m idennet.models.fastcpu.build`, and `pip install` by itself.

One library for each instruction set, which `library.py` chooses from when it runs. This file needs nothing
but Python, because the package's build (`hatch_build.py`) loads it before anything is installed.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the sources (`csrc`) are and the libraries go."""

INSTRUCTION_SETS = {
    "avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"),
    "avx2": ("avx2", "fma"),
}
"""The features (compiler's names) that each library is compiled with and its CPU must have; fastest first.

Nothing in a library depends on the machine that compiles it.
"""


class BuildError(Exception):
    """The kernels cannot be compiled here; the sentence says why."""


def library_path(instruction_set: str, folder: Path = FOLDER) -> Path:
    """Return where the library of an instruction set is or would be."""
    return folder / f"kernels_{instruction_set}.so"


def source_digest() -> str:
    """Return what a library carries to show from which sources it was built: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted((FOLDER / "csrc").iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def build(folder: Path = FOLDER) -> list[Path]:
    """Compile every instruction set into `folder` and return the libraries.

    The compiler is `CXX`, or else g++ or clang++ in the PATH. Without OpenMP the kernels use one thread.

    Raises:
        BuildError: There is no compiler, it refuses, or these are no kernels for this kind of machine.
    """
    if os.name != "posix" or platform.machine().lower() not in ("x86_64", "amd64"):
        raise BuildError("the kernels are for Linux and macOS on x86-64")
    compiler = _compiler()
    with ThreadPoolExecutor() as threads:
        return list(
            threads.map(lambda name: _compile(compiler, name, library_path(name, folder)), INSTRUCTION_SETS)
        )


def _compiler() -> list[str]:
    if chosen := os.environ.get("CXX"):
        return shlex.split(chosen)
    for name in ("g++", "clang++"):
        if shutil.which(name):
            return [name]
    raise BuildError("there is no C++ compiler: neither g++ nor clang++ is in the PATH, and CXX is not set")


def _compile(compiler: list[str], instruction_set: str, target: Path) -> Path:
    """Compile one library beside its place and move it there, so that no process sees half of it."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        features = [f"-m{feature}" for feature in INSTRUCTION_SETS[instruction_set]]
        command = [*compiler, "-std=c++17", "-O3", *features, "-fPIC", "-shared"]
        command += [
            f'-DIDENNET_SOURCES="{source_digest()}"',
            str(FOLDER / "csrc" / "kernels.cpp"),
            "-o",
            str(made),
        ]
        try:
            refusal = _refusal([*command, "-fopenmp"]) and _refusal(command)
        except OSError as error:
            raise BuildError(f"the compiler {shlex.join(compiler)} does not start: {error}") from error
        if refusal:
            raise BuildError(f"{shlex.join(compiler)} does not compile them: {refusal}")
        made.replace(target)
    return target


def _refusal(command: list[str]) -> str:
    """Return the last line of what a compiler complains about; empty if it has done its work."""
    done = subprocess.run(command, capture_output=True, text=True)
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return lines[-1] if done.returncode else ""


if __name__ == "__main__":
    try:
        print("Built " + ", ".join(path.name for path in build()))
    except BuildError as error:
        sys.exit(f"Not built: {error}. PyTorch computes instead.")
