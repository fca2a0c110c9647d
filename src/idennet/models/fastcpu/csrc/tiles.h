// Two-dimensional transforms of tiles, a vector of channels at a time.
#pragma once

#include "layers.h"

namespace idennet {

// B^T d B of `tiles` tiles from number `first` on (counted over pictures) into planes of kStored channels.
template <class L>
inline void transform_inputs(const float* pictures, long first, int tiles, float* out, long stride) {
  constexpr int n = L::kSize;
  for (int tile = 0; tile < tiles; ++tile) {
    const long image = (first + tile) / L::kTiles, place = (first + tile) % L::kTiles;
    const long row = place / L::kTilesAcross * L::kTile, column = place % L::kTilesAcross * L::kTile;
    const float* corner = pictures + image * L::kPicture + (row * L::kSide + column) * L::kStored;
    for (int channel = 0; channel < L::kStored; channel += kLanes) {
      Vector half[n][n], in[n], result[n];
      for (int x = 0; x < n; ++x) {
        repeat<n>([&](auto y) INLINE_LAMBDA { in[y] = load(corner + (y * L::kSide + x) * L::kStored + channel); });
        spread<L::Transform::kInput>(in, result);
        repeat<n>([&](auto y) INLINE_LAMBDA { half[y][x] = result[y]; });
      }
      for (int y = 0; y < n; ++y) {
        spread<L::Transform::kInput>(half[y], result);
        float* to = out + y * n * stride + tile * L::kStored + channel;
        repeat<n>([&](auto x) INLINE_LAMBDA { store(to + x * stride, result[x]); });
      }
    }
  }
}

// The adjoint: adds B dV B^T of an image's tiles to the gradient of its picture.
template <class L>
inline void add_input_gradients(const float* in, long stride, long first, int tiles, float* picture) {
  constexpr int n = L::kSize;
  for (int tile = 0; tile < tiles; ++tile) {
    const long place = first + tile;
    const long row = place / L::kTilesAcross * L::kTile, column = place % L::kTilesAcross * L::kTile;
    float* corner = picture + (row * L::kSide + column) * L::kStored;
    for (int channel = 0; channel < L::kInputs; channel += kLanes) {
      Vector half[n][n], values[n], result[n];
      for (int y = 0; y < n; ++y) {
        const float* from = in + y * n * stride + tile * L::kInputs + channel;
        repeat<n>([&](auto x) INLINE_LAMBDA { values[x] = load(from + x * stride); });
        gather<L::Transform::kInput>(values, result);
        repeat<n>([&](auto x) INLINE_LAMBDA { half[x][y] = result[x]; });
      }
      for (int x = 0; x < n; ++x) {
        gather<L::Transform::kInput>(half[x], result);
        repeat<n>([&](auto y) INLINE_LAMBDA {
          float* to = corner + (y * L::kSide + x) * L::kStored + channel;
          store(to, load(to) + result[y]);
        });
      }
    }
  }
}

// A^T m A of one vector of channels: what the convolution gives in the tile, bias apart.
template <class L>
INLINE void transform_outputs(const float* products, long stride, Vector (&out)[L::kTile][L::kTile]) {
  constexpr int n = L::kSize, m = L::kTile;
  Vector half[m][n], in[n], result[m];
  for (int y = 0; y < n; ++y) {
    repeat<n>([&](auto x) INLINE_LAMBDA { in[x] = load(products + (y * n + x) * stride); });
    gather<L::Transform::kOutput>(in, result);
    repeat<m>([&](auto x) INLINE_LAMBDA { half[x][y] = result[x]; });
  }
  for (int x = 0; x < m; ++x) {
    gather<L::Transform::kOutput>(half[x], result);
    repeat<m>([&](auto y) INLINE_LAMBDA { out[y][x] = result[y]; });
  }
}

// The adjoint: A dY A^T.
template <class L>
INLINE void transform_output_gradients(const Vector (&in)[L::kTile][L::kTile], float* out, long stride) {
  constexpr int n = L::kSize, m = L::kTile;
  Vector half[n][m], values[m], result[n];
  for (int x = 0; x < m; ++x) {
    repeat<m>([&](auto y) INLINE_LAMBDA { values[y] = in[y][x]; });
    spread<L::Transform::kOutput>(values, result);
    repeat<n>([&](auto y) INLINE_LAMBDA { half[y][x] = result[y]; });
  }
  for (int y = 0; y < n; ++y) {
    spread<L::Transform::kOutput>(half[y], result);
    repeat<n>([&](auto x) INLINE_LAMBDA { store(out + (y * n + x) * stride, result[x]); });
  }
}

}  // namespace idennet
