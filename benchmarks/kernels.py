"""The network by several engines on this CPU, in one process: `python benchmarks/kernels.py [--rounds 5]`.

Engines take turns, so that a machine that slows down slows down all of them; medians over rounds count. CPU
time of all threads is what an engine costs on a shared machine, wall time what a user waits on an idle one.
Errors are against float64: of logits over the largest logit, of gradients over their length (the worst).
`pip install "idennet[bench]"` adds ONNX Runtime and OpenVINO.
"""

import argparse
import copy
import json
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from idennet import IdenNet
from idennet.learning.training.initialise import fit_to_faces
from idennet.models.fastcpu.library import VARIABLE, choose_kernels

Run = Callable[[Tensor], Tensor]
Timing = tuple[float, float]
"""CPU and wall milliseconds of one face."""


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU and wall time of the network by several engines.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--training-batch", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path("results/kernels"))
    options = parser.parse_args()
    os.environ[VARIABLE] = "auto"
    print(f"IdenNet's kernels: {choose_kernels()}")
    faces = smooth_faces(max(options.batches))
    model = IdenNet(generator=torch.Generator().manual_seed(0)).eval()
    fit_to_faces(model, faces[:16])
    exact = logits(copy.deepcopy(model).double())(faces[:8])
    print("\n| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD))
    records = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        engines = dict(inference_engines(model, threads))
        for batch in options.batches:
            times = interleaved(engines, faces[:batch], options.rounds)
            for name, (cpu, wall) in times.items():
                error = float((engines[name](faces[:8]) - exact).abs().max() / exact.abs().max())
                records.append(record("inference", threads, batch, name, cpu, wall, error))
        engines = training_engines(model)
        times = interleaved(engines, smooth_faces(options.training_batch), max(2, options.rounds // 2))
        for name, (cpu, wall) in times.items():
            error = gradient_error(model, faces[:4], name)
            records.append(record("training", threads, options.training_batch, name, cpu, wall, error))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{date.today()}.json"
    path.write_text(json.dumps({"machine": machine(), "measurements": records}, indent=1) + "\n")
    print(f"Written to {path}")


def smooth_faces(count: int) -> Tensor:
    noise = torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    return (0.5 + 0.2 * functional.interpolate(noise, size=(128, 128), mode="bicubic")).clamp(0, 1)


@contextmanager
def kernels_are(value: str) -> Iterator[None]:
    before, os.environ[VARIABLE] = os.environ[VARIABLE], value
    try:
        yield
    finally:
        os.environ[VARIABLE] = before


def logits(model: nn.Module, kernels: str = "torch") -> Run:
    def run(faces: Tensor) -> Tensor:
        with torch.inference_mode(), kernels_are(kernels):
            return model(faces.to(next(model.parameters()).dtype)).au_logits

    return run


def inference_engines(model: IdenNet, threads: int) -> Iterator[tuple[str, Run]]:
    """Engines that can be had here; a sentence for each that cannot.

    The plain trunk takes its pictures channels-last; "eager" keeps their layout as PyTorch's default has it.
    """
    contiguous = copy.deepcopy(model)
    contiguous.trunk._scale = lambda faces: faces  # type: ignore[method-assign]
    yield "PyTorch eager", logits(contiguous)
    yield "PyTorch channels-last", logits(model)
    yield "torch.compile", logits(torch.compile(copy.deepcopy(model)))
    for name, prepare in {"ONNX Runtime": onnxruntime_engine, "OpenVINO": openvino_engine}.items():
        try:
            yield name, prepare(model, threads)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    if choose_kernels().kernels is not None:
        yield "IdenNet kernels", logits(model, "auto")


class Logits(nn.Module):
    def __init__(self, model: IdenNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, faces: Tensor) -> Tensor:
        return self.model(faces).au_logits


def export(model: IdenNet, path: Path) -> None:
    batch = torch.export.Dim("batch", min=1, max=4096)
    example = torch.zeros(2, 3, 128, 128)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Logits(model).eval(), (example,), path, dynamo=True, dynamic_shapes=[{0: batch}], verbose=False
        )


def onnxruntime_engine(model: IdenNet, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        export(model, Path(folder) / "idennet.onnx")
        session = onnxruntime.InferenceSession(Path(folder) / "idennet.onnx", options)
    name = session.get_inputs()[0].name
    return lambda faces: torch.from_numpy(session.run(None, {name: faces.numpy()})[0])


def openvino_engine(model: IdenNet, threads: int) -> Run:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        export(model, Path(folder) / "idennet.onnx")
        network = openvino.Core().read_model(Path(folder) / "idennet.onnx")
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(network, "CPU", settings)
    return lambda faces: torch.from_numpy(compiled(faces.numpy())[0].copy())


def training_engines(model: IdenNet) -> dict[str, Run]:
    """Forward, backward and Adam."""

    def step_of(network: IdenNet, kernels: str) -> Run:
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-5)

        def step(faces: Tensor) -> Tensor:
            with kernels_are(kernels):
                loss = loss_of(network, faces)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            return loss.detach()

        return step

    engines = {"PyTorch channels-last": step_of(copy.deepcopy(model), "torch")}
    if choose_kernels().kernels is not None:
        engines["IdenNet kernels"] = step_of(copy.deepcopy(model), "auto")
    return engines


def loss_of(network: IdenNet, faces: Tensor) -> Tensor:
    output = network(faces)
    assert output.identity_embedding is not None
    return functional.softplus(output.au_logits).mean() + output.identity_embedding[::2].square().sum()


def gradient_error(model: IdenNet, faces: Tensor, name: str) -> float:
    """Distance of gradients from float64's over their length, of the worst parameter."""

    def gradients(network: IdenNet, pictures: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(loss_of(network, pictures), list(network.parameters())))

    with kernels_are("auto" if name == "IdenNet kernels" else "torch"):
        found = gradients(model, faces)
    exact = gradients(copy.deepcopy(model).double(), faces.double())
    return max(float((f - e).norm() / e.norm()) for f, e in zip(found, exact, strict=True))


def interleaved(engines: dict[str, Run], faces: Tensor, rounds: int) -> dict[str, Timing]:
    """Median times of a face for each engine; every round runs all engines, after one that does not count."""
    times: dict[str, list[Timing]] = {name: [] for name in engines}
    repeats = max(1, 16 // len(faces))
    for count in range(rounds + 1):
        for name, run in engines.items():
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(repeats):
                run(faces)
            spent = time.process_time() - cpu, time.perf_counter() - wall
            if count:
                times[name].append(tuple(1e3 * value / repeats / len(faces) for value in spent))  # type: ignore[arg-type]
    return {name: tuple(map(statistics.median, zip(*all_, strict=True))) for name, all_ in times.items()}  # type: ignore[misc]


HEAD = ("task", "threads", "batch", "engine", "CPU ms a face", "wall ms a face", "largest error")


def record(*values: str | float) -> dict[str, str | float]:
    """Print a row of the table and return it."""
    row = {
        key: float(f"{value:.3g}") if isinstance(value, float) else value
        for key, value in zip(HEAD, values, strict=True)
    }
    print("| " + " | ".join(map(str, row.values())) + " |", flush=True)
    return row


def machine() -> dict[str, str]:
    facts = {"date": str(date.today()), "system": platform.platform(), "python": platform.python_version()}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        facts["cpu"] = f"{len(names)} x {names[0]}" if names else platform.machine()
    for package in ("torch", "onnxruntime", "openvino"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts | {"kernels": str(choose_kernels())}


if __name__ == "__main__":
    main()
