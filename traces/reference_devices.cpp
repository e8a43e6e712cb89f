#include "traces/reference_devices.hpp"

#include <algorithm>
#include <array>

namespace nightwatt {
namespace {

constexpr std::string_view acme =
    "Hu et al., Characterization of Large Language Model Development in the Datacenter, NSDI 2024: "
    "nodes of eight A100-SXM with 80 GB in Seren and in Kalos";
constexpr std::string_view helios =
    "Hu et al., Characterization and Prediction of Deep Learning Workloads, SC 2021: the "
    "generation "
    "(Venus and Earth Volta, Saturn Pascal and Volta, Uranus Pascal), not the board";
constexpr std::string_view openb =
    "cluster-trace-gpu-v2023: V100M16 and V100M32 are V100 with 16 and 32 GB; G1, G2 and G3 are "
    "undisclosed; the form factor is not told";
constexpr std::string_view pai =
    "Weng et al., MLaaS in the Wild, NSDI 2022, and cluster-trace-gpu-v2020: MISC are older ones "
    "(K40m, K80, M60); the form factor is not told";
constexpr std::string_view philly =
    "philly-traces publishes the memory of the GPUs (12 and 24 GB), not their model; a GPU of the "
    "cluster's years";

using By = ReferenceBy;

// Rows of one format stand together; the more special ones come first.
constexpr std::array table = {
    ReferenceDevice{"acme", By::format, "", "a100-sxm4-80gb", false, acme},

    ReferenceDevice{"helios", By::cluster, "Venus", "v100-sxm2-32gb", true, helios},
    ReferenceDevice{"helios", By::cluster, "Earth", "v100-sxm2-32gb", true, helios},
    ReferenceDevice{"helios", By::cluster, "Saturn", "p100-pcie-16gb", true, helios},
    ReferenceDevice{"helios", By::cluster, "Uranus", "p100-pcie-16gb", true, helios},

    ReferenceDevice{"openb", By::gpu_type, "A10", "a10", false, openb},
    ReferenceDevice{"openb", By::gpu_type, "P100", "p100-pcie-16gb", true, openb},
    ReferenceDevice{"openb", By::gpu_type, "T4", "t4", false, openb},
    ReferenceDevice{"openb", By::gpu_type, "V100M16", "v100-sxm2-16gb", true, openb},
    ReferenceDevice{"openb", By::gpu_type, "V100M32", "v100-sxm2-32gb", true, openb},

    ReferenceDevice{"pai", By::gpu_type, "P100", "p100-pcie-16gb", true, pai},
    ReferenceDevice{"pai", By::gpu_type, "T4", "t4", false, pai},
    ReferenceDevice{"pai", By::gpu_type, "V100", "v100-sxm2-16gb", true, pai},
    ReferenceDevice{"pai", By::gpu_type, "V100M32", "v100-sxm2-32gb", true, pai},

    ReferenceDevice{"philly-csv", By::format, "", "p100-pcie-16gb", true, philly},
    ReferenceDevice{"philly-json", By::format, "", "p100-pcie-16gb", true, philly},
};

}  // namespace

std::span<const ReferenceDevice> reference_devices() { return table; }

const ReferenceDevice* find_reference_device(std::string_view format, std::string_view path,
                                             std::string_view gpu_type) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const ReferenceDevice& row) {
    if (row.format != format) return false;
    switch (row.by) {
      case By::format:
        return true;
      case By::cluster:
        return path.find(row.key) != std::string_view::npos;
      case By::gpu_type:
        return row.key == gpu_type;
    }
    return false;
  });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace nightwatt
