// The middle of a heat map: the softmax over its cells, and what place that expects.
#pragma once

#include "shape_convolutions.h"

namespace idennet {

// e^x of values that are at most 0: x = n ln 2 + r, and Taylor's series of r, |r| <= ln 2 / 2, to its 7th power
// (remainder 5e-9). Below e^-87 it stays there: beside the largest cell, which has 1, that is nothing.
INLINE Vector exponential(Vector x) {
  constexpr float log2_e = 1.44269504f, shift = 12582912;  // adding 1.5 * 2^23 rounds to whole numbers
  constexpr float ln2_high = 0.693359375f, ln2_low = float(0.693147180559945309 - 0.693359375);
  const Vector lowest = Vector{} - 87.f;
  x = x < lowest ? lowest : x;
  const Vector shifted = x * log2_e + shift, n = shifted - shift;
  const Vector r = x - n * ln2_high - n * ln2_low;
  Vector sum = r * (1 / 5040.f) + 1 / 720.f;
  sum = sum * r + 1 / 120.f;
  sum = sum * r + 1 / 24.f;
  sum = sum * r + 1 / 6.f;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.f;
  sum = sum * r + 1.f;
  typedef uint32_t Bits __attribute__((vector_size(4 * kLanes)));
  Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + (127u << 23);  // 2^n: the lowest bits of `shifted` are n
  Vector power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return sum * power;
}

// Expected column and row, a point a lane, of heat maps of kSide x kSide cells that lie `stride` floats apart.
template <int kSide>
INLINE void expect(const float* logits, long stride, Vector& column, Vector& row) {
  Vector largest = load(logits);
  for (int cell = 1; cell < kSide * kSide; ++cell) {
    const Vector value = load(logits + cell * stride);
    largest = replaces(value, largest) ? value : largest;
  }
  Vector total{}, columns{}, rows{};
  for (int y = 0; y < kSide; ++y) {
    Vector of_row{};
    for (int x = 0; x < kSide; ++x, logits += stride) {
      const Vector share = exponential(load(logits) - largest);
      of_row += share;
      columns += share * float(x);
    }
    total += of_row;
    rows += of_row * float(y);
  }
  column = columns / total;
  row = rows / total;
}

// The middles (kOutputs, 2) of the heat maps that the last convolution makes of a picture.
template <class In>
void find_middles(In in, const float* packed, float* points) {
  using L = Heat;
  float* maps = scratch(kProducts, long(L::kSide) * L::kSide * L::kWidth);
  for (int block = 0; block < L::kBlocks; ++block) {
    convolve_block<L, false>(in, packed, block, maps, L::kSide * L::kWidth, L::kWidth);
    for (int vector = 0; vector < L::kColumns; ++vector) {
      Vector column, row;
      expect<L::kSide>(maps + vector * kLanes, L::kWidth, column, row);
      const int first = block * L::kWidth + vector * kLanes, count = std::min(kLanes, L::kOutputs - first);
      for (int lane = 0; lane < count; ++lane) {
        points[2 * (first + lane)] = column[lane];
        points[2 * (first + lane) + 1] = row[lane];
      }
    }
  }
}

}  // namespace idennet
