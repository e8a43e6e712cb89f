#include "sim/timeline/chunk_codec.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace nightwatt::timeline {

namespace {

static_assert(std::endian::native == std::endian::little, "chunks are written as they are");

/// Transposes 8 x 8 bytes: byte k of word i becomes byte i of word k. Three rounds of swapping
/// blocks of 4, 2 and 1 bytes across the diagonal.
[[gnu::always_inline]] inline void transpose_8x8(std::uint64_t (&words)[8]) {
  const auto swap = [&](std::size_t low, std::size_t high, int shift, std::uint64_t mask) {
    const std::uint64_t t = ((words[low] >> shift) ^ words[high]) & mask;
    words[high] ^= t;
    words[low] ^= t << shift;
  };
  for (const std::size_t i : {0, 1, 2, 3}) swap(i, i + 4, 32, 0x00000000FFFFFFFF);
  for (const std::size_t i : {0, 1, 4, 5}) swap(i, i + 2, 16, 0x0000FFFF0000FFFF);
  for (const std::size_t i : {0, 2, 4, 6}) swap(i, i + 1, 8, 0x00FF00FF00FF00FF);
}

constexpr std::size_t zlib_overhead = 2 + 4;
/// From so many bytes a place on, the header of codes of their own is small beside them.
constexpr std::size_t plane_of_own_codes = 8192;

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

void unshuffle_bytes(std::span<const std::byte> in, std::size_t size, std::span<std::byte> out) {
  const std::size_t planes = in.size() / size, count = out.size() / size;
  std::size_t done = 0;
  if (size == 8) {
    for (; done + 8 <= count; done += 8) {
      std::uint64_t words[8];
      for (std::size_t k = 0; k < 8; ++k) std::memcpy(&words[k], in.data() + k * planes + done, 8);
      transpose_8x8(words);
      std::memcpy(out.data() + done * 8, words, sizeof words);
    }
  }
  for (std::size_t k = 0; k < size; ++k) {
    for (std::size_t i = done; i < count; ++i) out[i * size + k] = in[k * planes + i];
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
  if (shuffled_.size() < chunk.size()) shuffled_.resize(chunk.size());
  const std::span shuffled = std::span(shuffled_).first(chunk.size());
  shuffle_bytes(chunk, element_size, shuffled);

  const std::size_t plane = chunk.size() / element_size;
  const bool runs = level_ == 1 && plane >= plane_of_own_codes;
  const std::size_t bound =
      zlib_overhead + (runs ? RunDeflate::bound(chunk.size(), plane)
                            : libdeflate_deflate_compress_bound(compressor_->handle, chunk.size()));
  if (deflated_.size() < bound) deflated_.resize(bound);

  // A zlib stream (RFC 1950): two bytes of header, deflate blocks, Adler-32 with its highest byte
  // first.
  std::byte* out = deflated_.data();
  *out++ = std::byte{0x78};
  *out++ = std::byte{0x01};
  const std::span rest = std::span(deflated_).subspan(2);
  const std::size_t size =
      runs ? run_deflate_.pack(shuffled, plane, rest)
           : libdeflate_deflate_compress(compressor_->handle, shuffled.data(), shuffled.size(),
                                         rest.data(), rest.size());
  if (size == 0) throw std::logic_error("timeline: libdeflate refused its own bound");
  out += size;
  const std::uint32_t check = libdeflate_adler32(1, shuffled.data(), shuffled.size());
  for (const int shift : {24, 16, 8, 0}) *out++ = static_cast<std::byte>(check >> shift & 0xFF);
  return std::span(deflated_).first(static_cast<std::size_t>(out - deflated_.data()));
}

struct ChunkDecoder::Decompressor {
  Decompressor() : handle(libdeflate_alloc_decompressor()) {
    if (handle == nullptr) throw std::bad_alloc();
  }
  ~Decompressor() { libdeflate_free_decompressor(handle); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  libdeflate_decompressor* handle;
};

ChunkDecoder::ChunkDecoder() : decompressor_(std::make_unique<Decompressor>()) {}

ChunkDecoder::~ChunkDecoder() = default;

bool ChunkDecoder::decode(std::span<const std::byte> encoded, std::size_t chunk_bytes,
                          std::size_t element_size, std::span<std::byte> out) {
  if (shuffled_.size() < chunk_bytes) shuffled_.resize(chunk_bytes);
  const std::span shuffled = std::span(shuffled_).first(chunk_bytes);
  // Without a place for the size it must be exactly that of the chunk. The check sum is verified.
  if (libdeflate_zlib_decompress(decompressor_->handle, encoded.data(), encoded.size(),
                                 shuffled.data(), shuffled.size(), nullptr) != LIBDEFLATE_SUCCESS) {
    return false;
  }
  unshuffle_bytes(shuffled, element_size, out);
  return true;
}

}  // namespace nightwatt::timeline
