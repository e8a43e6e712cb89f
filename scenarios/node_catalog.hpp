#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/device.hpp"
#include "scenarios/yaml_tree.hpp"

namespace nightwatt {

/// One file of the catalogue's `nodes` folder: a server, with its devices, as a whole.
struct CatalogNode {
  std::string id;  ///< "dgx-a100"
  std::string summary;
  std::string device;  ///< id in the device catalogue
  int devices = 0;
  Watts host_idle;               ///< CPUs, memory, drives, NICs, switches on the board; no fans
  Watts host_active_per_device;  ///< above host_idle, for each device held
  Watts fans_idle, fans_full;    ///< at no load and at the load of all devices at TDP
  std::string cpu;               ///< id in the device catalogue; "" = not told
  int cpus = 0;
  int nics = 0;
  double nic_bytes_per_s = 0.0;    ///< one direction of one NIC
  std::optional<Watts> max_power;  ///< published rating, at the mains
  Watts supply_rating;             ///< of all supplies that share the load; 0 = no losses
  struct Efficiency {
    double load = 0.0;        ///< delivered, as a share of supply_rating
    double efficiency = 0.0;  ///< delivered over drawn
    friend bool operator==(const Efficiency&, const Efficiency&) = default;
  };
  std::vector<Efficiency> supply;  ///< loads ascending

  std::map<std::string, std::string> sources;  ///< figure -> its source
  std::vector<std::string> assumed;            ///< figures without a published source
  std::string file;                            ///< "nodes/dgx-a100.yaml"
  std::string sha256;

  /// Host, fans and supplies as the simulation charges them. Fans run behind the supply and grow
  /// linearly with the load of everything else: both go into the loss.
  /// @param device_power  of one device at full load
  [[nodiscard]] NodePower power(Watts device_power) const;
};

/// Reads one file. @throws InputError with all faults at file:line:column
CatalogNode read_node(const std::string& id, const std::string& path);

/// The folders of `nodes/*.yaml` beside the devices'. Ids are file names; a node costs one file.
class NodeCatalog {
 public:
  NodeCatalog();  ///< the folders of the device catalogue
  explicit NodeCatalog(const std::vector<std::string>& folders);
  /// By id, in any case.
  /// @throws InputError without a position if there is none ("did you mean")
  const CatalogNode& node(std::string_view id);
  [[nodiscard]] std::vector<std::string> ids() const;

 private:
  std::map<std::string, std::string> files_;  ///< id -> path
  std::map<std::string, CatalogNode> loaded_;
};

/// The node catalogue of this program, read once.
NodeCatalog& node_catalog();

/// A partition as it is written in a scenario, with what its `node` says put where the partition
/// itself says nothing.
/// @throws InputError where there is no such node
YamlNode with_node(const YamlNode& partition);

}  // namespace nightwatt
