"""What the server counts, for Prometheus."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)  # fmt: skip

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    """Counts of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.answers = self._counter("answers", "Answers to requests", "route", "status")
        self.faces = self._counter("faces", "Faces that were read", "kind")
        self.frames = self._counter("stream_frames", "Frames of streams", "what")
        self.streams = Gauge("idennet_streams", "Streams that are open", registry=self._registry)
        self.clips = Gauge("idennet_clips", "Clips at the server", registry=self._registry)
        self.reading = Histogram(
            "idennet_photograph_seconds",
            "Time from the whole upload to the answer",
            buckets=_SECONDS,
            registry=self._registry,
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"idennet_{name}", meaning, labels, registry=self._registry)

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)
