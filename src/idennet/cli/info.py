"""`idennet info`: what is installed, on what it runs, and which weights it reads with."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.nn import Module


def info_command() -> None:
    """Show versions, the device, the bundled weights and the face finders.

    [bold]idennet info[/bold]
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, value in _facts():
        table.add_row(Text(name, style="bold"), Text(value))
    Console().print(table)


def _facts() -> Iterator[tuple[str, str]]:
    import platform

    import cv2
    import torch

    from idennet import __version__
    from idennet.faces.landmark_net import load_landmark_net
    from idennet.faces.shot_net import load_shot_net
    from idennet.models.fastcpu.library import choose_kernels

    yield "idennet", __version__
    yield "Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield "PyTorch", torch.__version__
    yield "device", torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    yield "threads", str(torch.get_num_threads())
    yield "CPU kernels", str(choose_kernels())
    yield from _weights_facts()
    yield "landmarks", _network_fact(load_landmark_net, "68 points")
    yield "finder", _network_fact(load_shot_net, "built in, the default")
    yield "", f"or YuNet and MediaPipe by OpenCV {cv2.__version__}: with --finder FILE"


def _weights_facts() -> Iterator[tuple[str, str]]:
    from idennet.errors import WeightsError
    from idennet.facs import columns
    from idennet.models.weights import Evidence, load_bundled

    try:
        model, card = load_bundled()
    except WeightsError as error:
        yield "weights", f"none: {error}"
        return
    yield "weights", f"{card.version}: {card.architecture.kind}, {_parameters(model)}"
    yield "", f"sha256 {card.sha256}"
    yield "", f"{len(card.aus)} Action Units: {' '.join(columns(card.aus))}"
    if card.unreliable_aus:
        yield "", f"unreliable (~): {' '.join(columns(card.unreliable_aus))}"
    for au, why in card.provenance.get("unreliable", {}).items():
        yield "", f"  ~{au}: {why}"
    for grade in Evidence:
        if aus := [au for au, given in card.evidence.items() if given == grade]:
            yield "", f"{grade}: {' '.join(columns(aus))}"
    for key, value in card.provenance.items():
        if not isinstance(value, dict | list):
            yield "", f"{key}: {value}"


def _network_fact(load: "Callable[[], Module]", what: str) -> str:
    from idennet.errors import WeightsError

    try:
        network = load()
    except WeightsError as error:
        return f"none: {error}"
    return f"own network, {_parameters(network)}: {what}"


def _parameters(network: "Module") -> str:
    return f"{sum(parameter.numel() for parameter in network.parameters()):,} parameters"
