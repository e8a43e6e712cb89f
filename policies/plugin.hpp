#pragma once

#include <cstdint>

#include "policies/decisions.hpp"

namespace nightwatt {

/// What a plug-in is built against. It changes with every change of the headers of `policies`, or
/// of those that they include, that a compiled plug-in could not survive; a program loads plug-ins
/// of its own number only.
inline constexpr std::uint32_t plugin_abi = 2;

}  // namespace nightwatt

/// Begins the function of a plug-in that registers its policies, once in each plug-in:
///
///     NIGHTWATT_PLUGIN() {
///       nightwatt::register_policy<Mine>({nightwatt::Question::order, "mine", "...", "...", {}});
///     }
///
/// Policies of a plug-in must not register themselves from static objects: these run before the
/// number is checked.
#define NIGHTWATT_PLUGIN()                                          \
  extern "C" {                                                      \
  extern const std::uint32_t nightwatt_plugin_abi;                  \
  const std::uint32_t nightwatt_plugin_abi = nightwatt::plugin_abi; \
  void nightwatt_register_plugin();                                 \
  }                                                                 \
  void nightwatt_register_plugin()
