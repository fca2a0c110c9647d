// Cook-Toom (Winograd) transforms, computed by the compiler from their interpolation points.
//
// For a tile of m outputs and a filter g of r taps, n = m + r - 1 inputs d give
//     outputs = A^T [(G g) * (B^T d)]          (docs/kernels.md derives it)
// with n - 1 finite points p and the point at infinity. Points come as 0, p, -p, q, -q, ..., so rows of a pair
// agree in even columns and differ by sign in odd ones: each pair is computed as sum and difference.
#pragma once

#include "vector.h"

namespace idennet {

constexpr double kPoints[] = {0, 1, -1, 2, -2, 0.5, -0.5};

template <int kRowCount, int kColumnCount>
struct Matrix {
  static constexpr int kRows = kRowCount;
  static constexpr int kColumns = kColumnCount;
  double at[kRows][kColumns] = {};
};

// Rows are the powers 0 to kColumns - 1 of each point; infinity picks the highest.
template <int kRows, int kColumns>
constexpr Matrix<kRows, kColumns> evaluation() {
  Matrix<kRows, kColumns> matrix;
  for (int row = 0; row < kRows - 1; ++row) {
    double power = 1;
    for (int column = 0; column < kColumns; ++column, power *= kPoints[row]) matrix.at[row][column] = power;
  }
  matrix.at[kRows - 1][kColumns - 1] = 1;
  return matrix;
}

// The same, each row over the product of its point's distances to the others.
template <int kRows, int kColumns>
constexpr Matrix<kRows, kColumns> scaled_evaluation() {
  auto matrix = evaluation<kRows, kColumns>();
  for (int row = 0; row < kRows - 1; ++row) {
    double product = 1;
    for (int other = 0; other < kRows - 1; ++other)
      if (other != row) product *= kPoints[row] - kPoints[other];
    for (int column = 0; column < kColumns; ++column) matrix.at[row][column] /= product;
  }
  return matrix;
}

// Rows are the coefficients of the product of (x - p) over all points but the row's own.
template <int kSize>
constexpr Matrix<kSize, kSize> interpolation() {
  Matrix<kSize, kSize> matrix;
  for (int row = 0; row < kSize; ++row) {
    auto& coefficients = matrix.at[row];
    coefficients[0] = 1;
    for (int point = 0; point < kSize - 1; ++point) {
      if (point == row) continue;
      for (int power = kSize - 1; power >= 0; --power)
        coefficients[power] = (power ? coefficients[power - 1] : 0) - kPoints[point] * coefficients[power];
    }
  }
  return matrix;
}

template <int kTile, int kTaps>
struct CookToom {
  static constexpr int kSize = kTile + kTaps - 1;
  static_assert(kSize % 2 == 0 && kSize <= 8, "points come in pairs, and there are seven");
  static constexpr auto kOutput = evaluation<kSize, kTile>();         // A
  static constexpr auto kFilter = scaled_evaluation<kSize, kTaps>();  // G
  static constexpr auto kInput = interpolation<kSize>();              // B^T
};

// Sum over columns kStart, kStart + kStep, ... of one row's coefficients times `in`; zeros cost nothing.
template <const auto& matrix, int kRow, int kStart, int kStep>
INLINE Vector dot(const Vector* in) {
  constexpr auto first_column = [] {
    int first = -1;
    for (int column = kStart; column < matrix.kColumns; column += kStep) {
      if (matrix.at[kRow][column] == 1) return column;  // starts the sum without a multiplication
      if (first < 0 && matrix.at[kRow][column] != 0) first = column;
    }
    return first;
  };
  constexpr int first = first_column();
  static_assert(first >= 0, "an empty sum");
  Vector sum = in[first];
  if constexpr (matrix.at[kRow][first] != 1) sum *= static_cast<float>(matrix.at[kRow][first]);
  repeat<matrix.kColumns>([&](auto column) INLINE_LAMBDA {
    constexpr double coefficient = matrix.at[kRow][column];
    if constexpr (column >= kStart && (column - kStart) % kStep == 0 && column != first && coefficient != 0)
      sum = sum + static_cast<float>(coefficient) * in[column];
  });
  return sum;
}

// out = matrix * in.
template <const auto& matrix>
INLINE void spread(const Vector* in, Vector* out) {
  constexpr int last = matrix.kRows - 1;
  out[0] = dot<matrix, 0, 0, 1>(in);
  repeat<(matrix.kRows - 2) / 2>([&](auto pair) INLINE_LAMBDA {
    constexpr int row = 2 * pair + 1;
    const Vector even = dot<matrix, row, 0, 2>(in), odd = dot<matrix, row, 1, 2>(in);
    out[row] = even + odd;
    out[row + 1] = even - odd;
  });
  out[last] = dot<matrix, last, 0, 1>(in);
}

// The transposed matrix with one column for each pair of rows.
template <int kRows, int kColumns>
constexpr auto folded(const Matrix<kRows, kColumns>& matrix) {
  Matrix<kColumns, kRows / 2 + 1> result;
  for (int row = 0; row < kColumns; ++row) {
    for (int pair = 0; pair < kRows / 2; ++pair) result.at[row][pair] = matrix.at[pair ? 2 * pair - 1 : 0][row];
    result.at[row][kRows / 2] = matrix.at[kRows - 1][row];
  }
  return result;
}

template <const auto& matrix>
inline constexpr auto kFolded = folded(matrix);

// out = matrix^T * in, the adjoint of `spread`.
template <const auto& matrix>
INLINE void gather(const Vector* in, Vector* out) {
  constexpr int last = matrix.kRows - 1, pairs = (matrix.kRows - 2) / 2;
  Vector sums[pairs + 2], differences[pairs + 2];
  sums[0] = differences[0] = in[0];
  sums[pairs + 1] = differences[pairs + 1] = in[last];
  repeat<pairs>([&](auto pair) INLINE_LAMBDA {
    sums[pair + 1] = in[2 * pair + 1] + in[2 * pair + 2];
    differences[pair + 1] = in[2 * pair + 1] - in[2 * pair + 2];
  });
  repeat<matrix.kColumns>([&](auto column) INLINE_LAMBDA {
    out[column] = dot<kFolded<matrix>, column, 0, 1>(column % 2 ? differences : sums);
  });
}

}  // namespace idennet
