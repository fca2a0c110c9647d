// Gradients on the forward pass's own tiles; every step is the adjoint of a forward step.
#pragma once

#include "matrix.h"
#include "tiles.h"
#include "weights.h"

namespace idennet {

constexpr int kBackwardBytes = 640 << 10;
template <class L>
constexpr int kBackwardTiles = std::min(L::kTiles, std::max(4, kBackwardBytes / (L::kPoints * L::kStored * 4)));

// Gradients of one block's products from those of its pooled outputs: each went to one candidate alone.
template <class L>
INLINE void spread_gradients(const float* gradients, const uint8_t* argmax, long first, int tiles, float* out,
                             long stride, float* bias, float* rival_bias) {
  constexpr int windows = L::kTile / L::kPool, candidates = L::kPool * L::kPool;
  Vector sums[2] = {load(bias), load(rival_bias)};
  for (int tile = 0; tile < tiles; ++tile) {
    const long row = (first + tile) / L::kTilesAcross * windows, column = (first + tile) % L::kTilesAcross * windows;
    const long start = (row * L::kOutSide + column) * L::kHalf;
    Vector values[2][L::kTile][L::kTile];
    for (int y = 0; y < windows; ++y)
      for (int x = 0; x < windows; ++x) {
        const long place = start + long(y * L::kOutSide + x) * L::kHalf;
        const Vector gradient = load(gradients + place);
        const IntVector winner = load_bytes(argmax + place);
        repeat<2 * candidates>([&](auto number) INLINE_LAMBDA {
          constexpr int half = number / candidates, within = number % candidates;
          const Vector value = winner == every(number) ? gradient : Vector{};
          values[half][y * L::kPool + within / L::kPool][x * L::kPool + within % L::kPool] = value;
          sums[half] += value;
        });
      }
    transform_output_gradients<L>(values[0], out + tile * L::kWidth, stride);
    transform_output_gradients<L>(values[1], out + tile * L::kWidth + kLanes, stride);
  }
  store(bias, sums[0]);
  store(rival_bias, sums[1]);
}

// Gradients of weights (as PyTorch has them) and bias, and of the inputs unless `in_gradients` is null.
//
// Each thread takes the same images at every call and sums for itself: results repeat exactly.
template <class L>
void backward(int threads, const float* in, int images, const float* packed, const float* out_gradients,
              const uint8_t* argmax, float* in_gradients, float* weight_gradients, float* bias_gradients) {
  constexpr long in_stride = plane(kBackwardTiles<L>, L::kStored), out_stride = plane(kBackwardTiles<L>, L::kWidth);
  constexpr long input_stride = plane(kBackwardTiles<L>, L::kInputs);
  constexpr int columns = L::kInputs / kLanes % 3 == 0 ? 3 : 2;
  constexpr long sum_count = L::kPacked + L::kOutputs;
  threads = std::max(1, std::min(threads, images));
  float* transposed = nullptr;
  if (in_gradients) {
    transposed = scratch(kTransposedWeights, L::kPacked);
    transpose_packed<L>(threads, packed, transposed);
  }
  float** sums_of = new float*[threads]();
  float* total = nullptr;
#pragma omp parallel num_threads(threads)
  {
    float* inputs = scratch(kTransformedInputs, L::kPoints * in_stride);
    float* products = scratch(kProducts, L::kPoints * out_stride);
    float* input_products = scratch(kInputGradients, in_gradients ? L::kPoints * input_stride : 0);
    float* sums = sums_of[this_thread()] = scratch(kSums, sum_count);
    std::memset(sums, 0, sum_count * sizeof(float));
#pragma omp for schedule(static)
    for (int image = 0; image < images; ++image) {
      const float* picture = in + image * L::kPicture;
      float* picture_gradient = in_gradients ? in_gradients + image * L::kPicture : nullptr;
      if (in_gradients) std::memset(picture_gradient, 0, L::kPicture * sizeof(float));
      for (int first = 0; first < L::kTiles; first += kBackwardTiles<L>) {
        const int tiles = std::min(kBackwardTiles<L>, L::kTiles - first);
        transform_inputs<L>(picture, first, tiles, inputs, in_stride);
        for (int block = 0; block < L::kBlocks; ++block) {
          const long start = image * L::kOutPicture + block * kLanes;
          float* bias = sums + L::kPacked + block * kLanes;
          spread_gradients<L>(out_gradients + start, argmax + start, first, tiles, products, out_stride, bias,
                              bias + L::kHalf);
          for (int point = 0; point < L::kPoints; ++point) {
            const long matrix = block * L::kPackedBlock + long(point) * L::kInputs * L::kWidth;
            const float* gradient = products + point * out_stride;
            multiply<2>(L::kInputs, tiles, {inputs + point * in_stride, 1, L::kStored}, gradient, L::kWidth,
                        sums + matrix, L::kWidth, true);
            if (in_gradients)
              for (int column = 0; column < L::kInputs; column += columns * kLanes)
                multiply<columns>(tiles, L::kWidth, {gradient, L::kWidth, 1}, transposed + matrix + column, L::kInputs,
                                  input_products + point * input_stride + column, L::kInputs, block > 0);
          }
        }
        if (in_gradients) add_input_gradients<L>(input_products, input_stride, first, tiles, picture_gradient);
      }
    }
    const int summed = running_threads();
#pragma omp for schedule(static)
    for (long start = 0; start < sum_count; start += kLanes) {
      Vector sum = load(sums_of[0] + start);
      for (int thread = 1; thread < summed; ++thread) sum += load(sums_of[thread] + start);
      store(sums_of[0] + start, sum);
    }
#pragma omp single
    total = sums_of[0];
  }
  unpack_gradients<L>(threads, total, weight_gradients);
  std::memcpy(bias_gradients, total + L::kPacked, L::kOutputs * sizeof(float));
  delete[] sums_of;
}

}  // namespace idennet
