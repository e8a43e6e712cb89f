#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/timeline/run_deflate.hpp"

/// Writes and reads the bytes of chunks as HDF5's filters shuffle and deflate do. Private to this
/// folder.
namespace nightwatt::timeline {

/// Reorders elements of `size` bytes: all first bytes, then all second bytes, and so on, as HDF5's
/// shuffle filter does. `in` and `out` must not overlap; their length is a multiple of `size`.
void shuffle_bytes(std::span<const std::byte> in, std::size_t size, std::span<std::byte> out);
/// The way back. `out` may end before `in` does: elements behind its end are left out.
void unshuffle_bytes(std::span<const std::byte> in, std::size_t size, std::span<std::byte> out);

/// Shuffle and deflate in a fraction of the time of HDF5's own filters: long chunks at level 1 by
/// RunDeflate, each place of the elements a block, all others by libdeflate; the result for chunks
/// of one repeated value, of which a file has many, is kept.
class ChunkCodec {
 public:
  /// @param level  1..9; 0 leaves the bytes as they are
  explicit ChunkCodec(int level);
  ~ChunkCodec();
  ChunkCodec(ChunkCodec&&) = delete;

  [[nodiscard]] int level() const { return level_; }
  /// The encoded chunk; valid until the next call.
  std::span<const std::byte> encode(std::span<const std::byte> chunk, std::size_t element_size);

 private:
  struct Compressor;
  std::span<const std::byte> deflate(std::span<const std::byte> chunk, std::size_t element_size);

  int level_;
  std::unique_ptr<Compressor> compressor_;
  RunDeflate run_deflate_;
  std::vector<std::byte> shuffled_, deflated_;
  /// By length of the chunk and bytes of the repeated element.
  std::map<std::pair<std::size_t, std::string>, std::vector<std::byte>> constants_;
};

/// Reads what ChunkCodec or HDF5's own filters wrote.
class ChunkDecoder {
 public:
  ChunkDecoder();
  ~ChunkDecoder();
  ChunkDecoder(ChunkDecoder&&) = delete;

  /// @param encoded  of `chunk_bytes` bytes
  /// @param out  the chunk's elements; shorter than the chunk where the dataset ends inside it
  /// @return false if the bytes are no such chunk
  bool decode(std::span<const std::byte> encoded, std::size_t chunk_bytes, std::size_t element_size,
              std::span<std::byte> out);

 private:
  struct Decompressor;
  std::unique_ptr<Decompressor> decompressor_;
  std::vector<std::byte> shuffled_;
};

}  // namespace nightwatt::timeline
