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
  if (size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("string table is full");
  }
  bytes_ += text;
  ends_.push_back(bytes_.size());
  return static_cast<std::int32_t>(size() - 1);
}

std::int32_t StringTable::intern(std::string_view text) {
  if (entered_ < size() || size() * 2 >= slots_.size()) enter_all();
  const std::uint32_t hash = hash_of(text);
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at].index >= 0;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].hash == hash && (*this)[slots_[at].index] == text) return slots_[at].index;
  }
  const std::int32_t index = append(text);
  enter(entered_++, hash);
  return index;
}

std::vector<std::string_view> StringTable::texts() const {
  std::vector<std::string_view> texts(size());
  for (std::size_t i = 0; i < size(); ++i) texts[i] = (*this)[static_cast<std::int32_t>(i)];
  return texts;
}

void StringTable::enter(std::size_t index, std::uint32_t hash) {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].index >= 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {hash, static_cast<std::int32_t>(index)};
}

/// Makes room for twice as many, and gives each string its slot.
void StringTable::enter_all() {
  const std::vector<Slot> old = std::exchange(slots_, {});
  slots_.resize(std::bit_ceil(std::max<std::size_t>(16, 4 * size())));
  for (const Slot& slot : old) {
    if (slot.index >= 0) enter(static_cast<std::size_t>(slot.index), slot.hash);
  }
  for (; entered_ < size(); ++entered_) {
    enter(entered_, hash_of((*this)[static_cast<std::int32_t>(entered_)]));
  }
}

std::vector<std::int32_t> StringTable::sort() {
  std::vector<std::int32_t> place(size());
  const std::vector<std::string_view> texts = this->texts();
  if (std::adjacent_find(texts.begin(), texts.end(), std::greater_equal<>()) == texts.end()) {
    std::iota(place.begin(), place.end(), 0);
    return place;
  }
  // Most comparisons are decided by the eight bytes behind what all strings begin with.
  std::size_t common = texts.front().size();
  for (const std::string_view text : texts) {
    const auto [a, b] = std::mismatch(text.begin(), text.end(), texts.front().begin(),
                                      texts.front().begin() + static_cast<std::ptrdiff_t>(common));
    common = static_cast<std::size_t>(a - text.begin());
  }
  struct Key {
    std::uint64_t head;
    std::uint32_t index;
  };
  std::vector<Key> order(texts.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    std::uint64_t head = 0;
    for (std::size_t k = common; k < common + 8; ++k)
      head = head << 8 | (k < texts[i].size() ? static_cast<unsigned char>(texts[i][k]) : 0U);
    order[i] = {head, i};
  }
  std::sort(order.begin(), order.end(), [&](const Key& a, const Key& b) {
    if (a.head != b.head) return a.head < b.head;
    return texts[a.index] < texts[b.index];
  });
  StringTable sorted;
  sorted.bytes_.reserve(bytes_.size());
  sorted.ends_.reserve(size());
  for (const Key& key : order) {
    const std::string_view text = texts[key.index];
    const auto last = static_cast<std::int32_t>(sorted.size()) - 1;
    place[key.index] = last >= 0 && sorted[last] == text ? last : sorted.append(text);
  }
  *this = std::move(sorted);
  return place;
}

std::string Workload::id_text(const Job& job) const {
  return ids_are_text ? std::string(text_ids[static_cast<std::int32_t>(job.id)])
                      : std::to_string(job.id);
}

}  // namespace nightwatt
