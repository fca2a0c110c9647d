import json
from pathlib import Path

import pytest

from idennet.learning.training.progress import METRICS, Reporter, forget_metrics_after, read_metrics


def test_validations_have_no_speed_and_lines_are_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"mean_auc": 0.81234, "mean_f1": 0.4, "verification_auc": 0.9}
    with Reporter(tmp_path, active=True) as reporter:
        reporter.begin("identity", 0, 100_000)
        reporter.advance(64)
        reporter.losses(90_000, {"loss": 0.12345678, "au_loss": 0.2, "learning_rate": 1e-3})
        reporter.scores(90_000, {"score": 0.81234, **scores})
    training, validation = read_metrics(tmp_path)
    assert training.pop("faces_per_second") > 0
    assert training == {
        "stage": "identity", "step": 90_000, "loss": 0.12345678, "au_loss": 0.2, "learning_rate": 1e-3
    }  # fmt: skip
    named = {f"validation_{name}": value for name, value in scores.items()}
    assert validation == {"stage": "identity", "step": 90_000, **named}
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("identity 90000: loss 0.1235  ")
    assert first.endswith(" faces/s")
    assert len(first) <= 80
    assert second == "identity 90000: validation mean_auc 0.812  mean_f1 0.400  verification_auc 0.900"


def test_long_validations_are_shown_in_part_and_kept_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {f"value_{number}": number / 100 for number in range(30)}
    with Reporter(tmp_path, active=True) as reporter:
        reporter.begin("shape", 500, 1000)
        reporter.scores(1000, scores)
    begun, shown = capsys.readouterr().err.splitlines()
    assert begun == "shape: going on after step 500 of 1000"
    assert shown.endswith("value_7 0.070  and 22 more in metrics.jsonl")
    assert len(read_metrics(tmp_path)[0]) == 2 + len(scores)


def test_a_torn_record_is_left_out(tmp_path: Path) -> None:
    records = [{"stage": "au", "step": step} for step in (10, 20)]
    path = tmp_path / METRICS
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + '{"stage": "au", "st')
    assert read_metrics(tmp_path) == records
    forget_metrics_after(tmp_path, ["identity", "au"], 10)
    assert path.read_text() == json.dumps(records[0]) + "\n"
