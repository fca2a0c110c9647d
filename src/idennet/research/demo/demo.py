"""`make demo`: read a real photograph, train both stages for two minutes, and tell it all on one page."""

import platform
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch
from PIL import Image

import idennet
from idennet.facs import NAMES, column
from idennet.inference.analyser import Analyser
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.data.split import split_subjects
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.features import subtraction
from idennet.learning.evaluation.judge import everybody_of, judge
from idennet.learning.evaluation.pretrained import WeightsSystem
from idennet.learning.evaluation.result_files import write_result
from idennet.learning.evaluation.results import ProtocolResult
from idennet.learning.training import load_recipe, train
from idennet.learning.training.progress import read_metrics
from idennet.models.action_units import ActionUnitModel
from idennet.models.weights import Evidence, Network, load_bundled
from idennet.research import figures
from idennet.research.demo.page import (
    Block,
    Section,
    check_packages,
    figure_block,
    picture_block,
    table_block,
    write_page,
)

HELD_OUT, SPLIT_SEED = 0.25, 0
MAPPED_FACES = 320
Tell = Callable[[str], None]


def sample_corpus() -> Path:
    """Return the SynFACS corpus that ships with the package."""
    return Path(str(resources.files("idennet") / "assets" / "sample-corpus"))


def run_demo(out: Path, tell: Tell) -> Path:
    """Run the demonstration and return the HTML page that it wrote.

    Args:
        out: Folder for overlays, run, counts and page; those of an earlier demonstration are replaced.
        tell: Called with one sentence before each step.

    Raises:
        MissingExtraError: The packages that draw and write the report are not installed.
    """
    check_packages()
    out.mkdir(parents=True, exist_ok=True)
    tell("Reading a real photograph and a rendered group.")
    analyser = Analyser()
    reader = analyser.model
    sections = [_photograph(analyser, out), _group(analyser, out)]

    tell("Preparing the sample corpus that ships with the package.")
    with TemporaryDirectory() as folder:
        store = prepare(SynFacs(sample_corpus()), Path(folder) / "store").store
        training, held_out = split_subjects(store.subjects, HELD_OUT, SPLIT_SEED)
        tell(f"Training both stages on {len(training)} subjects, from random weights; about two minutes.")
        run = train(load_recipe("demo"), au_stores=[store.select(training)], out=out / "run", resume=False)
        tell(f"Judging on the other {len(held_out)} subjects.")
        test = store.select(held_out)
        judged = {
            "two-minute training": _judged(ActionUnitModel.open(run.weights), test),
            "bundled weights": _judged(reader, test),
        }
        sections += [
            _training(pd.DataFrame(read_metrics(run.folder))),
            _scores(judged, len(held_out), reader.card.unreliable_aus),
            _subtraction(load_bundled()[0], store),
            _limits(),
        ]
    for name, result in judged.items():
        write_result(result, out / f"{name.replace(' ', '-')}.json")
    facts = {
        "version": idennet.__version__,
        "weights": reader.card.version,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "training subjects": str(len(training)),
        "held-out subjects": str(len(held_out)),
        "seed": str(SPLIT_SEED),
    }
    lead = (
        "Facial Action Units, with identity modelled and subtracted. Everything on this page was computed on "
        "this machine, without a download. Scores are on rendered faces; they are not scores on BP4D, "
        "DISFA or UNBC-McMaster."
    )
    return write_page(out / "report.html", "IdenNet demonstration", lead, facts, sections)


def _photograph(analyser: Analyser, out: Path) -> Section:
    from skimage import data

    result = analyser.analyse(Image.fromarray(data.astronaut()))
    drawn = result.draw()
    drawn.save(out / "astronaut.png")
    caption = "Eileen Collins, NASA, public domain; the picture ships with scikit-image."
    blocks = [picture_block(drawn, caption)]
    if not result.faces:
        return Section("A real photograph", f"{result.problem}.", blocks)
    face = result.faces[0]
    renderings = [au for au, grade in face.au_evidence.items() if grade == Evidence.RENDERINGS]
    probs = {au: face.au_probs[au] for au in sorted(face.ranked_aus)}
    bars = figures.au_bars(probs, face.au_thresholds, face.unreliable_aus, renderings)
    caption = (
        "What the bundled weights read; ~ not reliable on photographs; hollow: learnt from renderings only."
    )
    blocks.append(figure_block(bars, caption, wide=False))
    read = ", ".join(f"{NAMES[au]} (AU{au})" for au in face.aus) or "nothing"
    lead = f"Found without a download, aligned at the eyes, read by the bundled weights: {read}."
    return Section("A real photograph", lead, blocks)


def _group(analyser: Analyser, out: Path) -> Section:
    with Image.open(str(resources.files("idennet") / "assets" / "rendered_group.jpg")) as picture:
        result = analyser.analyse(picture)
    drawn = result.draw()
    drawn.save(out / "rendered-group.png")
    caption = "Rendered by SynFACS: people who do not exist."
    lead = f"{len(result.faces)} faces found; each is read on its own."
    return Section("Several faces", lead, [picture_block(drawn, caption, wide=True)])


def _training(metrics: pd.DataFrame) -> Section:
    panels: dict[str, tuple[pd.DataFrame, list[str]]] = {}
    identity, au = (metrics[metrics["stage"] == stage] for stage in ("identity", "au"))
    panels["Stage identity: triplet loss"] = identity, ["identity_loss"]
    panels["Stage au: both losses"] = au, ["au_loss", "identity_loss"]
    speed = float(metrics["faces_per_second"].dropna().median())
    lead = (
        "First the trunk and the identity branch learn to tell people apart, then everything learns Action "
        "Units. Two minutes are enough to see losses fall, not to learn to read faces. "
        f"Median speed: {speed:.0f} faces a second."
    )
    return Section(
        "Training in two stages",
        lead,
        [figure_block(figures.curves(panels), "Each point is the mean of the steps since the one before.")],
    )


def _judged(reader: ActionUnitModel, test: FaceStore) -> ProtocolResult:
    system = WeightsSystem(reader)
    return judge(system, everybody_of([test], system), [test], partial=True).result


def _scores(judged: dict[str, ProtocolResult], subjects: int, unreliable: Collection[int]) -> Section:
    tables = {name: result.table() for name, result in judged.items()}
    bundled = tables["bundled weights"]
    mark = {column(au): "~" for au in unreliable}
    bars = bundled.drop(index="mean").rename(
        index=lambda au: f"{mark.get(str(au), '')}{au}",
        columns={"f1_averaged": "F1 of the bundled weights", "f1_all_positive_averaged": "always present"},
    )
    names = [
        f"{mark.get(str(au), '')}{au} {NAMES[int(str(au)[2:])]}" if str(au) != "mean" else "mean"
        for au in bundled.index
    ]
    columns = {
        ("all frames", "share present"): bundled["rate"],
        ("always present", "F1"): bundled["f1_all_positive_averaged"],
    }
    for name, table in tables.items():
        columns |= {(name, "F1"): table["f1_averaged"], (name, "AUC"): table["auc"]}
    joined = pd.DataFrame(columns).set_axis(names)
    lead = (
        f"{subjects} rendered subjects that neither training has seen. F1-frame over all their frames; one "
        "seed. A system that always says 'present' is the baseline to beat."
    )
    blocks: list[Block] = [
        figure_block(
            figures.score_bars(bars, "F1 of the bundled weights", "always present"), "Rendered faces."
        ),
        table_block(
            joined,
            "Rendered faces; F1-frame pooled over subjects, AUC over frames. ~ not reliable on photographs.",
        ),
    ]
    return Section("Held-out subjects", lead, blocks)


def _subtraction(network: Network, store: FaceStore, au: int = 12) -> Section:
    step = max(1, len(store) // MAPPED_FACES)
    rows = range(0, len(store), step)
    features = subtraction(network, store, rows)
    before, after = features.identity_leak()
    present = store.labels([au])[::step, 0] == 1
    figure = figures.subtraction_map(*features.places(), list(features.subjects), present, au)
    lead = (
        "The paper's idea: the identity embedding is subtracted from the expression features before Action "
        f"Units are read. The nearest other face is the same subject in {before:.0%} of faces before the "
        f"subtraction, in {after:.0%} after it: with one picture of a person it changes little in these "
        "features, and more where it is subtracted from the shape of the face; docs/subtraction.md measures "
        "both."
    )
    count = len(features.before)
    caption = f"t-SNE of {count} rendered faces, after the paper's Figure 2; orange: {column(au)} present."
    return Section("Identity subtraction", lead, [figure_block(figure, caption)])


def _limits() -> Section:
    lead = (
        "Action Units are movements, not emotions. The bundled weights learnt them from rendered faces and "
        "from another model's labels of photographs; on your recordings they may be wrong in ways that this "
        "page does not show. Code a sample by hand and compare before you conclude anything."
    )
    return Section("Limits", lead, [])
