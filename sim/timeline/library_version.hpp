#pragma once

#include <string>

namespace nightwatt {

/// The version of the HDF5 library that is loaded: "1.10.8".
std::string hdf5_version();

}  // namespace nightwatt
