#include "sim/timeline/chunk_codec.hpp"

#include <libdeflate.h>

#include <bit>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace nightwatt::timeline {

namespace {

static_assert(std::endian::native == std::endian::little, "chunks are written as they are");

/// Transposes 8 x 8 bytes: byte k of word i becomes byte i of word k. Three rounds of swapping
/// blocks of 4, 2 and 1 bytes across the diagonal.
inline void transpose_8x8(std::uint64_t (&words)[8]) {
  const auto swap = [&](std::size_t low, std::size_t high, int shift, std::uint64_t mask) {
    const std::uint64_t t = ((words[low] >> shift) ^ words[high]) & mask;
    words[high] ^= t;
    words[low] ^= t << shift;
  };
  for (const std::size_t i : {0, 1, 2, 3}) swap(i, i + 4, 32, 0x00000000FFFFFFFF);
  for (const std::size_t i : {0, 1, 4, 5}) swap(i, i + 2, 16, 0x0000FFFF0000FFFF);
  for (const std::size_t i : {0, 2, 4, 6}) swap(i, i + 1, 8, 0x00FF00FF00FF00FF);
}

}  // namespace

void shuffle_bytes(std::span<const std::byte> in, std::size_t size, std::span<std::byte> out) {
  const std::size_t count = in.size() / size;
  std::size_t done = 0;
  if (size == 8) {
    for (; done + 8 <= count; done += 8) {
      std::uint64_t words[8];
      std::memcpy(words, in.data() + done * 8, sizeof words);
      transpose_8x8(words);
      for (std::size_t k = 0; k < 8; ++k) {
        std::memcpy(out.data() + k * count + done, &words[k], 8);
      }
    }
  }
  for (std::size_t k = 0; k < size; ++k) {
    for (std::size_t i = done; i < count; ++i) out[k * count + i] = in[i * size + k];
  }
}

struct ChunkCodec::Compressor {
  explicit Compressor(int level) : handle(libdeflate_alloc_compressor(level)) {
    if (handle == nullptr) throw std::bad_alloc();
  }
  ~Compressor() { libdeflate_free_compressor(handle); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  libdeflate_compressor* handle;
};

ChunkCodec::ChunkCodec(int level) : level_(level) {
  if (level < 0 || level > 9) {
    throw std::invalid_argument("compression is a level from 0 to 9, got " + std::to_string(level));
  }
  if (level > 0) compressor_ = std::make_unique<Compressor>(level);
}

ChunkCodec::~ChunkCodec() = default;

std::span<const std::byte> ChunkCodec::encode(std::span<const std::byte> chunk,
                                              std::size_t element_size) {
  if (level_ == 0) return chunk;
  const bool constant =
      std::memcmp(chunk.data(), chunk.data() + element_size, chunk.size() - element_size) == 0;
  if (!constant) return deflate(chunk, element_size);
  std::pair key(chunk.size(),
                std::string(reinterpret_cast<const char*>(chunk.data()), element_size));
  auto known = constants_.find(key);
  if (known == constants_.end()) {
    const auto bytes = deflate(chunk, element_size);
    known = constants_.emplace(std::move(key), std::vector(bytes.begin(), bytes.end())).first;
  }
  return known->second;
}

std::span<const std::byte> ChunkCodec::deflate(std::span<const std::byte> chunk,
                                               std::size_t element_size) {
  const std::size_t bound = libdeflate_zlib_compress_bound(compressor_->handle, chunk.size());
  if (deflated_.size() < bound) deflated_.resize(bound);
  if (shuffled_.size() < chunk.size()) shuffled_.resize(chunk.size());
  const std::span shuffled = std::span(shuffled_).first(chunk.size());
  shuffle_bytes(chunk, element_size, shuffled);
  const std::size_t size = libdeflate_zlib_compress(compressor_->handle, shuffled.data(),
                                                    shuffled.size(), deflated_.data(), bound);
  if (size == 0) throw std::logic_error("timeline: libdeflate refused its own bound");
  return std::span(deflated_).first(size);
}

}  // namespace nightwatt::timeline
