"""When the compiled kernels compute the trunk, when PyTorch does, and how they are built."""

import copy
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from idennet.errors import InputError
from idennet.models.fastcpu import build, library
from idennet.models.fastcpu.library import VARIABLE, Choice, Kernels, choose_kernels
from idennet.models.trunk import Trunk


class Calls:
    """Kernels that count the layers they compute."""

    def __init__(self, kernels: Kernels) -> None:
        self.kernels, self.layers = kernels, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.kernels, name)

    def forward(self, *given: object) -> Tensor:
        self.layers += 1
        return self.kernels.forward(*given)  # type: ignore[arg-type]


@pytest.fixture
def calls(each_kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Counts what the kernels compute."""
    counting = Calls(each_kernels)
    monkeypatch.setattr("idennet.models.fastcpu.trunk.choose_kernels", lambda: Choice(counting))  # type: ignore[arg-type]
    return counting


@pytest.fixture
def trunk() -> Trunk:
    trunk = Trunk()
    trunk.initialize(torch.Generator().manual_seed(1))
    return trunk


FACES = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(2))


def test_kernels_compute_float_faces(calls: Calls, trunk: Trunk) -> None:
    with torch.no_grad():
        trunk(FACES)
    assert calls.layers == 4


def double_trunk(trunk: Trunk) -> None:
    trunk.double()(FACES)


def half_precision(trunk: Trunk) -> None:
    trunk.bfloat16()(FACES)


def autocast(trunk: Trunk) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        trunk(FACES)


def no_faces(trunk: Trunk) -> None:
    assert trunk(FACES[:0]).shape == (0, 4800)


def gradient_of_faces(trunk: Trunk) -> None:
    faces = FACES.clone().requires_grad_()
    trunk(faces).sum().backward()
    assert faces.grad is not None
    assert faces.grad.abs().sum() > 0


def hook(trunk: Trunk) -> None:
    seen = []
    trunk.conv2.register_forward_hook(lambda *given: seen.append(given[2].shape))
    trunk(FACES)
    assert seen == [(1, 192, 56, 56)]


def replaced_layer(trunk: Trunk) -> None:
    nn.utils.parametrizations.weight_norm(trunk.conv1)
    trunk(FACES)


def meta_device(trunk: Trunk) -> None:
    assert trunk.to("meta")(FACES.to("meta")).device.type == "meta"


def functional_transform(trunk: Trunk) -> None:
    def total(parameters: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(trunk, parameters, (FACES,)).sum()

    found = torch.func.grad(total)({name: value.detach() for name, value in trunk.named_parameters()})
    assert found["conv1.weight"].abs().sum() > 0


def export(trunk: Trunk) -> None:
    program = torch.export.export(trunk.eval(), (FACES,))
    targets = [str(node.target) for node in program.graph.nodes]
    assert sum("conv2d" in target for target in targets) == 4


def trace(trunk: Trunk) -> None:
    traced = torch.jit.trace(trunk.eval(), FACES, check_trace=False)
    assert str(traced.inlined_graph).count("aten::_convolution") == 4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "use",
    [
        double_trunk,
        half_precision,
        autocast,
        no_faces,
        gradient_of_faces,
        hook,
        replaced_layer,
        meta_device,
        functional_transform,
        export,
        trace,
    ],
)
def test_pytorch_computes_the_rest(calls: Calls, trunk: Trunk, use: Callable[[Trunk], None]) -> None:
    use(trunk)
    assert calls.layers == 0


def test_second_derivatives(calls: Calls, trunk: Trunk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A penalty on gradients, against the plain trunk."""

    def penalty_gradient(network: Trunk) -> list[Tensor]:
        weights = [network.conv1.weight, network.conv3.weight]
        first = torch.autograd.grad(network(FACES).square().sum(), weights, create_graph=True)
        return list(torch.autograd.grad(sum(g.square().sum() for g in first), weights))

    ours = penalty_gradient(trunk)
    assert calls.layers == 4
    monkeypatch.setattr("idennet.models.fastcpu.trunk.choose_kernels", lambda: Choice(None))
    for found, expected in zip(ours, penalty_gradient(trunk), strict=True):
        assert (found - expected).norm() < 1e-3 * expected.norm()


def test_frozen_layers_and_copies(calls: Calls, trunk: Trunk) -> None:
    trunk.conv1.requires_grad_(False)
    trunk.conv2.bias.requires_grad_(False)
    twin = copy.deepcopy(trunk)
    twin(FACES).sum().backward()
    assert twin.conv1.weight.grad is None
    assert twin.conv2.bias.grad is None
    assert twin.conv2.weight.grad is not None
    torch.save(trunk.state_dict(), io.BytesIO())


def test_variable_switches_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "torch")
    assert str(choose_kernels()) == "PyTorch: asked for by IDENNET_KERNELS"


def test_variable_with_another_value(monkeypatch: pytest.MonkeyPatch, trunk: Trunk) -> None:
    monkeypatch.setenv(VARIABLE, "fast")
    with pytest.raises(InputError, match=r"IDENNET_KERNELS is 'fast'; use auto or torch\."):
        trunk(FACES)


AVX2 = {"architecture": "x86_64", "sse4_2": True, "avx": True, "avx2": True, "fma3": True}
AVX512 = AVX2 | dict.fromkeys(["avx512_f", "avx512_bw", "avx512_dq", "avx512_vl"], True)


def give_cpu(monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object]) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which the libraries are looked for, on a CPU with AVX2."""
    monkeypatch.delenv(VARIABLE, raising=False)
    give_cpu(monkeypatch, AVX2)
    monkeypatch.setattr(library, "library_path", lambda name: build.library_path(name, tmp_path))
    monkeypatch.setattr(library, "choose_built", library.choose_built.__wrapped__)
    return tmp_path


@pytest.fixture
def opened(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the libraries that are loaded (`dlopen`), where all are built and none can be."""
    names = []

    def refuse(path: str) -> None:
        names.append(Path(path).name)
        raise OSError("not loaded in this test")

    for name in build.INSTRUCTION_SETS:
        build.library_path(name, elsewhere).write_bytes(b"built")
    monkeypatch.setattr(library.ctypes, "CDLL", refuse)
    return names


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (AVX512, ["kernels_avx512.so"]),
        (AVX2, ["kernels_avx2.so"]),
        (AVX512 | {"avx512_vl": False}, ["kernels_avx2.so"]),
        (AVX2 | {"avx512_f": True}, ["kernels_avx2.so"]),
        (AVX2 | {"fma3": False}, []),
        ({"architecture": "x86_64", "sse4_2": True, "avx2": False}, []),
        ({"architecture": "aarch64", "neon": True, "sve": True}, []),
    ],
    ids=["AVX-512", "AVX2", "AVX-512 without VL", "AVX-512 F alone", "AVX2 without FMA", "SSE", "ARM"],
)
def test_the_choice_follows_the_flags_of_the_cpu_not_what_was_built(
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capabilities: dict[str, object],
    expected: list[str],
) -> None:
    give_cpu(monkeypatch, capabilities)
    choice = choose_kernels()
    assert opened == expected
    assert choice.kernels is None
    assert choice.reason == (
        "the kernels cannot be loaded: not loaded in this test" if expected else "this CPU has no AVX2"
    )


def test_a_library_is_not_loaded_on_a_cpu_without_its_instruction_set(opened: list[str]) -> None:
    with pytest.raises(OSError, match="this CPU has no avx512"):
        Kernels("avx512")
    assert opened == []


def test_every_feature_of_every_instruction_set_is_asked_for() -> None:
    """A flag for the compiler that the CPU's list does not name could never be checked."""
    names = {feature for features in build.INSTRUCTION_SETS.values() for feature in features}
    assert names == set(library._CAPABILITIES)
    if torch.cpu.get_capabilities()["architecture"] == "x86_64":
        assert set(library._CAPABILITIES.values()) <= torch.cpu.get_capabilities().keys()


def test_library_missing(elsewhere: Path, trunk: Trunk) -> None:
    assert str(choose_kernels()).startswith("PyTorch: the kernels are not built; with a C++ compiler: python")
    with torch.no_grad():
        assert trunk(FACES).shape == (1, 4800)


def test_library_broken(elsewhere: Path) -> None:
    (elsewhere / "kernels_avx2.so").write_bytes(b"no library")
    assert str(choose_kernels()).startswith("PyTorch: the kernels cannot be loaded: ")


def test_library_of_other_sources(each_kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "choose_built", library.choose_built.__wrapped__)
    monkeypatch.setattr(library, "source_digest", lambda: "0" * 16)
    monkeypatch.setitem(library._FUNCTIONS, "added_since", ([], None))
    assert str(choose_kernels()).startswith("PyTorch: the kernels were built from other sources; once more: ")


def test_build_without_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build.platform, "machine", lambda: "x86_64")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.BuildError, match="there is no C\\+\\+ compiler"):
        build.build(tmp_path)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(build.BuildError, match="no-such-compiler does not start"):
        build.build(tmp_path)


def test_build_with_a_compiler_that_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho kernels.cpp: too modern >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(build.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(build.BuildError, match="too modern"):
        build.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["compiler"]


def test_build_on_other_machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build.platform, "machine", lambda: "aarch64")
    with pytest.raises(build.BuildError, match="x86-64"):
        build.build(tmp_path)
