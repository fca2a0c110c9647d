"""Systems x protocols x folds x seeds: which runs there are, which share a fit, what they are called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from idennet import facs
from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.catalogue import AUS, PROTOCOLS
from idennet.learning.evaluation.fold_scoring import stores_by_corpus
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.research.benchmark.runs import short_digest
from idennet.research.benchmark.systems.contract import System, TrainingFaces
from idennet.settings import Config

FIXED_THRESHOLDS, CHOSEN_THRESHOLDS = "0.5, as in the paper", "largest F1 on the validation subjects"

WITHIN = {
    "bp4d": "bp4d-drml",
    "disfa": "disfa-random",
    "unbc": "unbc-random",
    "synfacs-studio": "studio-random",
    "synfacs-spot": "spot-random",
    "synfacs-clinic": "clinic-random",
}
"""By corpus, the protocol of Tables III to V or its counterpart."""

ACROSS = ("bp4d-to-disfa", "bp4d-to-unbc", "studio-to-spot", "studio-to-clinic")
"""Protocols of Tables VI and VII, and their counterparts."""


class GridSettings(Config):
    """What all runs of a grid share.

    Attributes:
        seeds: Each is the budget's seed of one run.
        partial: Accept stores that lack subjects of a protocol.
        choose_thresholds: Choose them on each fold's validation subjects; the paper takes 0.5.
        aus: Action Units that are learnt, whatever the protocol scores of them; None: see `learnt_aus`.
    """

    seeds: tuple[int, ...] = (0,)
    aus: tuple[int, ...] | None = None
    partial: bool = False
    choose_thresholds: bool = False


LEAST_SUBJECTS = 2
"""In the training of a fold: with fewer there is nobody to tell apart."""


@dataclass(frozen=True)
class Run:
    """One cell of the grid.

    Attributes:
        system: Its budget has the seed.
        protocol: How it is judged.
        fold: Who learns, validates and is tested.
        order: Position of the fold in the protocol, from 0.
        folds: How many folds the protocol has.
        learns: Action Units that are learnt, by default those that are scored within the training corpus.
        stores: Digest of each face store, by corpus.
        identities: Digests of the stores of which only the subjects count.
        choose_thresholds: Whether thresholds are chosen on validation subjects.
    """

    system: System
    protocol: Protocol
    fold: Fold
    order: int
    folds: int
    learns: tuple[int, ...]
    stores: tuple[tuple[str, str], ...]
    identities: tuple[str, ...]
    choose_thresholds: bool

    def faces(self, stores: Sequence[FaceStore], identities: Sequence[FaceStore]) -> TrainingFaces:
        """Return what is learnt from."""
        training = stores_by_corpus(self.protocol, stores)[self.protocol.train]
        return TrainingFaces.of_fold(self.fold, training, self.learns, tuple(identities))

    @property
    def label(self) -> str:
        """One phrase for progress and failures."""
        seed = self.system.budget.seed
        return f"{self.system.name}, {self.protocol.name}, fold {self.fold.name}, seed {seed}"

    @property
    def thresholds(self) -> str:
        """How they come about, in words."""
        return CHOSEN_THRESHOLDS if self.choose_thresholds else FIXED_THRESHOLDS

    @cached_property
    def fit_digest(self) -> str:
        """Names what is learnt from whom: runs that share it share the fit."""
        train = self.protocol.train
        level = self.protocol.at_least.get(train)
        faces = (dict(self.stores)[train], level, self.fold.train, self.fold.validation, self.learns)
        return short_digest(_system_digest(self.system), repr(faces), repr(self.identities))

    @cached_property
    def digest(self) -> str:
        """Names the run."""
        judged = (self.stores, self.fold.name, self.fold.test, self.thresholds)
        return short_digest(self.fit_digest, self.protocol.digest(), repr(judged))


@dataclass(frozen=True)
class Job:
    """One fit, and the runs that are judged from it."""

    runs: tuple[Run, ...]
    store_folders: tuple[Path, ...]
    identity_folders: tuple[Path, ...]
    results: Path
    device: str = "auto"
    threads: int = 0

    @property
    def fit_folder(self) -> Path:
        """Where what is learnt lies."""
        return self.results / "fits" / f"{self.runs[0].system.name}-{self.runs[0].fit_digest}"

    @property
    def log(self) -> Path:
        """What the job's process prints."""
        return self.results / "logs" / f"{self.fit_folder.name}.txt"


def plan_runs(
    systems: Sequence[System],
    protocols: Sequence[Protocol],
    stores: Sequence[FaceStore],
    identities: Sequence[FaceStore],
    settings: GridSettings,
) -> list[Run]:
    """Return all runs of a grid, seeds outermost: an interrupted grid has complete tables of few seeds.

    Raises:
        ProtocolError: A store is missing or does not fit its protocol.
    """
    runs = []
    for seed in settings.seeds:
        for protocol in protocols:
            by_corpus = stores_by_corpus(protocol, stores)
            names = [name for store in by_corpus.values() for name in store.subjects]
            folds = protocol.folds(names, partial=settings.partial)
            for fold in folds:
                if len(fold.train) < LEAST_SUBJECTS:
                    raise ProtocolError(
                        f"{protocol.name}, fold {fold.name}, leaves {len(fold.train)} to learn from and "
                        f"{len(fold.validation)} to validate; systems learn from {LEAST_SUBJECTS} or more. "
                        "Give stores of more subjects."
                    )
            train = by_corpus[protocol.train]
            usual = learnt_aus(protocol.train, train.aus) if protocol.crosses else protocol.aus
            learns = settings.aus or usual
            if unlearnt := set(protocol.aus) - set(learns):
                raise ProtocolError(
                    f"{protocol.name} scores {facs.column(min(unlearnt))}; name it in --aus as well."
                )
            if uncoded := set(learns) - set(train.aus):
                raise ProtocolError(
                    f"{train.path} has no labels of {facs.column(min(uncoded))}; name with --aus those that "
                    "shall be learnt."
                )
            digests = tuple((corpus, store.digest) for corpus, store in sorted(by_corpus.items()))
            others = tuple(store.digest for store in identities)
            runs += [
                Run(
                    with_seed(system, seed),
                    *(protocol, fold, order, len(folds), learns, digests, others, settings.choose_thresholds),
                )
                for order, fold in enumerate(folds)
                for system in systems
            ]
    return runs


def learnt_aus(corpus: str, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    """Return the Action Units that networks learn from a corpus: one set, wherever they are tested.

    For a corpus of the paper they are those of its table (12 for BP4D, as FC7 has outputs); a drop rate is
    then about one network, not two.

    Args:
        corpus: Name of the corpus.
        otherwise: Those of a corpus that the paper does not have.
    """
    return AUS.get(corpus, otherwise)


def with_seed(system: System, seed: int) -> System:
    """Return the system with another seed of its budget."""
    return system.model_copy(update={"budget": system.budget.model_copy(update={"seed": seed})})


def settings_without_seed(system: System) -> dict[str, object]:
    """Return all settings of a system as JSON has them; the seed left out."""
    settings = system.model_dump(mode="json")
    del settings["budget"]["seed"]
    return settings


def group_by_fit(runs: Iterable[Run]) -> list[tuple[Run, ...]]:
    """Return runs that share a fit together, in order of their first."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.fit_digest, []).append(run)
    return [tuple(group) for group in groups.values()]


def warnings_of(
    runs: Iterable[Run], stores: Sequence[FaceStore], identities: Sequence[FaceStore]
) -> list[str]:
    """Return what training faces do not allow, each sentence once, with the systems and folds it is about."""
    about: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for group in group_by_fit(runs):
        first = group[0]
        for sentence in first.system.warnings(first.faces(stores, identities)):
            systems, folds = about.setdefault(sentence, ({}, {}))
            systems[first.system.name] = None
            folds[f"{first.protocol.name} {first.fold.name}"] = None
    return [
        f"{', '.join(systems)}, folds {', '.join(folds)}: {sentence}"
        for sentence, (systems, folds) in about.items()
    ]


def protocols_within(stores: Sequence[FaceStore]) -> list[Protocol]:
    """Return the protocol of each corpus that the stores have.

    Raises:
        ProtocolError: A store has a corpus that no protocol is about.
    """
    return [PROTOCOLS[WITHIN[_corpus(store)]] for store in stores]


def protocols_across(stores: Sequence[FaceStore]) -> list[Protocol]:
    """Return the protocols between the corpora that the stores have.

    Raises:
        ProtocolError: There is none.
    """
    there = {_corpus(store) for store in stores}
    found = [PROTOCOLS[name] for name in ACROSS if {PROTOCOLS[name].train, PROTOCOLS[name].test} <= there]
    if not found:
        raise ProtocolError(
            f"No protocol goes from one of {', '.join(sorted(there))} to another; there are "
            f"{', '.join(ACROSS)}."
        )
    return found


def _corpus(store: FaceStore) -> str:
    corpora = {name.partition("/")[0] for name in store.subjects}
    if len(corpora) != 1 or not corpora <= WITHIN.keys():
        raise ProtocolError(
            f"{store.path} has subjects of {', '.join(sorted(corpora))}; give stores of one corpus each, of "
            f"{', '.join(WITHIN)}, or name a --protocol."
        )
    return corpora.pop()


def _system_digest(system: System) -> str:
    return f"{type(system).__name__} {system.digest()}"
