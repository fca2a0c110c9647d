// Convolution, bias, max pooling and MFM in one pass over the tiles.
#pragma once

#include "matrix.h"
#include "tiles.h"

namespace idennet {

constexpr int kForwardBytes = 320 << 10;

// Tiles worked on together: their transformed inputs, the products of one block of outputs and that block's
// weights should stay in a second-level cache.
template <class L>
constexpr int kForwardTiles =
    std::max(1, kForwardBytes / (L::kPoints * L::kStored * 4) / kTileRows<2>) * kTileRows<2>;

// Maxima of pool x pool windows, then of rivals; all are maxima, so the bias may come in between.
template <class L, bool kArgmax>
INLINE void pool_tile(const Vector (&values)[2][L::kTile][L::kTile], Vector bias, Vector rival_bias, float* out,
                      uint8_t* argmax) {
  constexpr int windows = L::kTile / L::kPool, candidates = L::kPool * L::kPool;
  for (int y = 0; y < windows; ++y)
    for (int x = 0; x < windows; ++x) {
      Vector best[2];
      IntVector winner[2];
      repeat<2>([&](auto half) INLINE_LAMBDA {
        const auto& tile = values[half];
        best[half] = tile[y * L::kPool][x * L::kPool];
        winner[half] = every(half * candidates);
        repeat<candidates - 1>([&](auto before) INLINE_LAMBDA {
          constexpr int number = before + 1;
          const Vector value = tile[y * L::kPool + number / L::kPool][x * L::kPool + number % L::kPool];
          const IntVector better = replaces(value, best[half]);
          best[half] = better ? value : best[half];
          if constexpr (kArgmax) winner[half] = better ? every(half * candidates + number) : winner[half];
        });
      });
      const Vector first = best[0] + bias, second = best[1] + rival_bias;
      const IntVector better = replaces(second, first);
      const long place = long(y * L::kOutSide + x) * L::kHalf;
      store(out + place, better ? second : first);
      if constexpr (kArgmax) store_bytes(argmax + place, better ? winner[1] : winner[0]);
    }
}

// Outputs [image][kOutSide][kOutSide][kHalf]; argmax, of the same shape, numbers the winning candidate:
// half * pool^2 + row in the window * pool + column.
template <class L, bool kArgmax>
void forward(int threads, const float* in, int images, const float* packed, const float* bias, float* out,
             uint8_t* argmax) {
  const long tiles = long(images) * L::kTiles;
  const long groups = (tiles + kForwardTiles<L> - 1) / kForwardTiles<L>;
  // Few tiles: threads share a group by output blocks, and each transforms the inputs for itself.
  const int shares = std::min<long>(L::kBlocks, groups >= threads ? 1 : (threads + groups - 1) / groups);
  constexpr long in_stride = plane(kForwardTiles<L>, L::kStored), out_stride = plane(kForwardTiles<L>, L::kWidth);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (long job = 0; job < groups * shares; ++job) {
    const long first = job / shares * kForwardTiles<L>, share = job % shares;
    const int count = std::min<long>(kForwardTiles<L>, tiles - first);
    float* inputs = scratch(kTransformedInputs, L::kPoints * in_stride);
    float* products = scratch(kProducts, L::kPoints * out_stride);
    transform_inputs<L>(in, first, count, inputs, in_stride);
    for (long block = L::kBlocks * share / shares; block < L::kBlocks * (share + 1) / shares; ++block) {
      for (int point = 0; point < L::kPoints; ++point)
        multiply<2>(count, L::kInputs, {inputs + point * in_stride, L::kStored, 1},
                    packed + block * L::kPackedBlock + point * L::kInputs * L::kWidth, L::kWidth,
                    products + point * out_stride, L::kWidth, false);
      const Vector own_bias = load(bias + block * kLanes), rival_bias = load(bias + L::kHalf + block * kLanes);
      for (int tile = 0; tile < count; ++tile) {
        const long image = (first + tile) / L::kTiles, place = (first + tile) % L::kTiles;
        constexpr int windows = L::kTile / L::kPool;
        const long row = place / L::kTilesAcross * windows, column = place % L::kTilesAcross * windows;
        const long start = image * L::kOutPicture + (row * L::kOutSide + column) * L::kHalf + block * kLanes;
        Vector values[2][L::kTile][L::kTile];
        transform_outputs<L>(products + tile * L::kWidth, out_stride, values[0]);
        transform_outputs<L>(products + tile * L::kWidth + kLanes, out_stride, values[1]);
        pool_tile<L, kArgmax>(values, own_bias, rival_bias, out + start, kArgmax ? argmax + start : nullptr);
      }
    }
  }
}

}  // namespace idennet
