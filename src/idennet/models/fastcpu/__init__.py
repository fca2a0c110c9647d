"""Trunk and shape branch by small filtering algorithms, in C++, for CPUs with AVX2 or AVX-512.

`docs/kernels.md` derives them. `build` compiles `csrc`, `library` finds and calls the result, `trunk` and
`shape` put it in the place of PyTorch's layers. Nothing depends on it: without a compiler PyTorch computes
everything.
"""
