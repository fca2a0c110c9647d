// The four convolutions of the trunk as these kernels see them, and memory to work in.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "transforms.h"

namespace idennet {

// A convolution of a square picture, max pooling and MFM (channel i competes with channel i + half).
//
// Pictures are channels-last: [image][row][column][kStored], the first kInputs of which are read.
template <int kTileSize, int kFilterTaps, int kPoolSize, int kPictureSide, int kStoredChannels,
          int kInputChannels, int kOutputChannels>
struct Layer {
  using Transform = CookToom<kTileSize, kFilterTaps>;
  static constexpr int kTile = kTileSize, kTaps = kFilterTaps, kPool = kPoolSize, kSide = kPictureSide;
  static constexpr int kStored = kStoredChannels, kInputs = kInputChannels, kOutputs = kOutputChannels;
  static constexpr int kSize = Transform::kSize, kPoints = kSize * kSize;
  static constexpr int kTilesAcross = (kSide - kTaps + 1) / kTile, kTiles = kTilesAcross * kTilesAcross;
  static constexpr int kHalf = kOutputs / 2, kOutSide = kTilesAcross * kTile / kPool;
  // Output channels are worked on in blocks: one vector of channels and the vector of their rivals.
  static constexpr int kColumns = 2, kWidth = kColumns * kLanes, kBlocks = kHalf / kLanes;
  static constexpr long kPicture = long(kSide) * kSide * kStored, kOutPicture = long(kOutSide) * kOutSide * kHalf;
  static constexpr long kPackedBlock = long(kPoints) * kInputs * kWidth, kPacked = kPackedBlock * kBlocks;
  static_assert(kTilesAcross * kTile + kTaps - 1 == kSide && kTile % kPool == 0, "tiles cover the picture");
  static_assert(kStored % kLanes == 0 && kHalf % kLanes == 0, "whole vectors");

  // The first output channel of one vector of a block.
  static constexpr long output(int block, int column) { return column * kHalf + block * kLanes; }
};

using Conv1 = Layer<6, 3, 2, 122, 32, 27, 96>;   // 9x9 on 3 channels as 3x3 on 27
using Conv2 = Layer<4, 5, 2, 60, 48, 48, 192>;
using Conv3 = Layer<4, 5, 2, 28, 96, 96, 256>;
using Conv4 = Layer<3, 4, 1, 12, 128, 128, 384>;  // its pooling rounds up and is left to PyTorch

// Elements [point][tile][channel]: a cache line between points keeps their rows out of one cache set.
constexpr long plane(long tiles, long channels) { return tiles * channels + 16; }

INLINE int this_thread() {
#if defined(_OPENMP)
  return omp_get_thread_num();
#else
  return 0;
#endif
}

INLINE int running_threads() {
#if defined(_OPENMP)
  return omp_get_num_threads();
#else
  return 1;
#endif
}

// Memory that a thread keeps until it ends, in huge pages where the system has them.
class Scratch {
 public:
  ~Scratch() { std::free(data_); }

  float* reserve(size_t floats) {
    if (floats <= size_) return data_;
    constexpr size_t page = size_t(1) << 21;
    const size_t bytes = (floats * sizeof(float) + page - 1) / page * page;
    std::free(data_);
    size_ = 0;
    data_ = static_cast<float*>(std::aligned_alloc(page, bytes));
    if (!data_) throw std::bad_alloc();
#if defined(__linux__)
    madvise(data_, bytes, MADV_HUGEPAGE);
#endif
    size_ = bytes / sizeof(float);
    return data_;
  }

 private:
  float* data_ = nullptr;
  size_t size_ = 0;
};

enum Purpose { kTransformedInputs, kProducts, kInputGradients, kSums, kTransposedWeights, kPictures, kPurposes };

inline float* scratch(Purpose purpose, size_t floats) {
  thread_local Scratch memory[kPurposes];
  return memory[purpose].reserve(floats);
}

}  // namespace idennet
