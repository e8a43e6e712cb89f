#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// Makes the bytes of a chunk that HDF5's filters shuffle and deflate read back. Private to this
/// folder.
namespace nightwatt::timeline {

/// Reorders elements of `size` bytes: all first bytes, then all second bytes, and so on, as HDF5's
/// shuffle filter does. `in` and `out` must not overlap; their length is a multiple of `size`.
void shuffle_bytes(std::span<const std::byte> in, std::size_t size, std::span<std::byte> out);

/// Shuffle and deflate in a fraction of the time of HDF5's own filters, in three ways: libdeflate;
/// low bytes of floating-point values that look random are stored as they are, in the same stream;
/// the result for chunks of one repeated value, of which a file has many, is kept.
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
  std::vector<std::byte> shuffled_, deflated_;
  /// By length of the chunk and bytes of the repeated element.
  std::map<std::pair<std::size_t, std::string>, std::vector<std::byte>> constants_;
};

}  // namespace nightwatt::timeline
