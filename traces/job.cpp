#include "traces/job.hpp"

#include <stdexcept>

namespace nightwatt {

std::int32_t StringTable::intern(std::string_view text) {
  if (const auto found = index_.find(text); found != index_.end()) return found->second;
  if (texts_.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("string table is full");
  }
  const auto index = static_cast<std::int32_t>(texts_.size());
  texts_.emplace_back(text);
  index_.emplace(texts_.back(), index);
  return index;
}

std::string Workload::id_text(const Job& job) const {
  return ids_are_text ? text_ids[static_cast<std::int32_t>(job.id)] : std::to_string(job.id);
}

}  // namespace nightwatt
