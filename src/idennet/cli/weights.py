"""`idennet weights`: from nothing to the weights that ship."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.import_lightcnn import import_lightcnn_command
from idennet.cli.options import folder_to_write

weights_app = typer.Typer(help="Build weights, and make them the bundled ones.", no_args_is_help=True)


@weights_app.command()
def build(
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder for corpora, stores, run and weights.", callback=folder_to_write
        ),
    ],
    recipe: Annotated[str, typer.Argument(help="Name of a bundled recipe, or a YAML file.")] = "transfer",
    subjects: Annotated[int, typer.Option(min=4, help="Rendered subjects with Action Units.")] = 1500,
    frames: Annotated[int, typer.Option(min=2, help="Frames of each.")] = 24,
    crowd: Annotated[int, typer.Option(min=4, help="Rendered subjects for identity alone.")] = 600,
    test: Annotated[int, typer.Option(min=4, help="Rendered subjects for calibration and scores.")] = 100,
    photographs: Annotated[
        Path | None, typer.Option(help="Photographs: a subfolder for each person, such as LFW.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Labels of the photographs, written by idennet teach.")
    ] = None,
    known_people: Annotated[
        Path | None,
        typer.Option(help="Embeddings of the photographs (.npz: picture, embedding) that teach identity."),
    ] = None,
    shape: Annotated[
        Path | None, typer.Option(help="Shape branch (.safetensors), by idennet weights shape.")
    ] = None,
    hidden_parts: Annotated[
        Path | None,
        typer.Option(help="Parts of the photographs that somebody saw hidden (CSV: image, part, hidden)."),
    ] = None,
    initial: Annotated[Path | None, typer.Option(help="Weights (.safetensors) to start from.")] = None,
    face_model: Annotated[
        Path | None, typer.Option(help="Face model, an NPZ file.", envvar="IDENNET_FACE_MODEL")
    ] = None,
    finder: Annotated[
        Path | None, typer.Option(help="Find faces with this file: YuNet's ONNX or MediaPipe's .task.")
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a field of the recipe; repeatable.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes to render with.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Render, prepare, train both stages, calibrate, judge, write weights and their model card.

    [bold]idennet weights build transfer --out build --face-model ict_facekit.npz --photographs lfw[/bold]

    [bold]idennet weights build taught --out taught --face-model ict_facekit.npz --photographs lfw
    --teacher labels.parquet --initial build/idennet.safetensors[/bold] goes on with photographs that a
    teacher labelled; see docs/teaching.md.

    About a fifth of the photographed people, by a rule about their names, are kept for testing and never
    trained on. Interrupted, the same command continues where it was. idennet weights promote makes the
    result the bundled weights.
    """
    from rich.console import Console

    from idennet.learning.training import load_recipe
    from idennet.research.weights.build import Faces, build_weights

    console = Console()
    weights = build_weights(
        load_recipe(recipe, override or ()),
        Faces(wild=(subjects, frames), crowd=(crowd, 8), test=(test, frames)),
        out,
        tell=lambda sentence: console.print(sentence, style="bold", markup=False),
        photographs=photographs,
        teacher=teacher,
        known_people=known_people,
        shape=shape,
        hidden_parts=hidden_parts,
        initial=initial,
        face_model=face_model,
        finder=finder,
        workers=workers,
        device=device,
    )
    console.print(
        f"Weights: {weights}; model card: {out / 'model-card.md'}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


@weights_app.command()
def promote(
    build: Annotated[
        Path,
        typer.Argument(help="Folder of a finished build, or of the training of a face network."),
    ],
    name: Annotated[str, typer.Option(help="Version of the weights, such as synfacs-0.3.0.")],
    evidence: Annotated[
        list[Path] | None,
        typer.Option(help="What idennet evaluate wrote about them and a list of photographs; repeatable."),
    ] = None,
    checkout: Annotated[Path, typer.Option(help="Root of the repository to write into.")] = Path(),
) -> None:
    """Make the weights of a build the bundled ones: name, marks, model card, checksums, records.

    [bold]idennet weights promote build --name synfacs-1 --evidence results/portraits/synfacs-1.json[/bold]

    An Action Unit is marked as unreliable when the photographs say so, or rendered faces where no
    photographs tell; evidence.yaml beside the evidence tells what the photographs show. The same records
    give the same files.
    """
    from rich.console import Console

    from idennet.research.weights.promote import promote as write

    weights = write(build, name, evidence or [], checkout)
    Console().print(f"{name} ships as {weights}.", highlight=False, soft_wrap=True, markup=False)


@weights_app.command()
def landmarks(
    corpus: Annotated[list[Path], typer.Argument(help="Folders of idennet synth render.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the training.", callback=folder_to_write)
    ],
    recipe: Annotated[str, typer.Option(help="Bundled recipe, or a YAML file.")] = "landmarks",
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a field of the recipe; repeatable.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Weights (.safetensors) to start from.")] = None,
) -> None:
    """Train the network that reads 68 landmarks; interrupted, the same command continues where it was.

    [bold]idennet weights landmarks corpora/wild --out landmarks[/bold]
    """
    from rich.console import Console

    from idennet.learning.training.face_networks import load_face_recipe
    from idennet.learning.training.landmarks import train_landmarks

    weights = train_landmarks(corpus, load_face_recipe(recipe, override or ()), out, start=start)
    Console().print(f"Weights: {weights}", highlight=False, soft_wrap=True, markup=False)


@weights_app.command()
def shape(
    store: Annotated[list[Path], typer.Argument(help="Face stores, of photographs and of rendered faces.")],
    model: Annotated[Path, typer.Option(help="MediaPipe's face_landmarker.task, the teacher.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the training.", callback=folder_to_write)
    ],
    recipe: Annotated[str, typer.Option(help="Bundled recipe, or a YAML file.")] = "shape",
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a field of the recipe; repeatable.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Weights (.safetensors) to start from.")] = None,
) -> None:
    """Train the branch that reads the shape of a face; interrupted, the same command continues where it was.

    [bold]idennet weights shape stores/lfw stores/wild --model face_landmarker.task --out shape[/bold]

    The teacher's points of each store are kept in the folder, as numbers.
    """
    from rich.console import Console
    from rich.progress import Progress

    from idennet.faces.weights import with_weights
    from idennet.learning.data.landmarker import Landmarker
    from idennet.learning.data.shapes import shapes_of
    from idennet.learning.data.store import FaceStore
    from idennet.learning.training.face_networks import check_training_folder, load_face_recipe
    from idennet.learning.training.shape import ShapeStudent, check_people, train_shape

    console, teacher = Console(), Landmarker(model)
    settings, stores = load_face_recipe(recipe, override or ()), [FaceStore.open(path) for path in store]
    check_training_folder(out)
    check_people(stores)
    if start is not None:
        with_weights(ShapeStudent(), start)  # a wrong file is told before the teacher reads
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Points", total=sum(map(len, stores)))
        taught = [(faces, shapes_of(faces, out, teacher, lambda: bar.advance(task))) for faces in stores]
    weights = train_shape(taught, settings, out, start=start)
    console.print(f"Weights: {weights}", highlight=False, soft_wrap=True, markup=False)


@weights_app.command("add-shape")
def add_shape(
    weights: Annotated[Path, typer.Argument(help="Weights (.safetensors), or folder of a run.")],
    photographs: Annotated[Path, typer.Option(help="Face store of people with several photographs.")],
    teacher: Annotated[Path, typer.Option(help="Labels of the photographs, written by idennet teach.")],
    rendered: Annotated[Path, typer.Option(help="Face store of rendered people.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Weights file (.safetensors) to write.")],
    shape: Annotated[
        Path | None,
        typer.Option(help="Shape branch, by idennet weights shape. Else that of the weights is fitted anew."),
    ] = None,
    known_people: Annotated[
        Path | None,
        typer.Option(help="Embeddings of the photographs (.npz: picture, embedding) that teach identity."),
    ] = None,
    hidden_parts: Annotated[
        Path | None,
        typer.Option(help="Parts of the photographs that somebody saw hidden (CSV: image, part, hidden)."),
    ] = None,
) -> None:
    """Give finished weights a shape branch: fit what its points say, who it is, and what is usual for them.

    [bold]idennet weights add-shape runs/taught --shape shape/shape.safetensors --photographs stores/lfw
    --teacher labels.parquet --rendered stores/wild --out shaped.safetensors[/bold]

    Which parts of a face can be seen is fitted anew, too. Nothing is trained; a few minutes. Whom a run kept
    for validation is not learnt from. The result is not calibrated; idennet weights build --shape calibrates
    and judges as well.
    """
    from rich.console import Console

    from idennet.learning.data.hidden_parts import HiddenParts
    from idennet.learning.data.known_people import KnownPeople
    from idennet.learning.data.store import FaceStore
    from idennet.learning.data.teacher import TeacherLabels
    from idennet.learning.training.shape_fit import ShapeMaterial, add_shape

    faces = FaceStore.open(photographs)
    known = None if known_people is None else KnownPeople.open(known_people)
    labels, drawn = TeacherLabels.open(teacher), FaceStore.open(rendered)
    hidden = None if hidden_parts is None else HiddenParts.open(hidden_parts)
    material = ShapeMaterial(shape, faces, labels, drawn, known=known, hidden=hidden)
    left_out = add_shape(weights, material, out)
    whom = "Nobody was left out: no run beside these weights kept any of these people for validation."
    if left_out:
        whom = f"{left_out} people whom their run kept for validation were left out."
    Console().print(f"{whom} Weights: {out}", highlight=False, soft_wrap=True, markup=False)


@weights_app.command()
def shots(
    photographs: Annotated[
        tuple[Path, Path],
        typer.Option(help="Table of face_labels, and the folder of its pictures."),
    ],
    rendered: Annotated[list[Path], typer.Option(help="Folder of idennet synth render; repeatable.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the training.", callback=folder_to_write)
    ],
    empty: Annotated[
        list[Path] | None, typer.Option(help="Folder of JPEG files without faces; repeatable.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="Bundled recipe, or a YAML file.")] = "shots",
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a field of the recipe; repeatable.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Weights (.safetensors) to start from.")] = None,
) -> None:
    """Train the network that finds faces; interrupted, the same command continues where it was.

    [bold]idennet weights shots --photographs faces.parquet lfw --rendered corpora/wild --out shots[/bold]
    """
    from rich.console import Console

    from idennet.learning.training.face_networks import load_face_recipe
    from idennet.learning.training.face_shots import read_sources, train_shots

    sources, trained_on = read_sources(photographs, rendered, empty or [])
    weights = train_shots(sources, trained_on, load_face_recipe(recipe, override or ()), out, start=start)
    Console().print(f"Weights: {weights}", highlight=False, soft_wrap=True, markup=False)


@weights_app.command()
def people(
    weights: Annotated[Path, typer.Argument(help="Weights (.safetensors), or folder of a run.")],
    rendered: Annotated[
        Path, typer.Option(help="Face store of rendered people that the weights were not trained on.")
    ],
    photographs: Annotated[
        Path | None, typer.Option(help="Face store of people with several photographs, such as LFW.")
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Labels of the photographs, by idennet teach: how people rest on them."),
    ] = None,
) -> None:
    """Fit what people are like to some weights, and write it beside them: who is who, and how they rest.

    [bold]idennet weights people src/idennet/assets/idennet.safetensors --rendered stores/rest
    --photographs stores/lfw --teacher labels.parquet[/bold]

    Needed after each training, for --people and --zero; see docs/people.md.
    """
    from rich.console import Console

    from idennet.learning.data.store import FaceStore
    from idennet.models.weights import weights_file
    from idennet.research.weights.population import make_population

    pictured = None if photographs is None else FaceStore.open(photographs)
    file = make_population(weights_file(weights), FaceStore.open(rendered), pictured, teacher)
    Console().print(f"Written: {file}", highlight=False, soft_wrap=True, markup=False)


weights_app.command("import-lightcnn")(import_lightcnn_command)
