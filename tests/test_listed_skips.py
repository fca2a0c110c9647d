"""A skip cannot pass for a success."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = """
import pytest

def test_passes(): pass

@pytest.mark.skip(reason="this CPU has no AVX2")
def test_listed(): pass

@pytest.mark.skipif(True, reason="the moon is full")
def test_unlisted(): pass

def test_skips_inside(): pytest.skip("too late")

@pytest.mark.xfail
def test_known_to_fail(): assert False
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_unlisted_skips_fail_where_asked_for(tmp_path: Path, workers: int) -> None:
    (tmp_path / "test_some.py").write_text(SOURCE)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_module')")
    (tmp_path / "pytest.ini").write_text("[pytest]")

    def last_line(*options: str) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "listed_skips", "-n", str(workers), *options]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTEST_ADDOPTS": ""}
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return run.stdout.splitlines()[-1]

    assert "1 passed, 4 skipped, 1 xfailed" in last_line()
    said = last_line("--no-unlisted-skips", "--continue-on-collection-errors")
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors" in said
