#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Deflate without a search for matches. Private to this folder.
namespace nightwatt::timeline {

/// Packs bytes into deflate blocks (RFC 1951) of Huffman codes and runs of one byte; a block that
/// would gain less than an eighth holds its bytes as they are. Bytes of one place of floating-point
/// numbers hardly repeat in any other way, so that this comes within some percent of the size that
/// a search for matches gives, in a fifth of the time (docs/performance.md).
class RunDeflate {
 public:
  /// What `count` bytes in blocks of `block` bytes never exceed.
  static std::size_t bound(std::size_t count, std::size_t block);

  /// One block after another of `block` bytes (the last may be shorter), then the end of the
  /// stream.
  /// @param out  of at least bound(bytes.size(), block)
  /// @return how many bytes of `out` are used
  std::size_t pack(std::span<const std::byte> bytes, std::size_t block, std::span<std::byte> out);

 private:
  std::vector<std::uint16_t> tokens_;
};

}  // namespace nightwatt::timeline
