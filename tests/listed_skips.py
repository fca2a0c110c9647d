"""pytest plugin: with `--no-unlisted-skips`, a test that skips for a reason not listed here fails."""

from collections.abc import Iterator

import pytest

REASONS = {
    "this CPU has no AVX2": "the kernels are for x86-64 CPUs with AVX2 or AVX-512",
    "IDENNET_KERNELS=torch leaves the kernels out": "`make test-plain` runs without kernels on purpose",
    "only Linux takes any bytes as a name": "other systems refuse to make such a file",
    "Windows ends a process without asking it": "there is no SIGTERM to obey",
    "there is no Chromium here": "the page is tested in a browser that is installed; none is downloaded",
    "this system has no fork": "Windows starts every process anew",
}
"""Reasons that may skip a test, and why each is right. "Not built" and "not installed" are none."""


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "fail where a test skips for a reason that is not listed"
    parser.addoption("--no-unlisted-skips", action="store_true", help=text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    return _judged((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    return _judged((yield), collector.config)


def _judged(report, config: pytest.Config):
    """Return a report, failed if it is a skip that may not be."""
    if report.skipped and not hasattr(report, "wasxfail") and config.getoption("--no-unlisted-skips"):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason not in REASONS:
            report.outcome = "failed"
            report.longrepr = f"Skipped for a reason that tests/listed_skips.py does not list: {reason}"
    return report
