"""The photographs that nothing is tuned on (results/photographs/lfw-test), from the committed files alone."""

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

from idennet.learning.data.readers.labelled_pictures import read_labelled_pictures

PHOTOGRAPHS = Path(__file__).parents[1] / "results" / "photographs"
FOLDER = PHOTOGRAPHS / "lfw-test"
AUS = (1, 2, 4, 5, 6, 12, 25, 26, 43)
JUDGED = ("AU1+2", *(f"AU{au}" for au in AUS[2:]))


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def passes() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    both = rows(FOLDER / "passes.csv")
    return [row for row in both if row["pass"] == "first"], [row for row in both if row["pass"] == "second"]


def agreement_and_kappa(pairs: list[tuple[str, str]]) -> list[float]:
    count = len(pairs)
    agreement = sum(first == second for first, second in pairs) / count
    firsts, seconds = (Counter(labels) for labels in zip(*pairs, strict=True))
    chance = sum(firsts[label] * seconds[label] for label in firsts) / count**2
    return [round(agreement, 3), round((agreement - chance) / (1 - chance), 3)]


def test_the_list_is_one_that_evaluate_reads(tmp_path: Path):
    copy = tmp_path / "lfw-test.csv"
    copy.write_bytes((FOLDER / "lfw-test.csv").read_bytes())
    for row in rows(copy):
        (tmp_path / row["image"]).parent.mkdir(exist_ok=True)
        (tmp_path / row["image"]).touch()
    pictures = read_labelled_pictures(copy)
    assert len(pictures) >= 300
    assert pictures.aus == AUS
    assert not pictures.conditions
    for labels in pictures.labels(AUS).T:
        assert {0, 1} <= set(labels.tolist())


def test_all_people_are_held_out_and_none_is_a_development_photograph():
    people = (FOLDER / "people.txt").read_text(encoding="utf-8").split()
    photographs = rows(FOLDER / "lfw-test.csv")
    assert {row["subject"] for row in photographs} == set(people)
    assert all(row["image"].startswith(f"{row['subject']}/{row['subject']}_") for row in photographs)
    assert all(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 5 == 0 for name in people)
    assert not set(people) & {row["subject"] for row in rows(PHOTOGRAPHS / "lfw-by-eye.csv")}


def test_labels_follow_the_two_passes_where_these_agree():
    first, second = passes()
    final = rows(FOLDER / "lfw-test.csv")
    images = [row["image"] for row in final]
    assert [row["image"] for row in first] == images
    assert [row["image"] for row in second] == images
    for one, two, last in zip(first, second, final, strict=True):
        assert last["AU1"] == last["AU2"]
        for name in JUDGED:
            if one[name] and one[name] == two[name]:
                assert last[name.removesuffix("+2")] == one[name]


def test_the_agreement_is_that_of_the_two_passes():
    first, second = passes()
    final = rows(FOLDER / "lfw-test.csv")
    record = json.loads((FOLDER / "agreement.json").read_text(encoding="utf-8"))
    assert record["photographs"] == len(first)
    assert record["drawn"] == sum(row["stratum"] == "drawn" for row in first)
    assert record["chosen"] == sum(row["stratum"] == "chosen" for row in first)
    assert tuple(record["action_units"]) == JUDGED
    for name, scores in record["action_units"].items():
        pairs = [(one[name], two[name]) for one, two in zip(first, second, strict=True)]
        told = [pair for pair in pairs if all(pair)]
        labels = Counter(row[name.removesuffix("+2")] for row in final)
        assert scores["told_in_both"] == len(told)
        assert [scores["agreement"], scores["kappa"]] == agreement_and_kappa(told)
        assert [scores["agreement_with_empty"], scores["kappa_with_empty"]] == agreement_and_kappa(pairs)
        for label, key in (("1", "present"), ("", "empty")):
            assert scores[key]["first"] == sum(pair[0] == label for pair in pairs)
            assert scores[key]["second"] == sum(pair[1] == label for pair in pairs)
            assert scores[key]["final"] == labels[label]
