#include "traces/job.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace nightwatt {
namespace {

std::uint32_t hash_of(std::string_view text) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>{}(text));
}

}  // namespace

std::int32_t StringTable::append(std::string_view text) {
  if (texts_.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("string table is full");
  }
  texts_.emplace_back(text);
  return static_cast<std::int32_t>(texts_.size() - 1);
}

std::int32_t StringTable::intern(std::string_view text) {
  if (entered_ < texts_.size() || texts_.size() * 2 >= slots_.size()) enter_all();
  const std::uint32_t hash = hash_of(text);
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at].index >= 0;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].hash == hash && (*this)[slots_[at].index] == text) return slots_[at].index;
  }
  const std::int32_t index = append(text);
  enter(entered_++, hash);
  return index;
}

void StringTable::enter(std::size_t index, std::uint32_t hash) {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].index >= 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {hash, static_cast<std::int32_t>(index)};
}

/// Makes room for twice as many, and gives each text its slot.
void StringTable::enter_all() {
  const std::vector<Slot> old = std::exchange(slots_, {});
  slots_.resize(std::bit_ceil(std::max<std::size_t>(16, 4 * texts_.size())));
  for (const Slot& slot : old) {
    if (slot.index >= 0) enter(static_cast<std::size_t>(slot.index), slot.hash);
  }
  for (; entered_ < texts_.size(); ++entered_) enter(entered_, hash_of(texts_[entered_]));
}

std::vector<std::int32_t> StringTable::sort() {
  std::vector<std::int32_t> place(texts_.size());
  const auto no_less = [](const std::string& a, const std::string& b) { return a >= b; };
  if (std::adjacent_find(texts_.begin(), texts_.end(), no_less) == texts_.end()) {
    std::iota(place.begin(), place.end(), 0);
    return place;
  }
  // Most comparisons are decided by the eight bytes behind what all texts begin with.
  std::size_t common = texts_.front().size();
  for (const std::string& text : texts_) {
    const auto [a, b] = std::mismatch(text.begin(), text.end(), texts_.front().begin(),
                                      texts_.front().begin() + static_cast<std::ptrdiff_t>(common));
    common = static_cast<std::size_t>(a - text.begin());
  }
  struct Key {
    std::uint64_t head;
    std::uint32_t index;
  };
  std::vector<Key> order(texts_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    std::uint64_t head = 0;
    for (std::size_t k = common; k < common + 8; ++k)
      head = head << 8 | (k < texts_[i].size() ? static_cast<unsigned char>(texts_[i][k]) : 0U);
    order[i] = {head, i};
  }
  std::sort(order.begin(), order.end(), [&](const Key& a, const Key& b) {
    if (a.head != b.head) return a.head < b.head;
    return texts_[a.index] < texts_[b.index];
  });
  std::vector<std::string> sorted;
  sorted.reserve(texts_.size());
  for (const Key& key : order) {
    std::string& text = texts_[key.index];
    if (sorted.empty() || sorted.back() != text) sorted.push_back(std::move(text));
    place[key.index] = static_cast<std::int32_t>(sorted.size() - 1);
  }
  texts_ = std::move(sorted);
  slots_.clear();
  entered_ = 0;
  return place;
}

std::string Workload::id_text(const Job& job) const {
  return ids_are_text ? text_ids[static_cast<std::int32_t>(job.id)] : std::to_string(job.id);
}

}  // namespace nightwatt
