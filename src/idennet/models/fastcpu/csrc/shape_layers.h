// The convolutions of the shape branch as these kernels see them, in the order in which weights are given.
//
// Pictures are channels-last, and those that a 3x3 convolution reads have a border of zeros, so that no tile
// asks where the picture ends.
#pragma once

#include "layers.h"

namespace idennet {

// A picture of kInner x kInner cells within a border of kBorder cells.
template <int kInnerSide, int kChannelCount, int kBorderWidth>
struct Picture {
  static constexpr int kInner = kInnerSide, kChannels = kChannelCount, kBorder = kBorderWidth;
  static constexpr int kSide = kInner + 2 * kBorder;
  static constexpr long kRow = long(kSide) * kChannels, kFloats = kRow * kSide;
  float* data;

  // The first cell within the border.
  float* inner() const { return data + kBorder * (kRow + kChannels); }
};

// As many vectors of outputs as a register tile is wide, and as many rows as leave registers for operands.
constexpr int shape_columns(int outputs) {
  const int vectors = (outputs + kLanes - 1) / kLanes;
  return vectors == 1 ? 1 : vectors % 3 == 0 ? 3 : 2;
}
constexpr int shape_rows(int columns) { return kRegisters / 4 * (columns == 1 ? 2 : 1); }

// A 3x3 convolution of stride 1 by Winograd's algorithm, between pictures of the same side.
template <int kTileSize, int kPictureSide, int kInputChannels, int kOutputChannels>
struct TiledLayer {
  static constexpr bool kTiled = true;
  using Transform = CookToom<kTileSize, 3>;
  using In = Picture<kPictureSide, kInputChannels, 1>;
  static constexpr int kTile = kTileSize, kTaps = 3, kSide = In::kSide;
  static constexpr int kStored = kInputChannels, kInputs = kInputChannels, kOutputs = kOutputChannels;
  static constexpr int kSize = Transform::kSize, kPoints = kSize * kSize;
  static constexpr int kTilesAcross = kPictureSide / kTile, kTiles = kTilesAcross * kTilesAcross;
  static constexpr int kColumns = shape_columns(kOutputs), kRows = shape_rows(kColumns);
  static constexpr int kWidth = kColumns * kLanes, kBlocks = kOutputs / kWidth;
  static constexpr long kPicture = In::kFloats;
  static constexpr long kPackedBlock = long(kPoints) * kInputs * kWidth, kPacked = kPackedBlock * kBlocks;
  static_assert(kTilesAcross * kTile == kPictureSide && kBlocks * kWidth == kOutputs && kInputs % kLanes == 0);

  // The first output channel of one vector of a block.
  static constexpr long output(int block, int column) { return block * kWidth + column * kLanes; }
};

// Any other convolution, summed directly. Outputs that fill no block are made up of zeros.
template <int kFilterTaps, int kStepSize, int kOutSide, int kInputChannels, int kOutputChannels>
struct DirectLayer {
  static constexpr bool kTiled = false;
  static constexpr int kTaps = kFilterTaps, kStep = kStepSize, kSide = kOutSide;
  static constexpr int kInputs = kInputChannels, kOutputs = kOutputChannels;
  static constexpr int kColumns = shape_columns(kOutputs), kRows = std::min(kSide, shape_rows(kColumns));
  static constexpr int kWidth = kColumns * kLanes, kBlocks = (kOutputs + kWidth - 1) / kWidth;
  static constexpr long kPackedBlock = long(kTaps) * kTaps * kInputs * kWidth, kPacked = kPackedBlock * kBlocks;
  static_assert(kSide % kRows == 0);
};

using Stem = DirectLayer<5, 2, 64, 3, 16>;
using ToQuarter = DirectLayer<3, 2, 32, 16, 32>;
using AtQuarter = TiledLayer<4, 32, 32, 32>;
using ToEighth = DirectLayer<3, 2, 16, 32, 64>;
using AtEighth = TiledLayer<4, 16, 64, 64>;
using ToSixteenth = DirectLayer<3, 2, 8, 64, 128>;
using AtSixteenth = TiledLayer<2, 8, 128, 128>;  // 4x4 tiles would read more than twice the weights
using FromSixteenth = DirectLayer<1, 1, 8, 128, 64>;
using MergeEighth = TiledLayer<4, 16, 64, 48>;
using FromQuarter = DirectLayer<1, 1, 32, 32, 48>;
using MergeQuarter = TiledLayer<4, 32, 48, 48>;
using Heat = DirectLayer<1, 1, 32, 48, 146>;

// Calls body(layer) for each convolution.
template <class Body>
INLINE void each_shape_layer(Body&& body) {
  body(Stem{});
  body(ToQuarter{});
  for (int layer = 0; layer < 2; ++layer) body(AtQuarter{});
  body(ToEighth{});
  for (int layer = 0; layer < 4; ++layer) body(AtEighth{});
  body(ToSixteenth{});
  for (int layer = 0; layer < 2; ++layer) body(AtSixteenth{});
  body(FromSixteenth{});
  body(MergeEighth{});
  body(FromQuarter{});
  body(MergeQuarter{});
  body(Heat{});
}

}  // namespace idennet
