// Products of small matrices, one register tile at a time.
#pragma once

#include "vector.h"

namespace idennet {

// One operand: element (row, step) lies at data[row * row_stride + step * step_stride].
struct Strided {
  const float* data;
  long row_stride, step_stride;
};

// c[kRows][kColumns vectors] (+)= a * b, where row `step` of b starts at b + step * b_stride.
template <int kRows, int kColumns>
INLINE void multiply_tile(int steps, Strided a, const float* b, long b_stride, float* c, long c_stride, bool add) {
  Vector sums[kRows][kColumns];
  repeat<kRows>([&](auto row) INLINE_LAMBDA {
    repeat<kColumns>([&](auto column) INLINE_LAMBDA {
      sums[row][column] = add ? load(c + row * c_stride + column * kLanes) : Vector{};
    });
  });
  for (int step = 0; step < steps; ++step, b += b_stride, a.data += a.step_stride) {
    Vector right[kColumns];
    repeat<kColumns>([&](auto column) INLINE_LAMBDA { right[column] = load(b + column * kLanes); });
    repeat<kRows>([&](auto row) INLINE_LAMBDA {
      const float left = a.data[row * a.row_stride];
      repeat<kColumns>([&](auto column) INLINE_LAMBDA { sums[row][column] += left * right[column]; });
    });
  }
  repeat<kRows>([&](auto row) INLINE_LAMBDA {
    repeat<kColumns>([&](auto column) INLINE_LAMBDA {
      store(c + row * c_stride + column * kLanes, sums[row][column]);
    });
  });
}

template <int kRows, int kColumns>
INLINE void multiply_rows(int rows, int steps, Strided a, const float* b, long b_stride, float* c, long c_stride,
                          bool add) {
  for (; rows >= kRows; rows -= kRows, a.data += kRows * a.row_stride, c += kRows * c_stride)
    multiply_tile<kRows, kColumns>(steps, a, b, b_stride, c, c_stride, add);
  if constexpr (kRows > 1)
    if (rows > 0) multiply_rows<kRows - 1, kColumns>(rows, steps, a, b, b_stride, c, c_stride, add);
}

// As many rows as leave registers for one row of b and one element of a.
template <int kColumns>
constexpr int kTileRows = (kRegisters - kColumns - 1) / kColumns / 2 * 2;

// c[rows][kColumns vectors] (+)= a * b.
template <int kColumns>
inline void multiply(int rows, int steps, Strided a, const float* b, long b_stride, float* c, long c_stride,
                     bool add) {
  multiply_rows<kTileRows<kColumns>, kColumns>(rows, steps, a, b, b_stride, c, c_stride, add);
}

}  // namespace idennet
