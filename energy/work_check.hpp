#pragma once

#include <string>

#include "energy/workload.hpp"

namespace nightwatt {

// Each says what is wrong, as a sentence without an end, or nothing.

/// A phase that the model has not.
std::string phase_fault(const Model& model, Phase phase);
/// Arithmetic for which the device has no units.
std::string precision_fault(const Device& device, Precision math);
/// More tokens a sequence than the model takes.
std::string length_fault(const Model& model, const Work& work);
/// A job that its devices cannot hold: by how much.
std::string memory_fault(const Model& model, const Work& work, const Device& device);

}  // namespace nightwatt
