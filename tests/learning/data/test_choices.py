"""Choices of readers as text: typed as the reader declares them, refused with what is allowed."""

from pathlib import Path

import pytest
import typer
from drawn_people import people
from typer.testing import CliRunner

from idennet.cli.prepare import prepare_command
from idennet.errors import InputError
from idennet.learning.data.readers.affwild2 import AffWild2
from idennet.learning.data.readers.celeba import Celeba
from idennet.learning.data.readers.ckplus import CkPlus
from idennet.learning.data.readers.kinds import Kind, open_source
from idennet.learning.data.readers.raf_au import RafAu
from idennet.learning.data.readers.records import Totals
from idennet.research.synth.fake_trees.raf_au import write_raf_au


@pytest.mark.parametrize(
    ("kind", "reader", "given", "settings"),
    [
        (Kind.CELEBA, Celeba, {}, {"pictures": "aligned", "partition": "all"}),
        (Kind.CELEBA, Celeba, {"pictures": "wild"}, {"pictures": "wild", "partition": "all"}),
        (Kind.CK_PLUS, CkPlus, {"neutral_frames": "yes"}, {"neutral_frames": True}),
        (Kind.CK_PLUS, CkPlus, {"neutral_frames": "false"}, {"neutral_frames": False}),
        (Kind.AFF_WILD2, AffWild2, {"part": "train"}, {"part": "train", "unannotated": False}),
        (Kind.RAF_AU, RafAu, {"one_sided": "unknown"}, {"one_sided": "unknown"}),
    ],
)
def test_readers_get_their_choices(
    tmp_path: Path, kind: Kind, reader: type, given: dict[str, str], settings: dict[str, object]
) -> None:
    source = open_source(kind, tmp_path, given)
    assert isinstance(source, reader)
    assert source.settings == settings


def test_intensities_have_a_threshold(tmp_path: Path) -> None:
    assert open_source(Kind.DISFA, tmp_path, {"threshold": "1"}).settings["threshold"] == 1
    with pytest.raises(InputError):
        open_source(Kind.DISFA, tmp_path, {"threshold": "9"})


@pytest.mark.parametrize("kind", list(Kind))
def test_unknown_choices_are_refused_by_every_kind(tmp_path: Path, kind: Kind) -> None:
    with pytest.raises(InputError, match=rf"^{kind.replace('+', '.')} has no choice 'colour'; it has "):
        open_source(kind, tmp_path, {"colour": "red"})


def test_wrong_values_say_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="one_sided is 'half'; input should be 'present', 'absent' or 'unknown'"
    ):
        open_source(Kind.RAF_AU, tmp_path, {"one_sided": "half"})
    with pytest.raises(InputError, match="neutral_frames is 'maybe'; input should be a valid boolean"):
        open_source(Kind.CK_PLUS, tmp_path, {"neutral_frames": "maybe"})
    with pytest.raises(InputError, match="raf-au has no choice 'part'; it has one_sided=present"):
        open_source(Kind.RAF_AU, tmp_path, {"part": "train"})


def test_the_command_checks_and_takes_choices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RafAu, "published", Totals(6))
    app = typer.Typer()
    app.command()(prepare_command)
    run = CliRunner().invoke
    root = tmp_path / "raf"
    write_raf_au(root, people(2, 3))
    done = run(app, ["raf-au", str(root), "--check", "--set", "one_sided=absent"])
    assert (done.exit_code, done.output) == (0, "raf-au is complete.\n")
    next((root / "aligned").iterdir()).unlink()
    done = run(app, ["raf-au", str(root), "--check"])
    assert done.exit_code == 1
    assert "1 of the 6 pictures" in done.output
    wrong = run(app, ["raf-au", str(root), "--check", "--set", "one_sided"])
    assert isinstance(wrong.exception, InputError)
    assert str(wrong.exception) == "--set needs name=value, not 'one_sided'."
