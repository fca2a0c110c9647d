"""The person store: people who were enrolled, in one SQLite file that nobody gets unless they ask for it.

It holds names, who each person is as identity embeddings, and what their neutral faces read; no picture.
These are biometric data of people: ask them, and delete them for good when they say so.
"""

import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.facs import SYNFACS_AUS, columns
from idennet.people.population import Evidence, Population
from idennet.people.tracks import worth_of

VERSION = 1
"""Of the schema."""

APPLICATION = 0x49444E50
"""Marks the file as a person store: "IDNP"."""

WAIT = 10.0
"""Seconds to wait for another process that writes."""

_NOT_IN_NAMES = {"Cc", "Zl", "Zp", "Cs"}
"""Categories of Unicode: control characters, line and paragraph separators, and bytes that are no text."""

_SCHEMA = """
CREATE TABLE about (weights TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE person (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, made TEXT NOT NULL);
CREATE TABLE appearance (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    person INTEGER NOT NULL REFERENCES person ON DELETE CASCADE,
    source TEXT NOT NULL,
    made TEXT NOT NULL,
    looks INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    neutral BLOB
);
CREATE INDEX appearance_person ON appearance (person);
"""


@dataclass(frozen=True, eq=False)
class Appearance:
    """What one photograph, or one track of a clip, says of a person.

    Attributes:
        source: The file.
        looks: How many pictures, or half seconds.
        embedding: (D,) mean identity embedding.
        neutral: (A,) probabilities of a face at rest, or None.
        number: In the store; 0 before it is there.
        made: When it was enrolled, in UTC.
    """

    source: str
    looks: int
    embedding: NDArray[np.floating]
    neutral: NDArray[np.floating] | None = None
    number: int = 0
    made: str = ""


@dataclass(frozen=True)
class StoredPerson:
    """Somebody in the store.

    Attributes:
        number: Never given twice.
        name: Or None.
        made: When the person was made, in UTC.
        appearances: From the oldest on.
    """

    number: int
    name: str | None
    made: str
    appearances: tuple[Appearance, ...]

    @property
    def called(self) -> str:
        """The name, or "person 3"."""
        return self.name or f"person {self.number}"


class PersonStore(AbstractContextManager["PersonStore"]):
    """People in a file; several processes may use it at the same time, each change is whole or not at all.

    Args:
        file: Made when it does not exist or is empty, and `make` says so; only its owner may read it.
        population: Of the weights that embeddings come from; a store belongs to one file of weights. Without
            it a store of any weights can be looked at and tidied up, but nobody enrolled or recognised.
        make: Whether it may be made; this needs the population.

    Attributes:
        weights: Name of those that the store belongs to.

    Raises:
        InputError: The file is missing, no person store, of other weights or another version, or cannot be
            used.
    """

    def __init__(self, file: Path, population: Population | None = None, *, make: bool = False) -> None:
        self.file = file
        self.population = population
        if not make and not (file.is_file() and file.stat().st_size):
            raise InputError(f"There is no person store {file}; `idennet people enrol` makes one.")
        with self._explained():
            if make:
                file.touch(mode=0o600)  # faces are biometric: for nobody else on this machine
            self._sql = sqlite3.connect(file, timeout=WAIT, isolation_level=None)
            try:
                self.weights = self._begin()
            except BaseException:
                self._sql.close()
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._sql.close()

    def people(self) -> list[StoredPerson]:
        """Return everybody, by number."""
        with self._explained():
            self._sql.execute("BEGIN")
            people = self._sql.execute("SELECT number, name, made FROM person ORDER BY number").fetchall()
            rows = self._sql.execute(
                "SELECT person, source, looks, embedding, neutral, number, made FROM appearance"
                " ORDER BY number"
            ).fetchall()
            self._sql.execute("COMMIT")
        seen: dict[int, list[Appearance]] = {number: [] for number, _, _ in people}
        for person, source, looks, embedding, neutral, number, made in rows:
            at_rest = None if neutral is None else np.frombuffer(neutral, np.float32)
            vector = np.frombuffer(embedding, np.float32)
            seen[person].append(Appearance(source, looks, vector, at_rest, number, made))
        return [StoredPerson(number, name, made, tuple(seen[number])) for number, name, made in people]

    def find(self, who: str) -> StoredPerson:
        """Return a person by name or number.

        Raises:
            InputError: There is nobody of that name or number.
        """
        people, who = self.people(), who.strip()
        for person in people:
            if who in (person.name, str(person.number)):
                return person
        known = ", ".join(person.called for person in people) or "nobody"
        raise InputError(f"The store knows no {who!r}; it knows {known}.")

    def known(self) -> dict[int, Evidence]:
        """Return who everybody is, by number."""
        return {person.number: self.evidence(person) for person in self.people() if person.appearances}

    def names(self) -> dict[int, str]:
        """Return the names of those who have one, by number."""
        return {person.number: person.name for person in self.people() if person.name}

    def evidence(self, person: StoredPerson) -> Evidence:
        """Return who a person is; this needs the population."""
        assert self.population is not None, "embeddings mean nothing without their weights"
        parts = []
        for appearance in person.appearances:
            worth = worth_of(appearance.looks)
            parts.append(Evidence(worth, worth * self.population.evidence(appearance.embedding).total))
        return sum(parts, self.population.nothing())

    def enrol(self, appearances: Sequence[Appearance], name: str | None = None) -> int:
        """Add appearances to the person of that name, or to somebody new; return the number.

        Raises:
            InputError: There is no appearance, or the name is none (`checked_name`).
        """
        if not appearances:
            raise InputError("Nobody can be enrolled without a face.")
        name = name if name is None else checked_name(name)
        with self._change():
            found = self._sql.execute("SELECT number FROM person WHERE name = ?", (name,)).fetchone()
            number = found[0] if found else self._new(name)
            self._add(number, appearances)
        return number

    def add(self, number: int, appearances: Sequence[Appearance]) -> None:
        """Add appearances to a person who is there."""
        with self._change():
            self._add(number, appearances)

    def rename(self, person: StoredPerson, name: str) -> None:
        """Give a person another name.

        Raises:
            InputError: The name is somebody else's, or none (`checked_name`).
        """
        name = checked_name(name)
        with self._change():
            self._sql.execute("UPDATE person SET name = ? WHERE number = ?", (name, person.number))

    def merge(self, kept: StoredPerson, gone: StoredPerson) -> None:
        """Give all appearances of one person to another, and forget that there were two.

        Raises:
            InputError: Both are the same.
        """
        if kept.number == gone.number:
            raise InputError(f"{kept.called} cannot be merged with {kept.called}; name two people.")
        with self._change():
            self._sql.execute("UPDATE appearance SET person = ? WHERE person = ?", (kept.number, gone.number))
            self._sql.execute("DELETE FROM person WHERE number = ?", (gone.number,))

    def split(self, person: StoredPerson, appearances: Sequence[int], name: str | None = None) -> int:
        """Make somebody new of some appearances of a person; return the number.

        Raises:
            InputError: They are not this person's, or all of them, or the name is none (`checked_name`).
        """
        own = {appearance.number for appearance in person.appearances}
        if strange := set(appearances) - own:
            there = ", ".join(map(str, sorted(own)))
            raise InputError(f"{person.called} has no appearance {min(strange)}; there are {there}.")
        if not appearances or set(appearances) == own:
            raise InputError(f"Some appearances of {person.called} must go and some must stay; name some.")
        with self._change():
            number = self._new(name)
            self._sql.executemany(
                "UPDATE appearance SET person = ? WHERE number = ?", [(number, one) for one in appearances]
            )
        return number

    def delete(self, person: StoredPerson) -> None:
        """Delete a person for good: what was stored is overwritten, and the file is written anew."""
        with self._change():
            self._sql.execute("DELETE FROM person WHERE number = ?", (person.number,))
        with self._explained():
            self._sql.execute("VACUUM")

    def export(self, people: Sequence[StoredPerson]) -> dict[str, Any]:
        """Return all that is stored of people as plain data.

        Without the population 22 neutral readings are named as those of the bundled weights; others, whose
        Action Units only their weights know, are a list in the order of these.
        """
        aus = columns(self.population.card.aus if self.population else SYNFACS_AUS)
        return {
            "format": f"idennet-people/{VERSION}",
            "weights": self.weights,
            "people": [
                {
                    "number": person.number,
                    "name": person.name,
                    "made": person.made,
                    "appearances": [
                        {
                            "number": one.number,
                            "source": one.source,
                            "made": one.made,
                            "looks": one.looks,
                            "embedding": [round(float(value), 6) for value in one.embedding],
                            "neutral": None if one.neutral is None else _readings(one.neutral, aus),
                        }
                        for one in person.appearances
                    ],
                }
                for person in people
            ],
        }

    def _begin(self) -> str:
        """Check the file, write the schema into a new one, and return the name of its weights."""
        self._sql.execute("PRAGMA foreign_keys = ON")
        self._sql.execute("PRAGMA secure_delete = ON")
        card = self.population and self.population.card
        with self._change():
            application, version, tables = (
                self._sql.execute(query).fetchone()[0]
                for query in (
                    "PRAGMA application_id",
                    "PRAGMA user_version",
                    "SELECT count(*) FROM sqlite_master",
                )
            )
            if not tables and card:
                for statement in _SCHEMA.split(";"):
                    self._sql.execute(statement)
                self._sql.execute("INSERT INTO about VALUES (?, ?)", (card.weights, card.weights_sha256))
                self._sql.execute(f"PRAGMA application_id = {APPLICATION}")
                self._sql.execute(f"PRAGMA user_version = {VERSION}")
                return card.weights
            if application != APPLICATION:
                raise InputError(f"{self.file} is a database, but no person store; name another file.")
            if version != VERSION:
                raise InputError(
                    f"{self.file} is a person store of version {version}, this IdenNet knows {VERSION}; use "
                    "the IdenNet that wrote it."
                )
            weights, sha256 = self._sql.execute("SELECT weights, sha256 FROM about").fetchone()
        if card and sha256 != card.weights_sha256:
            raise InputError(
                f"{self.file} belongs to the weights {weights}, but these are {card.weights}; use those, or "
                "enrol people in another file."
            )
        return str(weights)

    def _new(self, name: str | None) -> int:
        made = self._sql.execute(
            "INSERT INTO person (name, made) VALUES (?, ?)",
            (name if name is None else checked_name(name), _now()),
        )
        assert made.lastrowid is not None, "a row was inserted"
        return made.lastrowid

    def _add(self, number: int, appearances: Sequence[Appearance]) -> None:
        rows = [
            (
                number,
                one.source,
                _now(),
                one.looks,
                np.asarray(one.embedding, np.float32).tobytes(),
                None if one.neutral is None else np.asarray(one.neutral, np.float32).tobytes(),
            )
            for one in appearances
        ]
        self._sql.executemany(
            "INSERT INTO appearance (person, source, made, looks, embedding, neutral)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Change the file as a whole or not at all; other processes wait."""
        with self._explained():
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._sql.execute("COMMIT")
            except BaseException:
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite or the file system refuses into one sentence."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            if "person.name" not in str(error):
                raise InputError("That person has been deleted meanwhile; list the people again.") from error
            raise InputError("Somebody else in the store has that name; choose another.") from error
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(
                    f"Another process is writing {self.file}; try again when it is done."
                ) from error
            raise InputError(f"The person store {self.file} cannot be used: {error}.") from error
        except OSError as error:
            raise InputError(f"The person store {self.file} cannot be used: {error.strerror}.") from error
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self.file} is no person store, or damaged ({error}).") from error


def checked_name(name: str) -> str:
    """Return a name without the spaces around it.

    Raises:
        InputError: It is empty or a number, or holds what is no text of one line.
    """
    name = name.strip()
    if not name or name.isdigit():
        raise InputError(f"{name!r} is no name: it must have letters, so that it is not taken for a number.")
    if {unicodedata.category(letter) for letter in name} & _NOT_IN_NAMES:
        raise InputError(f"{name!r} is no name: leave out line breaks, control characters and stray bytes.")
    return name


def _readings(
    neutral: NDArray[np.floating], aus: Sequence[str]
) -> dict[str, float | None] | list[float | None]:
    """Return what a face at rest reads, None where that is hidden; by name where there is one for each."""
    values = [None if np.isnan(value) else round(float(value), 6) for value in neutral]
    return dict(zip(aus, values, strict=True)) if len(values) == len(aus) else values


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
