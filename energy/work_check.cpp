#include "energy/work_check.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "energy/memory.hpp"
#include "energy/operators.hpp"

namespace nightwatt {
namespace {

std::string gigabytes(double bytes) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f GB", bytes / 1e9);
  return text.data();
}

}  // namespace

std::string phase_fault(const Model& model, Phase phase) {
  if (!generates_text(phase) && phase != Phase::prefill) return {};
  const ModelSize size = size_of(model);
  if (model.vocabulary > 0 && size.kept_per_token + size.state_per_sequence > 0) return {};
  return model.id + " generates no text; it has training and inference";
}

std::string precision_fault(const Device& device, Precision math) {
  if (device.peak(math) > 0 || math == Precision::fp32) return {};
  std::string has;
  for (std::size_t i = 0; i < precision_count; ++i) {
    const auto other = static_cast<Precision>(i);
    if (device.peak(other) == 0 || other == Precision::fp64 || other == Precision::fp32_matrix) {
      continue;
    }
    has += (has.empty() ? "" : ", ") + std::string(precision_name(other));
  }
  return device.id + " has no " + std::string(precision_name(math)) + " units; it has " + has;
}

std::string length_fault(const Model& model, const Work& work) {
  const double longest = std::max({work.sequence, work.context, work.prompt + work.output});
  if (model.max_sequence == 0 || longest <= model.max_sequence) return {};
  return model.id + " takes up to " + std::to_string(static_cast<long long>(model.max_sequence)) +
         " tokens";
}

std::string memory_fault(const Model& model, const Work& work, const Device& device) {
  const double usable = usable_memory * device.memory_bytes;
  const double need = memory_need(model, work).all();
  if (device.memory_bytes == 0 || need <= usable) return {};
  return "needs " + gigabytes(need) + " on each " + device.id + ", which has " + gigabytes(usable) +
         " to give, " + gigabytes(need - usable) + " too much";
}

}  // namespace nightwatt
