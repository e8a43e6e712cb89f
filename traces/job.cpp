#include "traces/job.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace nightwatt {

std::int32_t StringTable::intern(std::string_view text) {
  if (texts_.size() * 2 >= slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>{}(text));
  std::size_t at = hash & (slots_.size() - 1);
  for (; slots_[at].index >= 0; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].hash == hash && (*this)[slots_[at].index] == text) return slots_[at].index;
  }
  if (texts_.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("string table is full");
  }
  slots_[at] = {hash, static_cast<std::int32_t>(texts_.size())};
  texts_.emplace_back(text);
  return slots_[at].index;
}

void StringTable::grow() {
  std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.index < 0) continue;
    std::size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].index >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
}

std::vector<std::int32_t> StringTable::sort() {
  std::vector<std::int32_t> order(texts_.size());
  std::iota(order.begin(), order.end(), 0);
  if (std::is_sorted(texts_.begin(), texts_.end())) return order;
  std::sort(order.begin(), order.end(),
            [&](std::int32_t a, std::int32_t b) { return (*this)[a] < (*this)[b]; });
  std::vector<std::int32_t> place(texts_.size());
  std::vector<std::string> sorted;
  sorted.reserve(texts_.size());
  for (const std::int32_t index : order) {
    place[static_cast<std::size_t>(index)] = static_cast<std::int32_t>(sorted.size());
    sorted.push_back(std::move(texts_[static_cast<std::size_t>(index)]));
  }
  texts_ = std::move(sorted);
  for (Slot& slot : slots_) {
    if (slot.index >= 0) slot.index = place[static_cast<std::size_t>(slot.index)];
  }
  return place;
}

std::string Workload::id_text(const Job& job) const {
  return ids_are_text ? text_ids[static_cast<std::int32_t>(job.id)] : std::to_string(job.id);
}

}  // namespace nightwatt
