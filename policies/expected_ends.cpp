#include "policies/expected_ends.hpp"

#include <algorithm>
#include <stdexcept>

namespace nightwatt {

std::size_t ExpectedEnds::block_of(const Entry& entry) const {
  const auto it = std::lower_bound(last_.begin(), last_.end(), entry);
  // Behind all others it belongs to the last block.
  return std::min(static_cast<std::size_t>(it - last_.begin()), last_.size() - 1);
}

void ExpectedEnds::insert(const Entry& entry) {
  if (blocks_.empty()) {
    blocks_.emplace_back().reserve(longest_block);
    last_.emplace_back();
  }
  const std::size_t b = block_of(entry);
  std::vector<Entry>& block = blocks_[b];
  const auto place = std::lower_bound(block.begin(), block.end(), entry);
  if (place != block.end() && *place == entry)
    throw std::logic_error("a job was entered twice among the running ones");
  block.insert(place, entry);
  last_[b] = block.back();
  ++size_;
  if (block.size() < longest_block) return;
  std::vector<Entry> upper;
  upper.reserve(longest_block);
  upper.assign(block.begin() + longest_block / 2, block.end());
  block.resize(longest_block / 2);
  last_[b] = block.back();
  const auto next = static_cast<std::ptrdiff_t>(b) + 1;
  last_.insert(last_.begin() + next, upper.back());
  blocks_.insert(blocks_.begin() + next, std::move(upper));
}

void ExpectedEnds::erase(const Entry& entry) {
  const auto unknown = [] {
    return std::logic_error("a job was removed that is not among the running ones");
  };
  if (blocks_.empty()) throw unknown();
  const std::size_t b = block_of(entry);
  std::vector<Entry>& block = blocks_[b];
  const auto place = std::lower_bound(block.begin(), block.end(), entry);
  if (place == block.end() || *place != entry) throw unknown();
  block.erase(place);
  --size_;
  if (!block.empty()) {
    last_[b] = block.back();
    return;
  }
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(b));
  last_.erase(last_.begin() + static_cast<std::ptrdiff_t>(b));
}

}  // namespace nightwatt
