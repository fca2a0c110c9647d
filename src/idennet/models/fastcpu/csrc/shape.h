// The shape branch from faces to points.
#pragma once

#include <cmath>

#include "heat.h"
#include "shape_convolutions.h"

namespace idennet {

// A layer's packed filters and, behind them, its bias, with as many outputs as its blocks have.
template <class L>
constexpr long kPackedLayer = L::kPacked + L::kBlocks * L::kWidth;

// Filters (outputs, inputs, taps, taps) to [block][row][column][input][kWidth].
template <class L>
void pack_direct(const float* weights, float* packed) {
  for (int block = 0; block < L::kBlocks; ++block)
    for (int tap = 0; tap < L::kTaps * L::kTaps; ++tap)
      for (int input = 0; input < L::kInputs; ++input)
        for (int lane = 0; lane < L::kWidth; ++lane) {
          const long output = block * L::kWidth + lane;
          const long filter = (output * L::kInputs + input) * L::kTaps * L::kTaps + tap;
          *packed++ = output < L::kOutputs ? weights[filter] : 0;
        }
}

// Weights and bias of each layer in turn, as PyTorch has them, to what `find_points` reads.
inline void pack_shape(const float* const* tensors, float* packed) {
  each_shape_layer([&](auto layer) {
    using L = decltype(layer);
    const float *weights = *tensors++, *bias = *tensors++;
    if constexpr (L::kTiled)
      pack_weights<L>(1, weights, packed);
    else
      pack_direct<L>(weights, packed);
    std::memset(packed + L::kPacked, 0, L::kBlocks * L::kWidth * sizeof(float));
    std::memcpy(packed + L::kPacked, bias, L::kOutputs * sizeof(float));
    packed += kPackedLayer<L>;
  });
}

// The branch's pictures of one face, in memory that a thread keeps.
class ShapePictures {
 public:
  Picture<128, 3, 2> face;
  Picture<64, 16, 1> half;
  Picture<32, 32, 1> quarter, quarter_between;
  Picture<16, 64, 1> eighth, eighth_between;
  Picture<8, 128, 1> sixteenth, sixteenth_between;
  Picture<8, 64, 0> coarse;
  Picture<16, 48, 0> merged_eighth;
  Picture<32, 48, 1> mixed_quarter;
  Picture<32, 48, 0> merged_quarter;

  ShapePictures() {
    long floats = 0;
    each([&](auto& picture) { floats += picture.kFloats; });
    float* memory = scratch(kPictures, floats);
    each([&](auto& picture) {
      picture.data = memory;
      memory += picture.kFloats;
      clear_border(picture);
    });
  }

 private:
  template <class Body>
  void each(Body&& body) {
    body(face), body(half), body(quarter), body(quarter_between), body(eighth), body(eighth_between);
    body(sixteenth), body(sixteenth_between), body(coarse), body(merged_eighth), body(mixed_quarter);
    body(merged_quarter);
  }

  template <class P>
  static void clear_border(P picture) {
    constexpr long edge = P::kBorder * P::kChannels;
    float* row = picture.data;
    for (int y = 0; y < P::kSide; ++y, row += P::kRow) {
      const bool inside = y >= P::kBorder && y < P::kSide - P::kBorder;
      std::fill_n(row, inside ? edge : P::kRow, 0.f);
      if (inside) std::fill_n(row + P::kRow - edge, edge, 0.f);
    }
  }
};

// Pixels, [row][column][colour], less their mean and over their spread.
template <class Face>
void normalise(const float* pixels, Face face) {
  constexpr int row_count = Face::kInner * Face::kChannels, count = Face::kInner * row_count;
  // The mean of body(pixel), summed by rows.
  const auto mean_of = [&](auto body) {
    double total = 0;
    for (int row = 0; row < count; row += row_count) {
      Vector sums{};
      for (int k = row; k < row + row_count; k += kLanes) sums += body(load(pixels + k));
      for (int lane = 0; lane < kLanes; ++lane) total += sums[lane];
    }
    return total / count;
  };
  const float mean = mean_of([](Vector value) INLINE_LAMBDA { return value; });
  const double variance = mean_of([&](Vector value) INLINE_LAMBDA { return (value - mean) * (value - mean); });
  const float scale = 1 / (std::sqrt(variance) + 0.02);
  for (int row = 0; row < Face::kInner; ++row)
    for (int k = 0; k < row_count; k += kLanes)
      store(face.inner() + row * Face::kRow + k, (load(pixels + row * row_count + k) - mean) * scale);
}

// Points (Heat::kOutputs, 2) of one face, as places (column, row) among the cells of a heat map.
inline void find_points(const float* pixels, const float* packed, float* points) {
  const ShapePictures at;
  const auto next = [&](auto layer) {
    const float* here = packed;
    packed += kPackedLayer<decltype(layer)>;
    return here;
  };
  const auto residual = [&](auto layer, auto picture, auto between) {
    using L = decltype(layer);
    convolve_tiles<L>(picture, next(layer), nullptr, between);
    convolve_tiles<L>(between, next(layer), picture.inner(), picture);
  };
  normalise(pixels, at.face);
  convolve<Stem, true>(at.face, next(Stem{}), at.half);
  convolve<ToQuarter, true>(at.half, next(ToQuarter{}), at.quarter);
  residual(AtQuarter{}, at.quarter, at.quarter_between);
  convolve<ToEighth, true>(at.quarter, next(ToEighth{}), at.eighth);
  residual(AtEighth{}, at.eighth, at.eighth_between);
  residual(AtEighth{}, at.eighth, at.eighth_between);
  convolve<ToSixteenth, true>(at.eighth, next(ToSixteenth{}), at.sixteenth);
  residual(AtSixteenth{}, at.sixteenth, at.sixteenth_between);
  convolve<FromSixteenth, false>(at.sixteenth, next(FromSixteenth{}), at.coarse);
  add_upsampled(at.coarse, at.eighth);
  convolve_tiles<MergeEighth>(at.eighth, next(MergeEighth{}), nullptr, at.merged_eighth);
  convolve<FromQuarter, false>(at.quarter, next(FromQuarter{}), at.mixed_quarter);
  add_upsampled(at.merged_eighth, at.mixed_quarter);
  convolve_tiles<MergeQuarter>(at.mixed_quarter, next(MergeQuarter{}), nullptr, at.merged_quarter);
  find_middles(at.merged_quarter, next(Heat{}), points);
}

}  // namespace idennet
