from pathlib import Path

import pytest

from idennet.learning.training.progress import Reporter, read_metrics


def test_validations_have_no_speed_and_lines_are_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"validation_mean_auc": 0.81234, "validation_mean_f1": 0.4, "validation_verification_auc": 0.9}
    with Reporter(tmp_path, active=True) as reporter:
        reporter.begin("identity", 0, 100_000)
        reporter.advance(64)
        reporter.record("identity", 90_000, {"loss": 0.12345678, "au_loss": 0.2, "learning_rate": 1e-3})
        reporter.record("identity", 90_000, scores)
    training, validation = read_metrics(tmp_path)
    assert training.pop("faces_per_second") > 0
    assert training == {
        "stage": "identity", "step": 90_000, "loss": 0.12345678, "au_loss": 0.2, "learning_rate": 1e-3
    }  # fmt: skip
    assert validation == {"stage": "identity", "step": 90_000, **scores}
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("identity 90000: loss 0.1235  ")
    assert first.endswith(" faces/s")
    assert len(first) <= 80
    assert second == "identity 90000: validation mean_auc 0.812  mean_f1 0.400  verification_auc 0.900"
