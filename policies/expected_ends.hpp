#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "energy/quantity.hpp"
#include "policies/waiting_queue.hpp"

namespace nightwatt {

/// Running jobs of a partition in order of (expected end, submit time, id): a sorted list cut into
/// short blocks, so that inserting and erasing move few bytes, a walk from the front reads memory
/// in a row, and a job costs no allocation of its own.
class ExpectedEnds {
 public:
  /// Not a pair: lists of these are moved as bytes.
  struct Entry {
    SimTime end;
    JobIndex job = 0;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  static_assert(std::is_trivially_copyable_v<Entry>);

  class Iterator {
   public:
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    const Entry& operator*() const { return (*blocks_)[block_][at_]; }
    Iterator& operator++() {
      if (++at_ == (*blocks_)[block_].size()) {
        ++block_;
        at_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    friend class ExpectedEnds;
    Iterator(const std::vector<std::vector<Entry>>& blocks, std::size_t block)
        : blocks_(&blocks), block_(block) {}
    const std::vector<std::vector<Entry>>* blocks_ = nullptr;
    std::size_t block_ = 0, at_ = 0;
  };

  [[nodiscard]] Iterator begin() const { return {blocks_, 0}; }
  [[nodiscard]] Iterator end() const { return {blocks_, blocks_.size()}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// @throws std::logic_error for an entry that is in the list
  void insert(const Entry& entry);
  /// @throws std::logic_error for an entry that is not in the list
  void erase(const Entry& entry);

 private:
  static constexpr std::size_t longest_block = 128;
  /// The block that holds the entry, or would.
  [[nodiscard]] std::size_t block_of(const Entry& entry) const;

  std::vector<std::vector<Entry>> blocks_;  ///< none empty
  std::vector<Entry> last_;                 ///< of each block
  std::size_t size_ = 0;
};

}  // namespace nightwatt
