"""The protocols by name: the paper's, those of others on the same data, and their SynFACS counterparts.

docs/protocols.md describes them with their sources and with what is not known.
"""

from difflib import get_close_matches

from idennet.errors import ProtocolError
from idennet.facs import BP4D_AUS
from idennet.learning.evaluation.folds import BP4D_DRML, BP4D_FERA2015, BP4D_ROINET, DISFA_JAANET, Subjects
from idennet.learning.evaluation.protocols import Protocol
from idennet.learning.evaluation.splits import Everybody, LeaveOneOut, PublishedParts, RandomParts, Split

DISFA_AUS = (1, 2, 4, 6, 9, 12, 25, 26)
"""Action Units of the paper's Table IV."""

UNBC_AUS = (6, 7, 12, 25, 26, 43)
"""Action Units of the paper's Table V."""

AUS: dict[str, tuple[int, ...]] = {
    "bp4d": BP4D_AUS,
    "disfa": DISFA_AUS,
    "unbc": UNBC_AUS,
    "synfacs-studio": BP4D_AUS,
    "synfacs-spot": DISFA_AUS,
    "synfacs-clinic": (4, 6, 7, 10, 12, 25, 26, 43),
}
"""Action Units that are scored within a corpus."""

SHARED_WITH_BP4D: dict[str, tuple[int, ...]] = {
    "disfa": (1, 2, 4, 6, 12),
    "unbc": (4, 6, 7, 10, 12),
    "synfacs-spot": (1, 2, 4, 6, 12),
    "synfacs-clinic": (4, 6, 7, 10, 12),
}
"""Action Units of the paper's Tables VI and VII, and their counterparts."""

AT_LEAST = {"disfa": 2.0, "unbc": 1.0}
"""Intensity from which an Action Unit counts as present; BP4D and SynFACS have labels of occurrence."""


def _within(name: str, corpus: str, split: Split, source: str) -> Protocol:
    at_least = {corpus: AT_LEAST[corpus]} if corpus in AT_LEAST else {}
    return Protocol(
        name=name, train=corpus, test=corpus, aus=AUS[corpus], split=split, at_least=at_least, source=source
    )


def _published(name: str, corpus: str, parts: tuple[Subjects, ...], source: str) -> Protocol:
    return _within(name, corpus, PublishedParts(parts=parts), source)


def _across(name: str, train: str, test: str, split: Split, source: str) -> Protocol:
    return Protocol(
        name=name,
        train=train,
        test=test,
        aus=SHARED_WITH_BP4D[test],
        split=split,
        at_least={test: AT_LEAST[test]} if test in AT_LEAST else {},
        source=source,
    )


_FERA = PublishedParts(parts=BP4D_FERA2015, left_out=(2,))
_PAPER_RANDOM = "paper, section IV: random subject-exclusive folds; the seed is ours"
_PAPER_ACROSS = "paper, section IV: no fine-tuning; one model of the whole training corpus is our reading"
_BY_FOLD = "mean over three models, each of two thirds of the training corpus"
_LOSO = "leave one subject out"
_SYNFACS = "SynFACS counterpart"

_BP4D = (
    _published("bp4d-drml", "bp4d", BP4D_DRML, "lists of DRML, JAA-Net and most later papers"),
    _published("bp4d-roinet", "bp4d", BP4D_ROINET, "lists of ROI-Net's author; part 1 inferred"),
    _within("bp4d-random", "bp4d", RandomParts(), "random subject-exclusive folds; the seed is ours"),
    _within("bp4d-fera2015", "bp4d", _FERA, "FERA 2015: odd against even numbers"),
    _within("bp4d-loso", "bp4d", LeaveOneOut(), _LOSO),
)
_DISFA = (
    _within("disfa-random", "disfa", RandomParts(), _PAPER_RANDOM),
    _published("disfa-jaanet", "disfa", DISFA_JAANET, "lists of JAA-Net and most later papers"),
    _within("disfa-loso", "disfa", LeaveOneOut(), _LOSO),
)
_UNBC = (
    _within("unbc-random", "unbc", RandomParts(), _PAPER_RANDOM),
    _within("unbc-loso", "unbc", LeaveOneOut(), _LOSO),
)
_ACROSS = (
    _across("bp4d-to-disfa", "bp4d", "disfa", Everybody(), _PAPER_ACROSS),
    _across("bp4d-to-unbc", "bp4d", "unbc", Everybody(), _PAPER_ACROSS),
    _across("bp4d-to-disfa-by-fold", "bp4d", "disfa", PublishedParts(parts=BP4D_DRML), _BY_FOLD),
    _across("bp4d-to-unbc-by-fold", "bp4d", "unbc", PublishedParts(parts=BP4D_DRML), _BY_FOLD),
)
_RENDERED = (
    _within("studio-random", "synfacs-studio", RandomParts(), _SYNFACS),
    _within("studio-loso", "synfacs-studio", LeaveOneOut(), _SYNFACS),
    _within("spot-random", "synfacs-spot", RandomParts(), _SYNFACS),
    _within("spot-loso", "synfacs-spot", LeaveOneOut(), _SYNFACS),
    _within("clinic-random", "synfacs-clinic", RandomParts(), _SYNFACS),
    _within("clinic-loso", "synfacs-clinic", LeaveOneOut(), _SYNFACS),
    _across("studio-to-spot", "synfacs-studio", "synfacs-spot", Everybody(), _SYNFACS),
    _across("studio-to-clinic", "synfacs-studio", "synfacs-clinic", Everybody(), _SYNFACS),
    _across("studio-to-spot-by-fold", "synfacs-studio", "synfacs-spot", RandomParts(), _SYNFACS),
    _across("studio-to-clinic-by-fold", "synfacs-studio", "synfacs-clinic", RandomParts(), _SYNFACS),
)

PROTOCOLS = {protocol.name: protocol for protocol in (*_BP4D, *_DISFA, *_UNBC, *_ACROSS, *_RENDERED)}
"""All protocols by name."""


def whole_corpus(corpus: str, aus: tuple[int, ...], *, in_thirds: bool = False) -> Protocol:
    """Return the protocol of a system trained elsewhere: everybody of a corpus is tested.

    Args:
        corpus: Name.
        aus: Action Units to score; none where only conditions are known.
        in_thirds: Test thirds of the people, each with thresholds chosen on the other two, instead of all
            in one fold.
    """
    return Protocol(
        name=f"{corpus}-thirds" if in_thirds else f"{corpus}-all",
        train=corpus if in_thirds else "elsewhere",
        test=corpus,
        aus=aus,
        split=RandomParts() if in_thirds else Everybody(),
        at_least={corpus: AT_LEAST[corpus]} if corpus in AT_LEAST else {},
        validation=1 if in_thirds else 0.15,
        source="everybody, for a system trained elsewhere",
    )


def protocol_named(name: str) -> Protocol:
    """Return a protocol of the catalogue.

    Raises:
        ProtocolError: There is none of this name.
    """
    if name not in PROTOCOLS:
        similar = get_close_matches(name, PROTOCOLS, n=1)
        advice = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(PROTOCOLS)}."
        raise ProtocolError(f"There is no protocol {name!r}; {advice}")
    return PROTOCOLS[name]
