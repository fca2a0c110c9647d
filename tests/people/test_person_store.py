import multiprocessing
import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest
from known_population import population

from idennet.errors import InputError
from idennet.people.store import Appearance, PersonStore, StoredPerson

PEOPLE = population()
ANNA, BERT = (np.array([x, y, 0.25, 0.125], np.float32) for x, y in ((0.7, 0.5), (-0.6, 0.4)))


def appearance(embedding: np.ndarray = ANNA, source: str = "a.jpg", neutral: np.ndarray | None = None):
    return Appearance(source, 1, embedding, neutral)


@pytest.fixture
def store(tmp_path: Path):
    with PersonStore(tmp_path / "people.db", PEOPLE, make=True) as opened:
        yield opened


def names(store: PersonStore) -> list[tuple[int, str | None, int]]:
    return [(person.number, person.name, len(person.appearances)) for person in store.people()]


def test_who_is_enrolled_is_there_when_the_file_is_opened_again(tmp_path: Path):
    rest = np.array([0.1, np.nan, 0.3], np.float32)
    with PersonStore(tmp_path / "p.db", PEOPLE, make=True) as first:
        assert first.enrol([appearance(neutral=rest), appearance(source="b.jpg")], "Anna") == 1
        assert first.enrol([appearance(BERT)]) == 2
        assert first.enrol([appearance(source="c.jpg")], "Anna") == 1
    with PersonStore(tmp_path / "p.db", PEOPLE) as again:
        assert names(again) == [(1, "Anna", 3), (2, None, 1)]
        anna = again.find("Anna")
        assert anna.appearances[0].source == "a.jpg"
        np.testing.assert_array_equal(anna.appearances[0].neutral, rest)
        np.testing.assert_array_equal(anna.appearances[2].embedding, ANNA)
        assert again.find("2").called == "person 2"


def test_known_people_are_evidence(store: PersonStore):
    store.enrol([appearance(), appearance()], "Anna")
    store.enrol([appearance(BERT)])
    known = store.known()
    assert known[1].count == 2
    assert PEOPLE.same_person(known[1], PEOPLE.evidence(ANNA)) > 0 > PEOPLE.same_person(known[2], known[1])


def test_rename_merge_and_split(store: PersonStore):
    store.enrol([appearance()], "Anna")
    store.enrol([appearance(BERT), appearance(BERT, "z.jpg")])
    store.rename(store.find("2"), "Bert")
    with pytest.raises(InputError, match="has that name"):
        store.rename(store.find("Bert"), "Anna")
    store.merge(store.find("Anna"), store.find("Bert"))
    assert names(store) == [(1, "Anna", 3)]
    assert store.split(store.find("Anna"), [2, 3], "Bert") == 3  # numbers are never given twice
    assert names(store) == [(1, "Anna", 1), (3, "Bert", 2)]


def test_wrong_wishes_are_told(store: PersonStore):
    store.enrol([appearance(), appearance()], "Anna")
    anna = store.find("Anna")
    for wish, sentence in (
        (lambda: store.find("Bert"), "knows no 'Bert'; it knows Anna"),
        (lambda: store.merge(anna, anna), "two people"),
        (lambda: store.split(anna, [99]), "no appearance 99"),
        (lambda: store.split(anna, [1, 2]), "some must stay"),
        (lambda: store.rename(anna, "12"), "no name"),
        (lambda: store.rename(anna, "An\nna"), r"'An\\nna' is no name: leave out line breaks"),
        (lambda: store.enrol([appearance()], "Anna\u2028B."), "leave out line breaks"),
        (lambda: store.split(anna, [1], "B\x1b[31m"), "control characters"),
        (lambda: store.rename(anna, "An\udcffna"), "stray bytes"),
        (lambda: store.enrol([]), "without a face"),
        (lambda: store.add(99, [appearance()]), "deleted meanwhile"),
    ):
        with pytest.raises(InputError, match=sentence):
            wish()
    assert names(store) == [(1, "Anna", 2)]


def test_who_is_deleted_is_gone_from_the_bytes_of_the_file(store: PersonStore):
    store.enrol([appearance(BERT)], "Somebody else")
    for _ in range(50):
        store.enrol([appearance(source="secret-source.jpg")], "Anna Secret")
    store.delete(store.find("Anna Secret"))
    content = store.file.read_bytes()
    for trace in (b"Anna Secret", b"secret-source", ANNA.tobytes()):
        assert trace not in content
    assert BERT.tobytes() in content
    assert [path.name for path in store.file.parent.iterdir()] == [store.file.name]


def test_export_holds_everything_as_plain_data(store: PersonStore):
    store.enrol([appearance(neutral=np.array([0.1, np.nan, 0.3]))], "Anna")
    exported = store.export(store.people())
    person = exported["people"][0]
    assert exported["weights"] == "drawn"
    assert person["name"] == "Anna"
    np.testing.assert_allclose(person["appearances"][0]["embedding"], ANNA, atol=1e-6)
    assert person["appearances"][0]["neutral"] == {"AU4": 0.1, "AU12": None, "AU25": 0.3}


def test_what_is_no_person_store_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="There is no person store"):
        PersonStore(tmp_path / "none.db", PEOPLE)
    (tmp_path / "text.db").write_text("This is a letter, not a database. " * 100)
    with pytest.raises(InputError, match="is no person store"):
        PersonStore(tmp_path / "text.db", PEOPLE)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(InputError, match="but no person store"):
        PersonStore(tmp_path / "other.db", PEOPLE)
    with pytest.raises(InputError, match="cannot be used"):
        PersonStore(tmp_path / "no" / "folder.db", PEOPLE, make=True)


def test_a_store_belongs_to_its_weights_and_version(tmp_path: Path):
    file = tmp_path / "people.db"
    PersonStore(file, PEOPLE, make=True).__exit__(None, None, None)
    with pytest.raises(InputError, match="belongs to the weights drawn"):
        PersonStore(file, population("1" * 64))
    with sqlite3.connect(file) as sql:
        sql.execute("PRAGMA user_version = 2")
    with pytest.raises(InputError, match="version 2"):
        PersonStore(file, PEOPLE)


def test_what_is_stored_is_told_and_deleted_without_the_weights_it_belongs_to(tmp_path: Path):
    file = tmp_path / "people.db"
    rests = np.linspace(0, 1, 22), np.array([0.1, np.nan, 0.3])
    with PersonStore(file, population("1" * 64), make=True) as made:
        made.enrol([appearance(), appearance(BERT), *(appearance(neutral=rest) for rest in rests)], "Anna")
    with PersonStore(file) as store:
        assert store.split(store.find("Anna"), [2]) == 2
        store.rename(store.find("2"), "Bert")
        assert names(store) == [(1, "Anna", 3), (2, "Bert", 1)]
        exported = store.export([store.find("Anna")])
        assert exported["weights"] == "drawn"
        _, named, listed = (one["neutral"] for one in exported["people"][0]["appearances"])
        assert (next(iter(named)), named["AU43"]) == ("AU1", 1)
        assert listed == [0.1, None, 0.3]  # whose Action Units these are, only the weights know
        store.merge(store.find("Anna"), store.find("Bert"))
        store.delete(store.find("Anna"))
        assert names(store) == []
    assert ANNA.tobytes() not in file.read_bytes()


def test_a_database_without_a_table_is_no_store(tmp_path: Path):
    sqlite3.connect(tmp_path / "empty.db").executescript("PRAGMA user_version = 1; VACUUM;")
    with pytest.raises(InputError, match="but no person store"):
        PersonStore(tmp_path / "empty.db")


def _enrol_many(file: Path, who: int) -> None:
    with PersonStore(file, PEOPLE, make=True) as store:
        for turn in range(20):
            store.enrol([appearance(source=f"{who}-{turn}.jpg")], f"Person of {who}")
            store.people()


def test_two_processes_may_write_at_once(tmp_path: Path):
    file = tmp_path / "people.db"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_enrol_many, args=(file, who)) for who in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    with PersonStore(file, PEOPLE) as store:
        assert sorted(len(person.appearances) for person in store.people()) == [20, 20]


def test_a_file_that_another_process_keeps_is_told(store: PersonStore, monkeypatch: pytest.MonkeyPatch):
    other = sqlite3.connect(store.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store._sql.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(InputError, match="Another process is writing"):
        store.enrol([appearance()], "Anna")
    other.execute("ROLLBACK")
    store.enrol([appearance()], "Anna")
    other.close()
    assert isinstance(store.find("Anna"), StoredPerson)


def test_a_store_is_for_its_owner_alone(store: PersonStore):
    assert stat.S_IMODE(store.file.stat().st_mode) == 0o600


def test_an_empty_file_is_no_store_unless_one_is_to_be_made(tmp_path: Path):
    file = tmp_path / "people.db"
    file.touch()
    with pytest.raises(InputError, match="There is no person store"):
        PersonStore(file, PEOPLE)
    assert file.stat().st_size == 0
    with PersonStore(file, PEOPLE, make=True) as made:
        assert made.people() == []


def test_blanks_around_a_name_do_not_count(store: PersonStore):
    assert store.enrol([appearance()], "Anna ") == store.enrol([appearance()], " Anna") == 1
    assert store.find("Anna ").called == "Anna"
