// The vectors everything else is written in: as many floats as one register of the target holds.
//
// Only vector extensions that GCC and Clang share; a * b + c becomes one fused instruction.
#pragma once

#include <cstdint>
#include <utility>

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma, or for AVX-512 with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma"
#endif

#define INLINE inline __attribute__((always_inline))
#define INLINE_LAMBDA __attribute__((always_inline))

namespace idennet {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kRegisters = 32;
#else
constexpr int kLanes = 8;
constexpr int kRegisters = 16;
#endif

typedef float Vector __attribute__((vector_size(4 * kLanes)));
typedef int32_t IntVector __attribute__((vector_size(4 * kLanes)));
typedef uint8_t ByteVector __attribute__((vector_size(kLanes)));

INLINE Vector load(const float* from) {
  Vector value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

INLINE void store(float* to, Vector value) { __builtin_memcpy(to, &value, sizeof value); }

INLINE IntVector load_bytes(const uint8_t* from) {
  ByteVector value;
  __builtin_memcpy(&value, from, sizeof value);
  return __builtin_convertvector(value, IntVector);
}

INLINE void store_bytes(uint8_t* to, IntVector value) {
  const ByteVector bytes = __builtin_convertvector(value, ByteVector);
  __builtin_memcpy(to, &bytes, sizeof bytes);
}

// The same number in every lane.
INLINE IntVector every(int value) { return IntVector{} + value; }

// Whether a replaces b as the maximum: as in PyTorch the first of equals stays, and NaN wins.
INLINE IntVector replaces(Vector a, Vector b) { return (a > b) | (a != a); }

template <class Body, int... kIndices>
INLINE void repeat(Body&& body, std::integer_sequence<int, kIndices...>) {
  (body(std::integral_constant<int, kIndices>{}), ...);
}

// body(0), ..., body(kCount - 1) with indices known at compile time, so that arrays become registers.
template <int kCount, class Body>
INLINE void repeat(Body&& body) {
  repeat(body, std::make_integer_sequence<int, kCount>{});
}

}  // namespace idennet
