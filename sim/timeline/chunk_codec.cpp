#include "sim/timeline/chunk_codec.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>
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

constexpr std::size_t zlib_overhead = 2 + 4;
constexpr std::size_t longest_stored_block = 65535;
constexpr std::size_t stored_block_overhead = 5;

/// Whether deflate would gain little, by two samples of the plane: no four bytes in a row twice,
/// and byte values about equally frequent.
/// @param slack  how much larger than for uniform bytes the sum of squared frequencies may be
bool looks_random(std::span<const std::byte> plane, double slack) {
  constexpr std::size_t sample = 2048;
  if (plane.size() < 4 * sample) return false;
  std::array<std::uint32_t, 256> frequency{};
  std::array<std::uint32_t, 8192> last_seen{};
  std::size_t repeats = 0;
  for (const std::size_t first : {std::size_t{0}, plane.size() / 2}) {
    const std::byte* bytes = plane.data() + first;
    for (std::size_t i = 0; i < sample; ++i) {
      ++frequency[std::to_integer<std::size_t>(bytes[i])];
      std::uint32_t four = 0;
      std::memcpy(&four, bytes + i, sizeof four);
      std::uint32_t& seen = last_seen[four * 0x9E3779B1U >> 19];
      repeats += seen == four;
      seen = four;
    }
  }
  double squares = 0.0;
  for (const std::uint32_t count : frequency) squares += 1.0 * count * count;
  constexpr double n = 2.0 * sample;
  const double uniform = n * n / 256.0 + n;  // on average
  return repeats < 8 && squares < slack * uniform;
}

/// Blocks of deflate that hold the bytes as they are (RFC 1951, 3.2.4), none of them the last.
/// @return where the next block begins
std::byte* put_stored_blocks(std::span<const std::byte> bytes, std::byte* out) {
  while (!bytes.empty()) {
    const std::span part = bytes.first(std::min(bytes.size(), longest_stored_block));
    const auto length = static_cast<std::uint16_t>(part.size());
    const auto complement = static_cast<std::uint16_t>(~length);
    *out++ = std::byte{0};
    std::memcpy(out, &length, sizeof length);
    std::memcpy(out + 2, &complement, sizeof complement);
    out = std::copy(part.begin(), part.end(), out + 4);
    bytes = bytes.subspan(part.size());
  }
  return out;
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

  // Twice the sum of squares is an entropy of 7 of 8 bits: at level 1 the last eighth of such a
  // plane (times in whole milliseconds have them) is not worth four times the work. 15 % more is
  // 7.8 bits.
  const double slack = level_ == 1 ? 2.1 : 1.15;
  const std::size_t plane = chunk.size() / element_size;
  std::size_t stored = 0;
  while (stored + plane < chunk.size() && looks_random(shuffled.subspan(stored, plane), slack)) {
    stored += plane;
  }
  const std::span rest = shuffled.subspan(stored);
  const std::size_t bound = zlib_overhead + stored +
                            (stored / longest_stored_block + 1) * stored_block_overhead +
                            libdeflate_deflate_compress_bound(compressor_->handle, rest.size());
  if (deflated_.size() < bound) deflated_.resize(bound);

  // A zlib stream (RFC 1950): two bytes of header, deflate blocks, Adler-32 with its highest byte
  // first. The last block is the last of libdeflate's.
  std::byte* out = deflated_.data();
  *out++ = std::byte{0x78};
  *out++ = std::byte{0x01};
  out = put_stored_blocks(shuffled.first(stored), out);
  const std::size_t size =
      libdeflate_deflate_compress(compressor_->handle, rest.data(), rest.size(), out,
                                  bound - static_cast<std::size_t>(out - deflated_.data()));
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
