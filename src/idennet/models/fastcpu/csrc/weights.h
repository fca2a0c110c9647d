// Filters to and from the transformed domain.
//
// Packed weights are [block][point][input][kWidth]: what one block of outputs reads, in the order it reads it.
#pragma once

#include "layers.h"

namespace idennet {

// Position in PyTorch's weights (outputs, inputs, taps, taps) of lane `lane` of one vector of a block.
template <class L>
INLINE long filter_start(int block, int column, int lane, int input) {
  return ((L::output(block, column) + lane) * L::kInputs + input) * L::kTaps * L::kTaps;
}

// G g G^T of every filter.
template <class L>
void pack_weights(int threads, const float* weights, float* packed) {
  constexpr int n = L::kSize, r = L::kTaps;
#pragma omp parallel for collapse(2) num_threads(threads)
  for (int block = 0; block < L::kBlocks; ++block)
    for (int input = 0; input < L::kInputs; ++input)
      for (int column = 0; column < L::kColumns; ++column) {
        float taps[r * r][kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
          const float* filter = weights + filter_start<L>(block, column, lane, input);
          for (int tap = 0; tap < r * r; ++tap) taps[tap][lane] = filter[tap];
        }
        Vector columns[n][r], in[r], result[n];
        for (int x = 0; x < r; ++x) {
          repeat<r>([&](auto y) INLINE_LAMBDA { in[y] = load(taps[y * r + x]); });
          spread<L::Transform::kFilter>(in, result);
          repeat<n>([&](auto y) INLINE_LAMBDA { columns[y][x] = result[y]; });
        }
        float* to = packed + block * L::kPackedBlock + input * L::kWidth + column * kLanes;
        for (int y = 0; y < n; ++y) {
          spread<L::Transform::kFilter>(columns[y], result);
          repeat<n>([&](auto x) INLINE_LAMBDA { store(to + (y * n + x) * L::kInputs * L::kWidth, result[x]); });
        }
      }
}

// The adjoint: filter gradients G^T dU G from gradients of packed weights.
template <class L>
void unpack_gradients(int threads, const float* packed, float* weights) {
  constexpr int n = L::kSize, r = L::kTaps;
#pragma omp parallel for collapse(2) num_threads(threads)
  for (int block = 0; block < L::kBlocks; ++block)
    for (int input = 0; input < L::kInputs; ++input)
      for (int column = 0; column < L::kColumns; ++column) {
        Vector rows[r][n], in[n], result[r];
        const float* from = packed + block * L::kPackedBlock + input * L::kWidth + column * kLanes;
        for (int y = 0; y < n; ++y) {
          repeat<n>([&](auto x) INLINE_LAMBDA { in[x] = load(from + (y * n + x) * L::kInputs * L::kWidth); });
          gather<L::Transform::kFilter>(in, result);
          repeat<r>([&](auto x) INLINE_LAMBDA { rows[x][y] = result[x]; });
        }
        float taps[r * r][kLanes];
        for (int x = 0; x < r; ++x) {
          gather<L::Transform::kFilter>(rows[x], result);
          repeat<r>([&](auto y) INLINE_LAMBDA { store(taps[y * r + x], result[y]); });
        }
        for (int lane = 0; lane < kLanes; ++lane) {
          float* filter = weights + filter_start<L>(block, column, lane, input);
          for (int tap = 0; tap < r * r; ++tap) filter[tap] = taps[tap][lane];
        }
      }
}

// [block][point][input][kWidth] to [block][point][kWidth][input], for products with the transposed weights.
template <class L>
void transpose_packed(int threads, const float* packed, float* transposed) {
#pragma omp parallel for num_threads(threads)
  for (int matrix = 0; matrix < L::kBlocks * L::kPoints; ++matrix) {
    const float* from = packed + long(matrix) * L::kInputs * L::kWidth;
    float* to = transposed + long(matrix) * L::kInputs * L::kWidth;
    for (int output = 0; output < L::kWidth; ++output)
      for (int input = 0; input < L::kInputs; ++input) to[output * L::kInputs + input] = from[input * L::kWidth + output];
  }
}

}  // namespace idennet
