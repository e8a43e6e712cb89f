#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "energy/work_model.hpp"
#include "policies/decisions.hpp"
#include "scenarios/assemble.hpp"
#include "traces/diagnostics.hpp"
#include "traces/signals/signal_file.hpp"

namespace nightwatt {

/// Makes a run of a scenario; see assemble.hpp. Private to assemble*.cpp: sites are in
/// assemble_sites.cpp, numbers, policies and the workload in assemble.cpp.
class Assembler {
 public:
  explicit Assembler(const Loaded& loaded)
      : loaded_(loaded),
        scenario_(loaded.scenario),
        folder_(std::filesystem::path(loaded.path).parent_path()) {}

  Assembled run() {
    out_.workload = std::make_unique<Workload>();
    out_.period_start_unix_s = scenario_.period.start.unix_s;
    out_.period_start_fraction_s = scenario_.period.start.ns * 1e-9;
    set_numbers();
    add_sites();
    add_workload();
    faults_.throw_if_any();
    add_policies();
    faults_.throw_if_any();
    return std::move(out_);
  }

 private:
  [[nodiscard]] std::string resolve(const std::string& path) const {
    return (folder_ / path).string();  // an absolute path stays what it is
  }
  void fault(const std::string& key, const std::string& message) {
    faults_.error(loaded_.place(key), key + ": " + message);
  }
  /// Faults without a place of their own are put where the scenario names the thing.
  void take_over(const std::string& key, const InputError& error) {
    for (const Diagnostic& d : error.faults()) {
      if (d.where.file.empty()) {
        fault(key, d.message);
      } else {
        faults_.error(d.where, d.message);
      }
    }
  }
  void note(std::string text) {
    if (std::find(out_.notes.begin(), out_.notes.end(), text) == out_.notes.end()) {
      out_.notes.push_back(std::move(text));
    }
  }
  /// The calendar's instant of a time on the simulation's clock, for messages.
  static std::string instant_text(double unix_s);
  [[nodiscard]] double since_start(const Instant& instant) const {
    const Instant& start = scenario_.period.start;
    return static_cast<double>(instant.unix_s - start.unix_s) +
           static_cast<double>(instant.ns - start.ns) * 1e-9;
  }

  void set_numbers();
  void add_policies();
  void check_caps(const CapPolicy& policy);
  void check_timing(const TimingPolicy& policy);
  void check_pause(const PausePolicy& policy);
  void check_budgets(bool kept);
  std::vector<DeviceCapTerms> cap_terms();

  // Sites
  void add_sites();
  void add_network();
  StepSeries add_carbon(const SignalSpec& spec, const std::string& key, SiteSetup& site,
                        std::optional<StepSeries>& decided);
  CarbonBasis basis_of(const SignalFile& file, const SignalData& data, const std::string& key);
  DemandCharge demand_charge(const SiteSpec& spec);
  void add_forecasts(const SiteSpec& spec, const std::string& key, SiteSetup& site);
  std::shared_ptr<const ForecastSeries> forecast(const ForecastFile& file, SignalKind kind,
                                                 const std::string& key, SiteSetup& site);
  bool add_catalog_file(const char* role, const std::string& path, const std::string& sha256);
  PartitionSetup partition(const PartitionSpec& spec, const std::string& key);
  std::int32_t device(const DeviceSpec& spec, const NodePower& node, bool counts_cores,
                      const std::string& key);
  NodePower node_power(const HostSpec& host, const std::string& key);
  std::shared_ptr<const Fabric> fabric(const FabricSpec& spec, std::uint32_t nodes,
                                       const std::string& key);
  std::vector<FabricEdge> read_edges(const std::string& path);
  StepSeries signal(const SignalSpec& spec, SignalKind kind, const std::string& key,
                    SiteSetup& site);
  static const char* signal_role(SignalKind kind);
  StepSeries budget_power(const SignalSource& source, const std::string& key);
  SignalData read_series(const SignalFile& file, SignalKind kind, const std::string& column,
                         const char* role);
  StepSeries on_the_clock(const SignalData& data, const SignalFile& file);
  StepSeries pue_from_weather(const WeatherPue& spec);
  void take_currency(const SignalData& data, const SignalFile& file, const std::string& key,
                     std::string& currency);
  /// Bases of the sites' carbon, if known.
  using Bases = std::vector<std::pair<std::string, CarbonBasis>>;
  void note_basis(CarbonBasis basis, const std::string& key, const std::string& site, Bases& bases);

  // Workload
  void add_workload();
  Workload read_trace();
  Workload draw_workload(const SyntheticSpec& spec);
  void move_trace(const ShiftSpec& spec);
  void place_in_time();
  void add_profiles_and_classes();
  void add_profile(const ProfileSpec& spec, const std::string& key);
  void add_homes();
  /// A number for draws that depends on the id alone.
  [[nodiscard]] std::uint64_t id_number(const Job& job) const;
  std::string device_named(std::size_t type) const;
  std::vector<std::int32_t> references_by_type(const std::vector<std::uint64_t>& jobs);
  [[nodiscard]] std::size_t type_of(const Job& job) const {
    return job.gpu_type < 0 ? out_.workload->gpu_types.size()
                            : static_cast<std::size_t>(job.gpu_type);
  }
  std::int32_t add_reference(const std::string& device);
  void add_references();
  void note_speeds();
  void check_described_jobs();
  void add_partition_maps();
  std::vector<std::int16_t> partitions_of_type(const std::string& type);
  void check_submissions();
  [[nodiscard]] double submit_s(const Job& job) const {
    return job.submit_s + out_.setup.origin_offset_s;
  }
  [[nodiscard]] bool in_period(const Job& job) const {
    return submit_s(job) >= 0.0 && submit_s(job) < out_.setup.period_end_s;
  }

  const Loaded& loaded_;
  const Scenario& scenario_;
  std::filesystem::path folder_;
  Diagnostics faults_;
  Assembled out_;
  std::vector<NodePower> node_of_device_;  ///< beside out_.setup.devices
  bool has_caps_ = false;
  bool plans_runs_ = false;                         ///< the timing policy pauses jobs
  std::vector<DescribedWork> works_;                ///< that profiles name by index
  std::vector<std::size_t> profile_of_work_;        ///< beside works_: in the scenario
  std::vector<ReferenceRun> references_;            ///< that profiles name by index
  MeasuredSpeeds speeds_;                           ///< of profiles without a model
  std::vector<std::string> device_of_partition_;    ///< catalogue id, "" = written out
  std::map<std::string, std::int16_t> partitions_;  ///< by name and by site/name
  Bases accounted_, decided_;
};

}  // namespace nightwatt
