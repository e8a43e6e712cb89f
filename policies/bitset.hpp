#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace nightwatt {

/// A set of small numbers as a tree of 64-bit words: insert, erase and "first at or after" cost
/// one word a level, three levels for 262,144 members.
class TreeBitset {
 public:
  static constexpr std::uint32_t none = 0xffffffffU;

  TreeBitset() = default;
  explicit TreeBitset(std::uint32_t size) {
    std::uint32_t words = size;
    do {
      words = (words + 63) / 64;
      levels_.emplace_back(words, 0);
    } while (words > 1);
  }

  [[nodiscard]] bool contains(std::uint32_t i) const {
    return (levels_[0][i >> 6] >> (i & 63)) & 1U;
  }

  void insert(std::uint32_t i) {
    for (auto& level : levels_) {
      std::uint64_t& word = level[i >> 6];
      const bool had_any = word != 0;
      word |= std::uint64_t{1} << (i & 63);
      if (had_any) return;
      i >>= 6;
    }
  }

  void erase(std::uint32_t i) {
    for (auto& level : levels_) {
      std::uint64_t& word = level[i >> 6];
      word &= ~(std::uint64_t{1} << (i & 63));
      if (word != 0) return;
      i >>= 6;
    }
  }

  /// The least member >= from, or `none`.
  [[nodiscard]] std::uint32_t first(std::uint32_t from = 0) const {
    std::size_t level = 0;
    std::uint32_t i = from;
    while (level < levels_.size()) {
      const std::uint32_t word = i >> 6;
      if (word >= levels_[level].size()) return none;
      const std::uint64_t rest = levels_[level][word] & (~std::uint64_t{0} << (i & 63));
      if (rest != 0) {
        i = (word << 6) + static_cast<std::uint32_t>(std::countr_zero(rest));
        while (level > 0) {
          --level;
          i = (i << 6) + static_cast<std::uint32_t>(std::countr_zero(levels_[level][i]));
        }
        return i;
      }
      i = word + 1;
      ++level;
    }
    return none;
  }

 private:
  std::vector<std::vector<std::uint64_t>> levels_;
};

}  // namespace nightwatt
