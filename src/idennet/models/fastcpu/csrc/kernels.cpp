// What Python calls: plain functions over pointers. Layers are numbered 1 to 4, threads are those to use.
//
// All arrays are float32 and contiguous except argmax (uint8). Nothing is checked here: library.py does.
#include "backward.h"
#include "forward.h"
#include "shape.h"

using namespace idennet;

namespace {

// Calls `body` with the layer's type.
template <class Body>
void with_layer(int layer, Body&& body) {
  switch (layer) {
    case 1: return body(Conv1{});
    case 2: return body(Conv2{});
    case 3: return body(Conv3{});
    case 4: return body(Conv4{});
  }
}

}  // namespace

extern "C" {

// Digest of the sources, given by build.py.
const char* idennet_sources() { return IDENNET_SOURCES; }

int idennet_has_threads() {
#if defined(_OPENMP)
  return 1;
#else
  return 0;
#endif
}

// (images, 128, 128, 3) to (images, 122, 122, 32): channel (3 p + q) * 3 + c is c, 3 p rows and 3 q columns on.
void idennet_expand(int threads, const float* pixels, int images, float* out) {
#pragma omp parallel for collapse(2) num_threads(threads)
  for (int image = 0; image < images; ++image)
    for (int row = 0; row < Conv1::kSide; ++row) {
      float* to = out + image * Conv1::kPicture + long(row) * Conv1::kSide * Conv1::kStored;
      const float* from = pixels + (long(image) * 128 + row) * 128 * 3;
      for (int column = 0; column < Conv1::kSide; ++column, to += Conv1::kStored, from += 3) {
        for (int p = 0; p < 3; ++p)
          for (int q = 0; q < 3; ++q)
            for (int c = 0; c < 3; ++c) to[(p * 3 + q) * 3 + c] = from[(3 * p * 128 + 3 * q) * 3 + c];
        for (int unused = 27; unused < Conv1::kStored; ++unused) to[unused] = 0;
      }
    }
}

long idennet_packed_size(int layer) {
  long size = 0;
  with_layer(layer, [&](auto l) { size = decltype(l)::kPacked; });
  return size;
}

void idennet_pack(int layer, int threads, const float* weights, float* packed) {
  with_layer(layer, [&](auto l) { pack_weights<decltype(l)>(threads, weights, packed); });
}

// argmax may be null.
void idennet_forward(int layer, int threads, const float* in, int images, const float* packed, const float* bias,
                     float* out, uint8_t* argmax) {
  with_layer(layer, [&](auto l) {
    if (argmax)
      forward<decltype(l), true>(threads, in, images, packed, bias, out, argmax);
    else
      forward<decltype(l), false>(threads, in, images, packed, bias, out, nullptr);
  });
}

// in_gradients may be null, and is for layer 1.
void idennet_backward(int layer, int threads, const float* in, int images, const float* packed,
                      const float* out_gradients, const uint8_t* argmax, float* in_gradients,
                      float* weight_gradients, float* bias_gradients) {
  with_layer(layer, [&](auto l) {
    using L = decltype(l);
    if constexpr (L::kInputs % kLanes == 0)
      backward<L>(threads, in, images, packed, out_gradients, argmax, in_gradients, weight_gradients, bias_gradients);
    else
      backward<L>(threads, in, images, packed, out_gradients, argmax, nullptr, weight_gradients, bias_gradients);
  });
}

long idennet_shape_size() {
  long size = 0;
  each_shape_layer([&](auto layer) { size += kPackedLayer<decltype(layer)>; });
  return size;
}

// `tensors` has weights and bias of each layer in turn.
void idennet_shape_pack(const float* const* tensors, float* packed) { pack_shape(tensors, packed); }

// Pixels (images, 128, 128, 3) to the cells (column, row) of heat maps where points are, (images, 146, 2).
void idennet_shape(int threads, const float* pixels, int images, const float* packed, float* points) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (int image = 0; image < images; ++image)
    find_points(pixels + long(image) * 128 * 128 * 3, packed, points + long(image) * 2 * Heat::kOutputs);
}

// A number that any change of the values of some arrays changes, but for one case in 2^32 or fewer.
uint64_t idennet_fingerprint(const uint32_t* const* arrays, const long* counts, int array_count) {
  constexpr int lanes = 64;
  uint64_t result = 0xCBF29CE484222325u;
  for (int array = 0; array < array_count; ++array) {
    const uint32_t* values = arrays[array];
    uint32_t state[lanes] = {};
    long index = 0;
    for (; index + lanes <= counts[array]; index += lanes)
      for (int lane = 0; lane < lanes; ++lane) {
        const uint32_t product = (state[lane] ^ values[index + lane]) * 0x9E3779B1u;
        state[lane] = product ^ product >> 15;  // or else an even number of changed signs would cancel out
      }
    for (uint32_t word : state) result = (result ^ word) * 0x100000001B3u + (result >> 29);
    for (; index < counts[array]; ++index) result = (result ^ values[index]) * 0x100000001B3u + (result >> 29);
  }
  return result;
}

// The matrices A (n x tile), G (n x taps) and B^T (n x n), row by row, for tests.
void idennet_transforms(int layer, double* output, double* filter, double* input) {
  with_layer(layer, [&](auto l) {
    using T = typename decltype(l)::Transform;
    std::memcpy(output, T::kOutput.at, sizeof T::kOutput.at);
    std::memcpy(filter, T::kFilter.at, sizeof T::kFilter.at);
    std::memcpy(input, T::kInput.at, sizeof T::kInput.at);
  });
}

}  // extern "C"
