"""`idennet synth`: render SynFACS corpora, look at them, import the face model."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from idennet.cli.options import file_to_write, folder_to_write
from idennet.errors import InputError
from idennet.research.synth.corpora import CORPORA, corpus_config
from idennet.research.synth.fake_trees.kinds import FakeKind

synth_app = typer.Typer(
    help="Render the SynFACS corpora: people who do not exist, Action Units that are known exactly.",
    no_args_is_help=True,
)

FaceModel = Annotated[
    Path | None,
    typer.Option(help="Face model, an NPZ file.", envvar="IDENNET_FACE_MODEL", dir_okay=False),
]


@synth_app.command(epilog="Example: idennet synth render studio --out corpora/studio --workers 8")
def render(
    corpus: Annotated[str, typer.Argument(help=f"One of {', '.join(CORPORA)}.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the corpus; a started one is continued.", callback=folder_to_write)
    ],
    subjects: Annotated[int | None, typer.Option(help="Number of subjects.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of each subject.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed gives other people.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes to render with.")] = 1,
    size: Annotated[int | None, typer.Option(help="Side of the pictures in pixels.")] = None,
    sequence: Annotated[
        int | None, typer.Option(help="Frames of a sequence; 1: independent pictures.")
    ] = None,
    confounders: Annotated[
        float | None,
        typer.Option(help="How much of a person looks like Action Units: 0 to 2."),
    ] = None,
    face_model: FaceModel = None,
) -> None:
    """Render a corpus; interrupt it whenever you like, the same command continues."""
    from idennet.research.synth.generate import generate_corpus

    config = corpus_config(corpus)
    given = {"subjects": subjects, "frames_per_subject": frames, "seed": seed, "frame_size": size}
    given["sequence_length"] = sequence
    changes = {name: value for name, value in given.items() if value is not None}
    people = config.people.model_dump() | ({} if confounders is None else {"confounders": confounders})
    try:
        config = type(config).model_validate({**config.model_dump(), **changes, "people": people})
    except ValidationError as error:
        problem = error.errors()[0]
        raise InputError(f"{problem['loc'][-1]} is {problem['input']}: {problem['msg'].lower()}.") from error
    generate_corpus(config, out, face_model, workers, progress=True)
    typer.echo(f"{config.subjects} subjects x {config.frames_per_subject} frames in {out}")


@synth_app.command(epilog="Example: idennet synth sheet corpora/studio --out studio.jpg")
def sheet(
    corpus: Annotated[Path, typer.Argument(help="Folder of a rendered corpus.")],
    out: Annotated[Path, typer.Option(help="Picture to write, PNG or JPEG.", callback=file_to_write)],
    rows: Annotated[int, typer.Option(help="Subjects.")] = 6,
    columns: Annotated[int, typer.Option(help="Frames of each subject.")] = 8,
) -> None:
    """Draw a page of faces with their Action Units."""
    from idennet.research.synth.contact_sheet import contact_sheet

    typer.echo(contact_sheet(corpus, out, rows, columns))


@synth_app.command(epilog="Example: idennet synth group --out group.jpg")
def group(
    out: Annotated[Path, typer.Option(help="JPEG to write.", callback=file_to_write)],
    face_model: FaceModel = None,
) -> None:
    """Render the group photo of the demo: four people who do not exist."""
    from idennet.research.synth.group_photo import group_photo

    typer.echo(group_photo(out, face_model))


@synth_app.command(epilog="Example: idennet synth movements --out src/idennet/assets/movements")
def movements(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.", callback=folder_to_write)],
    face_model: FaceModel = None,
) -> None:
    """Render a picture of each Action Unit for the page: at rest beside in full."""
    from idennet.research.synth.movement_pictures import movement_pictures

    typer.echo(f"{len(movement_pictures(out, face_model))} pictures in {out}")


@synth_app.command(epilog="Example: idennet synth fake-tree bp4d fake/bp4d --subjects 3 --frames 12")
def fake_tree(
    kind: Annotated[FakeKind, typer.Argument(help="Data set to imitate.")],
    out: Annotated[Path, typer.Argument(help="Folder to write, new or empty.", callback=folder_to_write)],
    subjects: Annotated[int, typer.Option(min=1, help="Number of subjects.")] = 3,
    frames: Annotated[int, typer.Option(min=4, help="Labelled frames of each subject.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other people.")] = 0,
    face_model: FaceModel = None,
) -> None:
    """Write a folder that looks like a licensed data set, filled with rendered people.

    It has the layout and the quirks of the original, so that everything can be tried without a licence.
    """
    from idennet.research.synth.fake_trees.write import check_possible, write_fake_tree

    check_possible(kind, out, subjects, frames)
    typer.echo(f"Rendering {subjects * frames} faces, about one a second ...")
    said = write_fake_tree(kind, out, subjects, frames, seed, face_model)
    typer.echo(f"{len(said)} labelled frames of {subjects} subjects in {out}")


@synth_app.command(epilog="Example: idennet synth import-face-model ICT-FaceKit --out ict_facekit.npz")
def import_face_model(
    path: Annotated[Path, typer.Argument(help="A clone of https://github.com/ICT-VGL/ICT-FaceKit")],
    out: Annotated[Path, typer.Option(help="NPZ file to write, about 17 MB.", callback=file_to_write)],
) -> None:
    """Convert ICT-FaceKit Light (USC ICT, MIT licence) into the face model of the renderer."""
    from idennet.research.synth import import_facekit

    typer.echo(import_facekit.import_face_model(path, out, progress=True))
