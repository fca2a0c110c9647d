"""The compiled kernels as Python sees them: found, chosen for this CPU, and called with tensors.

Tensors are float32, contiguous and on the CPU; pictures are (N, height, width, channels).
"""

import ctypes
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from idennet.errors import InputError
from idennet.models.fastcpu.build import INSTRUCTION_SETS, library_path, source_digest
from idennet.models.threads import share

VARIABLE = "IDENNET_KERNELS"
"""Environment variable: `auto` (default), or `torch` to compute everything with PyTorch."""

REBUILD = "python -m idennet.models.fastcpu.build"

_CAPABILITIES = {
    "avx2": "avx2",
    "fma": "fma3",
    "avx512f": "avx512_f",
    "avx512bw": "avx512_bw",
    "avx512dq": "avx512_dq",
    "avx512vl": "avx512_vl",
}
"""The compiler's name of a CPU feature, and PyTorch's."""

_State = tuple[int, tuple[tuple[int, ...], ...]]
"""Fingerprint of the memory of some tensors, and their strides."""

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_FUNCTIONS: dict[str, tuple[list[type], type | None]] = {
    "sources": ([], ctypes.c_char_p),
    "has_threads": ([], _INT),
    "expand": ([_INT, _POINTER, _INT, _POINTER], None),
    "packed_size": ([_INT], ctypes.c_long),
    "pack": ([_INT, _INT, _POINTER, _POINTER], None),
    "forward": ([_INT, _INT, _POINTER, _INT, *[_POINTER] * 4], None),
    "backward": ([_INT, _INT, _POINTER, _INT, *[_POINTER] * 6], None),
    "shape_size": ([], ctypes.c_long),
    "shape_pack": ([_POINTER, _POINTER], None),
    "shape": ([_INT, _POINTER, _INT, _POINTER, _POINTER], None),
    "fingerprint": ([_POINTER, _POINTER, _INT], ctypes.c_uint64),
    "transforms": ([_INT, *[_POINTER] * 3], None),
}


@dataclass(frozen=True)
class LayerShape:
    """What a convolution reads and writes for one face.

    Attributes:
        number: 1 to 4, as in Table I.
        side: Height and width of the picture read.
        channels: Its channels in memory; CONV1 reads 27 of them.
        out_side: Height and width of the picture written.
        out_channels: Its channels, half of the convolution's.
        pool: Side of the windows of max pooling.
    """

    number: int
    side: int
    channels: int
    out_side: int
    out_channels: int
    pool: int


LAYERS = (
    LayerShape(1, 122, 32, 60, 48, 2),
    LayerShape(2, 60, 48, 28, 96, 2),
    LayerShape(3, 28, 96, 12, 128, 2),
    LayerShape(4, 12, 128, 9, 192, 1),
)
"""CONV1 reads the nine 3x3 parts of its filters as channels; CONV4 comes without its pooling."""


def instruction_sets() -> list[str]:
    """Return the instruction sets that this CPU and its operating system support, fastest first.

    PyTorch asks the CPU (CPUID) whenever a process starts; what was built says nothing about it.
    """
    has = torch.cpu.get_capabilities()
    return [
        name
        for name, features in INSTRUCTION_SETS.items()
        if all(has.get(_CAPABILITIES[feature]) for feature in features)
    ]


class Kernels:
    """One library, for one instruction set.

    Args:
        instruction_set: One of `INSTRUCTION_SETS`.

    Raises:
        OSError: This CPU does not support the instruction set, or the library cannot be loaded.
    """

    def __init__(self, instruction_set: str) -> None:
        if instruction_set not in instruction_sets():
            raise OSError(f"this CPU has no {instruction_set}")
        self.instruction_set = {"avx512": "AVX-512", "avx2": "AVX2"}[instruction_set]
        self._library = ctypes.CDLL(str(library_path(instruction_set)))
        for name, (arguments, result) in _FUNCTIONS.items():
            function = getattr(self._library, f"idennet_{name}", None)
            if function is not None:  # or it was built from other sources, which `choose_built` refuses
                function.argtypes, function.restype = arguments, result
        self.sources = self._library.idennet_sources().decode()
        self.has_threads = bool(self._library.idennet_has_threads())
        self._packed: WeakKeyDictionary[nn.Module, tuple[_State, Tensor]] = WeakKeyDictionary()

    def threads(self) -> int:
        """Return how many threads the next call uses: those that are free, or one without OpenMP."""
        return share() if self.has_threads else 1

    def expand(self, pixels: Tensor) -> Tensor:
        """Return what CONV1 reads, (N, 122, 122, 32), of pixels (N, 128, 128, 3).

        Channel (3 p + q) * 3 + c is colour c, 3 p rows further down and 3 q columns further right.
        """
        images = len(pixels)
        expanded = torch.empty(images, 122, 122, 32)
        self._library.idennet_expand(self.threads(), pixels.data_ptr(), images, expanded.data_ptr())
        return expanded

    def pack(self, layer: LayerShape, convolution: nn.Conv2d) -> Tensor:
        """Return transformed filters; those of the last call for this convolution if nothing has changed.

        The values themselves tell, because weights can be written in ways that PyTorch does not count. They
        are looked at where they lie, in any order, and copied only when they have changed.
        """
        weight = convolution.weight.detach()

        def pack() -> Tensor:
            filters = (split_filters(weight) if layer.number == 1 else weight).contiguous()
            packed = torch.empty(self._library.idennet_packed_size(layer.number))
            self._library.idennet_pack(layer.number, self.threads(), filters.data_ptr(), packed.data_ptr())
            return packed

        return self._unless_known(convolution, [weight], pack)

    def pack_shape(self, branch: nn.Module, tensors: Sequence[Tensor]) -> Tensor:
        """Return the 34 tensors of a shape branch, weight and bias of each convolution in turn, transformed.

        As with `pack`, those of the last call for this branch if nothing has changed.
        """

        def pack() -> Tensor:
            given = [tensor.detach().contiguous() for tensor in tensors]
            packed = torch.empty(self._library.idennet_shape_size())
            self._library.idennet_shape_pack(_addresses(given), packed.data_ptr())
            return packed

        return self._unless_known(branch, tensors, pack)

    def _unless_known(
        self, module: nn.Module, tensors: Sequence[Tensor], pack: Callable[[], Tensor]
    ) -> Tensor:
        """Return what is known of a module if its tensors are what they were; or else what `pack` returns."""
        tensors = [t if _fills_its_memory(t) else t.detach().contiguous() for t in tensors]
        counts = (ctypes.c_long * len(tensors))(*(tensor.numel() for tensor in tensors))
        seen: int = self._library.idennet_fingerprint(_addresses(tensors), counts, len(tensors))
        state = seen, tuple(tensor.stride() for tensor in tensors)
        known, packed = self._packed.get(module, (None, None))
        if packed is None or known != state:
            packed = pack()
            self._packed[module] = state, packed
        return packed

    def forward(
        self, layer: LayerShape, pictures: Tensor, packed: Tensor, bias: Tensor, argmax: Tensor | None = None
    ) -> Tensor:
        """Return convolution, max pooling and MFM of pictures; `argmax` (uint8) gets who won each maximum."""
        images = len(pictures)
        bias = bias.detach().contiguous()
        out = torch.empty(images, layer.out_side, layer.out_side, layer.out_channels)
        self._library.idennet_forward(
            *(layer.number, self.threads(), pictures.data_ptr(), images, packed.data_ptr(), bias.data_ptr()),
            *(out.data_ptr(), None if argmax is None else argmax.data_ptr()),
        )
        return out

    def backward(
        self,
        layer: LayerShape,
        pictures: Tensor,
        packed: Tensor,
        argmax: Tensor,
        out_gradients: Tensor,
        weight: Tensor,
        needs_input: bool,
    ) -> tuple[Tensor | None, Tensor, Tensor]:
        """Return gradients of pictures (where asked for), weight and bias from those of the outputs."""
        images = len(pictures)
        out_gradients = out_gradients.contiguous()
        in_gradients = torch.empty_like(pictures) if needs_input else None
        weight_gradients = torch.empty(weight.shape)
        bias_gradients = torch.empty(len(weight))
        self._library.idennet_backward(
            *(layer.number, self.threads(), pictures.data_ptr(), images, packed.data_ptr()),
            *(out_gradients.data_ptr(), argmax.data_ptr()),
            None if in_gradients is None else in_gradients.data_ptr(),
            *(weight_gradients.data_ptr(), bias_gradients.data_ptr()),
        )
        return in_gradients, weight_gradients, bias_gradients

    def find_cells(self, pixels: Tensor, packed: Tensor) -> Tensor:
        """Return in which cells (column, row) a shape branch sees points, (N, 146, 2).

        Pixels are (N, 128, 128, 3).
        """
        images = len(pixels)
        cells = torch.empty(images, 146, 2)
        self._library.idennet_shape(
            self.threads(), pixels.data_ptr(), images, packed.data_ptr(), cells.data_ptr()
        )
        return cells

    def transforms(self, layer: int, tile: int, taps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the matrices A, G and B^T of a layer's F(tile, taps) as they were compiled, float64."""
        size = tile + taps - 1
        output, filters, inputs = (torch.empty(size, n, dtype=torch.float64) for n in (tile, taps, size))
        self._library.idennet_transforms(layer, output.data_ptr(), filters.data_ptr(), inputs.data_ptr())
        return output, filters, inputs


def split_filters(weight: Tensor) -> Tensor:
    """Return filters (96, 3, 9, 9) as nine 3x3 parts each, (96, 27, 3, 3), ordered as by `Kernels.expand`."""
    outputs, colours = weight.shape[:2]
    parts = weight.reshape(outputs, colours, 3, 3, 3, 3).permute(0, 2, 4, 1, 3, 5)
    return parts.reshape(outputs, 9 * colours, 3, 3)


def _addresses(tensors: Sequence[Tensor]) -> ctypes.Array[ctypes.c_void_p]:
    return (_POINTER * len(tensors))(*(tensor.data_ptr() for tensor in tensors))


def _fills_its_memory(weight: Tensor) -> bool:
    """Return whether the values lie without gaps, in some order of the dimensions."""
    if weight.is_contiguous():
        return True
    return weight.ndim == 4 and weight.is_contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Choice:
    """What computes the network on this CPU: `kernels`, or PyTorch if None, and the reason for that."""

    kernels: Kernels | None
    reason: str = ""

    def __str__(self) -> str:
        """Return a line for `idennet info`."""
        if self.kernels is None:
            return f"PyTorch: {self.reason}"
        count = self.kernels.threads()
        return f"Winograd, {self.kernels.instruction_set}, {count} thread{'s' if count != 1 else ''}"


def choose_kernels() -> Choice:
    """Return what computes trunk and shape branch on this CPU.

    Raises:
        InputError: The environment variable has another value than those it may have.
    """
    wish = os.environ.get(VARIABLE, "auto")
    if wish == "auto":
        return choose_built()
    if wish == "torch":
        return Choice(None, f"asked for by {VARIABLE}")
    raise InputError(f"The environment variable {VARIABLE} is {wish!r}; use auto or torch.")


@cache
def choose_built() -> Choice:
    """Return the library for this CPU, or why there is none; looks once."""
    supported = instruction_sets()
    if not supported:
        return Choice(None, "this CPU has no AVX2")
    if not library_path(supported[0]).exists():
        return Choice(None, f"the kernels are not built; with a C++ compiler: {REBUILD}")
    try:
        kernels = Kernels(supported[0])
    except OSError as error:
        return Choice(None, f"the kernels cannot be loaded: {error}")
    if kernels.sources != source_digest():
        return Choice(None, f"the kernels were built from other sources; once more: {REBUILD}")
    return Choice(kernels)
