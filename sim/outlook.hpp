#pragma once

#include <cstdint>
#include <memory>

#include "policies/outlook.hpp"
#include "sim/setup.hpp"

namespace nightwatt {

/// What policies expect of a site's signals.
/// @param site  outlives it
/// @param index  of the site: each has errors of its own
std::unique_ptr<Outlook> make_outlook(const SiteSetup& site, const Forecast& forecast,
                                      std::uint64_t seed, std::size_t index);

}  // namespace nightwatt
