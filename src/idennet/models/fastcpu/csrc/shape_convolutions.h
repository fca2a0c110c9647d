// Convolutions of the shape branch with what follows them: bias, a residual, ReLU, upsampling.
#pragma once

#include "matrix.h"
#include "shape_layers.h"
#include "tiles.h"
#include "weights.h"

namespace idennet {

// NaN stays, as in PyTorch.
INLINE Vector rectified(Vector value) { return value < Vector{} ? Vector{} : value; }

// out = relu(convolution(in) + bias + residual); the residual is null or may be the output.
template <class L, class Out>
void convolve_tiles(typename L::In in, const float* packed, const float* residual, Out out) {
  constexpr int bytes = 320 << 10;
  constexpr int together = std::max(1, bytes / (L::kPoints * L::kStored * 4) / 16) * 16;
  constexpr long in_stride = plane(together, L::kStored), out_stride = plane(together, L::kWidth);
  static_assert(Out::kChannels == L::kOutputs && Out::kInner == L::In::kInner);
  float* inputs = scratch(kTransformedInputs, L::kPoints * in_stride);
  float* products = scratch(kProducts, L::kPoints * out_stride);
  for (int first = 0; first < L::kTiles; first += together) {
    const int count = std::min(together, L::kTiles - first);
    transform_inputs<L>(in.data, first, count, inputs, in_stride);
    for (int block = 0; block < L::kBlocks; ++block) {
      for (int point = 0; point < L::kPoints; ++point)
        multiply_rows<L::kRows, L::kColumns>(count, L::kInputs, {inputs + point * in_stride, L::kStored, 1},
                                             packed + block * L::kPackedBlock + point * L::kInputs * L::kWidth,
                                             L::kWidth, products + point * out_stride, L::kWidth, false);
      for (int tile = 0; tile < count; ++tile) {
        const long row = (first + tile) / L::kTilesAcross * L::kTile;
        const long column = (first + tile) % L::kTilesAcross * L::kTile;
        for (int vector = 0; vector < L::kColumns; ++vector) {
          const long channel = L::output(block, vector), start = row * Out::kRow + column * Out::kChannels + channel;
          const Vector own_bias = load(packed + L::kPacked + channel);
          Vector values[L::kTile][L::kTile];
          transform_outputs<L>(products + tile * L::kWidth + vector * kLanes, out_stride, values);
          for (int y = 0; y < L::kTile; ++y)
            for (int x = 0; x < L::kTile; ++x) {
              const long at = start + y * Out::kRow + x * Out::kChannels;
              Vector value = values[y][x] + own_bias;
              if (residual) value += load(residual + at);
              store(out.inner() + at, rectified(value));
            }
        }
      }
    }
  }
}

// One block of outputs, kWidth channels, to cells [kSide][kSide] whose rows and themselves lie so many floats apart.
// The first filter lies at the border's corner, or at the first cell if it is 1x1.
template <class L, bool kRectified, class In>
void convolve_block(In picture, const float* packed, int block, float* out, long out_row, long out_cell) {
  static_assert(In::kChannels == L::kInputs && (L::kTaps == 1 || In::kBorder == L::kTaps / 2));
  const float* in = L::kTaps == 1 ? picture.inner() : picture.data;
  const float* bias = packed + L::kPacked + block * L::kWidth;
  constexpr int rows = L::kRows, columns = L::kColumns, steps = L::kTaps * L::kInputs;
  constexpr long cell = long(L::kStep) * L::kInputs;
  for (int y = 0; y < L::kSide; ++y)
    for (int x = 0; x < L::kSide; x += rows) {
      Vector sums[rows][columns];
      repeat<rows>([&](auto row) INLINE_LAMBDA {
        repeat<columns>([&](auto column) INLINE_LAMBDA { sums[row][column] = load(bias + column * kLanes); });
      });
      const float* right_at = packed + block * L::kPackedBlock;
      for (int tap = 0; tap < L::kTaps; ++tap) {
        const float* left_at = in + (y * L::kStep + tap) * In::kRow + x * cell;
        for (int step = 0; step < steps; ++step, ++left_at, right_at += L::kWidth) {
          Vector right[columns];
          repeat<columns>([&](auto column) INLINE_LAMBDA { right[column] = load(right_at + column * kLanes); });
          repeat<rows>([&](auto row) INLINE_LAMBDA {
            const float left = left_at[row * cell];
            repeat<columns>([&](auto column) INLINE_LAMBDA { sums[row][column] += left * right[column]; });
          });
        }
      }
      float* to = out + y * out_row + x * out_cell;
      repeat<rows>([&](auto row) INLINE_LAMBDA {
        repeat<columns>([&](auto column) INLINE_LAMBDA {
          const Vector value = sums[row][column];
          store(to + row * out_cell + column * kLanes, kRectified ? rectified(value) : value);
        });
      });
    }
}

// All outputs of a direct convolution.
template <class L, bool kRectified, class In, class Out>
void convolve(In in, const float* packed, Out out) {
  static_assert(Out::kChannels == L::kOutputs && Out::kInner == L::kSide);
  for (int block = 0; block < L::kBlocks; ++block)
    convolve_block<L, kRectified>(in, packed, block, out.inner() + block * L::kWidth, Out::kRow, Out::kChannels);
}

// Adds to each cell the one of a picture of half the side that covers it.
template <class Coarse, class Fine>
void add_upsampled(Coarse coarse, Fine fine) {
  static_assert(Fine::kInner == 2 * Coarse::kInner && Fine::kChannels == Coarse::kChannels);
  for (int y = 0; y < Fine::kInner; ++y)
    for (int x = 0; x < Fine::kInner; ++x) {
      const float* from = coarse.inner() + y / 2 * Coarse::kRow + x / 2 * Coarse::kChannels;
      float* to = fine.inner() + y * Fine::kRow + x * Fine::kChannels;
      for (int channel = 0; channel < Fine::kChannels; channel += kLanes)
        store(to + channel, load(to + channel) + load(from + channel));
    }
}

}  // namespace idennet
