"""What `pip install idennet` brings is enough to read faces; other verbs say which extra they lack."""

import subprocess
import sys
from importlib import resources

import pytest

from idennet.cli.errors import _EXTRAS

# A stand-in for an environment without the extras: their packages cannot be imported. Nor can PyTorch's
# compiler, which nobody needs to read a face, and which takes as long to load as all the rest.
WITHOUT_EXTRAS = f"""
import sys
sys.modules.update(dict.fromkeys({[*sorted(_EXTRAS), "torch._dynamo"]!r}))
from idennet.cli.main import app
app()
"""


def idennet(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_EXTRAS, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_faces_are_read_without_extras_and_compiler() -> None:
    done = idennet("detect", str(resources.files("idennet") / "assets" / "rendered_group.jpg"))
    assert done.returncode == 0, done.stderr
    assert "lip corner puller" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("evaluate", "store"), ("export", "results"), ("report", "results", "--out", "report")]
)
def test_other_verbs_name_the_extra_that_they_need(arguments: tuple[str, ...]) -> None:
    done = idennet(*arguments)
    assert done.returncode == 2
    assert 'pip install "idennet[' in done.stderr
    assert "Traceback" not in done.stderr
