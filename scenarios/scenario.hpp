#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/device.hpp"
#include "energy/pue_curve.hpp"
#include "energy/signal.hpp"
#include "energy/workload.hpp"
#include "policies/registry.hpp"
#include "scenarios/yaml_tree.hpp"
#include "sim/fabric.hpp"
#include "sim/setup.hpp"
#include "traces/diagnostics.hpp"
#include "traces/transform.hpp"

namespace nightwatt {

/// An instant of the calendar with its offset applied: nanoseconds fit, so periods of any length
/// keep whole nanoseconds.
struct Instant {
  std::int64_t unix_s = 0;
  std::int32_t ns = 0;  ///< 0..999'999'999
  friend auto operator<=>(const Instant&, const Instant&) = default;
};

/// Jobs submitted in [start, end) are simulated; start is second 0 of everything.
struct Period {
  Instant start, end;
  friend bool operator==(const Period&, const Period&) = default;
};

struct Horizon {
  std::optional<Instant> end;  ///< bins run at least to here; none = period.end
  Seconds warmup;              ///< jobs submitted in it are left out of job statistics
  friend bool operator==(const Horizon&, const Horizon&) = default;
};

/// A point of a power supply's curve: either the loss in watts or the efficiency is given.
struct SupplyPoint {
  Watts load;  ///< delivered
  std::optional<Watts> loss;
  std::optional<double> efficiency;  ///< delivered over drawn, in (0, 1]
  friend bool operator==(const SupplyPoint&, const SupplyPoint&) = default;
};

struct HostSpec {
  Watts idle;
  Watts active_per_gpu;
  std::vector<SupplyPoint> supply;
  friend bool operator==(const HostSpec&, const HostSpec&) = default;
};

/// A device written out in the scenario instead of named from the catalogue.
struct InlineDevice {
  Watts idle, busy;
  friend bool operator==(const InlineDevice&, const InlineDevice&) = default;
};

struct DeviceSpec {
  std::string id;                     ///< catalogue id or alias; empty = written out
  std::optional<InlineDevice> given;  ///< exactly one of the two
  friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

/// From a few numbers, or from an edge list in a file (`from,to,bandwidth`).
struct FabricSpec {
  std::int64_t gpus_per_island = 0, nodes_per_rack = 0, racks_per_spine = 0;
  double island_bytes_per_s = 0, node_bytes_per_s = 0, rack_bytes_per_s = 0, core_bytes_per_s = 0;
  std::string edges;
  friend bool operator==(const FabricSpec&, const FabricSpec&) = default;
};

/// What making the hardware emitted: exactly one of the two, in kgCO2e.
struct EmbodiedSpec {
  std::optional<double> per_gpu, per_node;
  double lifetime_years = 0.0;
  std::string source;  ///< of the figure
  friend bool operator==(const EmbodiedSpec&, const EmbodiedSpec&) = default;
};

struct PartitionSpec {
  std::string name;
  std::int64_t nodes = 1;
  std::string node;  ///< id in the node catalogue, "" = none; what it says stands in the others
  DeviceSpec device;
  std::optional<std::int64_t> gpus_per_node, cores_per_node;  ///< exactly one of the two
  HostSpec host;
  std::optional<FabricSpec> fabric;
  std::optional<EmbodiedSpec> embodied;
  friend bool operator==(const PartitionSpec&, const PartitionSpec&) = default;
};

/// A series in a file.
struct SignalFile {
  std::string file;
  std::string format = "auto";
  std::string column;       ///< of the value; formats with several name theirs (direct, lca)
  std::string time_column;  ///< generic CSV only
  std::string unit;         ///< where neither the format nor the column's name tells it
  std::string zone;         ///< of dates that name none
  std::string region;       ///< of a file with several grids
  std::map<std::string, std::string> rules;
  std::string basis;  ///< carbon only: direct, lifecycle or marginal, where the file does not say
  Beyond beyond = Beyond::error;
  friend bool operator==(const SignalFile&, const SignalFile&) = default;
};

/// A curve of the facility catalogue, or one that is written out.
struct CurveSpec {
  std::string facility;  ///< id; "" = written out
  PueCurve curve;        ///< written out
  friend bool operator==(const CurveSpec&, const CurveSpec&) = default;
};

/// A PUE that follows the weather.
struct WeatherPue {
  SignalFile weather;
  CurveSpec curve;
  friend bool operator==(const WeatherPue&, const WeatherPue&) = default;
};

/// One of several series of a site.
struct SignalSource {
  std::optional<double> constant;  ///< exactly one of the two
  std::optional<SignalFile> series;
  friend bool operator==(const SignalSource&, const SignalSource&) = default;
};

/// A constant, a series, or nothing (then what is charged with it is NaN).
struct SignalSpec {
  /// PUE as a ratio; carbon in gCO2e/kWh; price in currency/kWh; water in L/kWh.
  std::optional<double> constant;
  std::string currency;  ///< price only: as the constant's unit names it
  std::optional<SignalFile> series;
  std::optional<WeatherPue> weather;  ///< PUE only
  // Carbon only: several series by name, and which of them policies see and accounting charges.
  std::map<std::string, SignalSource> named;
  std::string decide_by, account_by;
  // Price only:
  std::optional<double> demand_charge;  ///< currency/kW of each month's facility peak
  bool prorate = true;                  ///< months that are not charged whole
  [[nodiscard]] bool given() const {
    return constant.has_value() || series.has_value() || weather.has_value() || !named.empty();
  }
  friend bool operator==(const SignalSpec&, const SignalSpec&) = default;
};

struct FacilitySpec {
  SignalSpec pue, wue;
  double fixed_share = 0.0;
  std::optional<Watts> reference_it;
  friend bool operator==(const FacilitySpec&, const FacilitySpec&) = default;
};

/// A limit on the power of a site that holds each day between two times of its wall clock.
struct BudgetHours {
  double from_s = 0.0, to_s = 0.0;  ///< since midnight; over midnight if from_s > to_s
  Watts power;
  friend bool operator==(const BudgetHours&, const BudgetHours&) = default;
};

/// The same, once.
struct BudgetSpan {
  Instant from, to;
  Watts power;
  friend bool operator==(const BudgetSpan&, const BudgetSpan&) = default;
};

/// Where several hold, a span before hours, hours before `power`, and the later in a list.
struct BudgetSpec {
  SignalSource power;  ///< in W
  bool of_it = false;  ///< of IT power; else of facility power
  std::vector<BudgetHours> hours;
  std::vector<BudgetSpan> spans;
  friend bool operator==(const BudgetSpec&, const BudgetSpec&) = default;
};

/// A file of forecasts with the times at which they were made.
struct ForecastFile {
  std::string file;
  std::string format = "auto";
  std::string issue_column, time_column, column;  ///< generic CSV only
  std::string unit, zone;                         ///< as of SignalFile
  friend bool operator==(const ForecastFile&, const ForecastFile&) = default;
};

/// What was forecast for a site; what is not given is persistent.
struct SiteForecastSpec {
  std::optional<ForecastFile> carbon, price;
  friend bool operator==(const SiteForecastSpec&, const SiteForecastSpec&) = default;
};

struct SiteSpec {
  std::string name;
  std::string region;  ///< of a cloud, as the network's file names it
  std::string timezone = "UTC";
  std::string currency;  ///< ISO 4217; "" = the price's
  std::vector<PartitionSpec> partitions;
  FacilitySpec facility;
  SignalSpec carbon, price;
  std::optional<BudgetSpec> budget;
  SiteForecastSpec forecast;
  friend bool operator==(const SiteSpec&, const SiteSpec&) = default;
};

/// Between the sites.
struct NetworkSpec {
  std::string bandwidths;  ///< file
  std::optional<double> j_per_gb;
  friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};

/// Column map of format `csv`; see ColumnMap. In the file the two parts are one mapping.
struct ColumnsSpec {
  std::map<std::string, std::string> fields;
  std::string time_unit = "s", duration_unit = "s", time_form = "auto", deadline_from = "origin",
              delimiter = ",";
  bool header = true;
  friend bool operator==(const ColumnsSpec&, const ColumnsSpec&) = default;
};

/// Moves a trace in time on purpose. Points as written: a bare date is a calendar day of the first
/// site's timezone, an instant needs its offset; `from` of a trace without dates is a duration
/// since its zero.
struct ShiftSpec {
  std::string from;  ///< "" = the first submission
  std::string to;
  std::optional<Keep> keep;  ///< none = as the trace has dates or not (traces/transform.hpp)
  friend bool operator==(const ShiftSpec&, const ShiftSpec&) = default;
};

struct RunTimeSpec {
  Seconds median = minutes(20);
  double sigma = 1.3;  ///< of the logarithm
  Seconds min = seconds(10), max = days(1);
  friend bool operator==(const RunTimeSpec&, const RunTimeSpec&) = default;
};

/// A seeded workload without a trace; see traces/synthetic.hpp.
struct SyntheticSpec {
  std::optional<double> jobs_per_hour, load;  ///< exactly one; load: of all GPUs of the scenario
  double daily_amplitude = 0.0;
  Seconds daily_peak = hours(14);
  std::vector<double> weekday_weights = {1, 1, 1, 1, 1, 1, 1};  ///< Monday first
  RunTimeSpec run;
  double limit_min = 1.1, limit_max = 3.0;                   ///< limit over run time, uniform
  std::map<std::uint32_t, double> gpu_weights = {{1, 1.0}};  ///< GPUs -> weight
  std::int64_t users = 0;
  bool whole_seconds = false;
  friend bool operator==(const SyntheticSpec&, const SyntheticSpec&) = default;
};

/// Known by a share of the device that it keeps busy, or by the model that it runs.
struct ProfileSpec {
  std::string name;
  std::optional<double> utilization;  ///< none and no model = 1
  std::string model;                  ///< id in the catalogue of models; "" = none
  std::optional<Phase> phase;
  std::optional<Stack> software;
  std::optional<Precision> precision;
  double batch = 0;                     ///< of each GPU
  std::map<std::string, double> speed;  ///< device -> how many times the reference's, as measured
  std::int64_t sequence = 0, context = 0, prompt = 0, output = 0;
  std::int64_t tensor = 0, pipeline = 0, expert = 0, micro_batches = 0;
  bool fused_attention = false, recompute = false;
  friend bool operator==(const ProfileSpec&, const ProfileSpec&) = default;
};

/// Of GPUs (or cores) both ends are included.
struct GpuRange {
  double min = 0.0;
  std::optional<double> max;
  friend bool operator==(const GpuRange&, const GpuRange&) = default;
};

/// From min to below max.
struct TimeRange {
  Seconds min;
  std::optional<Seconds> max;
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

/// All that is given must hold. Lists hold if one of their members does.
struct ClassMatch {
  std::vector<std::string> user, queue, gpu_type;
  std::optional<GpuRange> gpus;
  std::optional<GpuRange>
      gpu_hours;                 ///< GPUs (or cores) x run time of the trace, from min to below max
  std::optional<TimeRange> run;  ///< run time of the trace
  std::optional<TimeRange> limit;  ///< requested limit; a job without one does not match
  std::optional<double> share;     ///< of the jobs that match otherwise, drawn by job id
  friend bool operator==(const ClassMatch&, const ClassMatch&) = default;
};

/// What a checkpoint or a restart takes.
struct PauseStep {
  Seconds time;
  double energy_kwh = 0.0;  ///< a GPU, above idle
  friend bool operator==(const PauseStep&, const PauseStep&) = default;
};

struct PausableSpec {
  PauseStep checkpoint, restart;
  Seconds every;  ///< 0 = state is saved at the pause
  friend bool operator==(const PausableSpec&, const PausableSpec&) = default;
};

struct ClassSpec {
  std::string name;
  ClassMatch match;
  std::string profile;       ///< "" = the first profile
  Seconds slack;             ///< that a timing policy may use; 0 = it may not hold its jobs
  std::optional<Watts> cap;  ///< of policy by-class
  std::optional<PausableSpec> pausable;
  double data_gb = 0.0;  ///< that has to be where the job runs
  friend bool operator==(const ClassSpec&, const ClassSpec&) = default;
};

enum class HomeBy : std::uint8_t { job, user, job_class, queue };

/// Which site a job is at home at: drawn by shares, or named.
struct HomeSpec {
  HomeBy by = HomeBy::job;
  std::map<std::string, double> shares;      ///< site -> weight; empty = all sites alike
  std::map<std::string, std::string> sites;  ///< class or queue -> site
  friend bool operator==(const HomeSpec&, const HomeSpec&) = default;
};

struct WorkloadSpec {
  std::string trace;  ///< exactly one of trace and synthetic
  std::optional<SyntheticSpec> synthetic;
  std::string tasks;  ///< PAI: the task table
  std::string format = "auto";
  std::string zone;
  std::optional<ColumnsSpec> columns;
  std::map<std::string, std::string> rules;
  std::string reference_device;
  std::optional<Watts> reference_cap;  ///< that held where the run times were observed
  std::optional<ShiftSpec> shift;
  bool repeat = false;
  std::string mix;  ///< of the catalogue, "" = none; what it says stands in the next two
  std::vector<ProfileSpec> profiles;
  std::vector<ClassSpec> classes;
  std::map<std::string, std::vector<std::string>> gpu_types;  ///< type in the trace -> partitions
  std::map<std::string, std::string> partitions;              ///< queue in the trace -> partition
  std::optional<HomeSpec> home;                               ///< none = the first site
  Oversized oversized = Oversized::error;
  friend bool operator==(const WorkloadSpec&, const WorkloadSpec&) = default;
};

struct EstimatesSpec {
  EstimateFrom from = EstimateFrom::limit;
  double sigma = 0.0;
  friend bool operator==(const EstimatesSpec&, const EstimatesSpec&) = default;
};

struct ForecastSpec {
  ForecastFrom from = ForecastFrom::perfect;
  double error = Forecast{}.error, growth = Forecast{}.growth;
  Seconds correlation = seconds(Forecast{}.correlation_s);
  friend bool operator==(const ForecastSpec&, const ForecastSpec&) = default;
};

enum class Limits : std::uint8_t { scaled, wallclock };

/// One policy of the registry with all its parameters: numbers in base units (s, W, 1).
struct PolicySpec {
  std::string name;
  std::map<std::string, double, std::less<>> numbers;
  std::map<std::string, std::string, std::less<>> texts;
  friend bool operator==(const PolicySpec&, const PolicySpec&) = default;
};

struct PoliciesSpec {
  PolicySpec timing{"immediate", {}, {}}, site{"home", {}, {}}, order{"fcfs", {}, {}},
      backfill{"easy", {}, {}}, placement{"pack", {}, {}}, cap{"none", {}, {}},
      nodes{"always-on", {}, {}}, pause{"never", {}, {}};
  [[nodiscard]] const PolicySpec& of(Question question) const;
  [[nodiscard]] PolicySpec& of(Question question);
  friend bool operator==(const PoliciesSpec&, const PoliciesSpec&) = default;
};

struct OutputSpec {
  Seconds timeline = minutes(5);
  std::int64_t compression = 1;
  bool nodes = false, events = false;
  friend bool operator==(const OutputSpec&, const OutputSpec&) = default;
};

struct MetricsSpec {
  Seconds slowdown_tau = seconds(10), peak_window = minutes(15);
  friend bool operator==(const MetricsSpec&, const MetricsSpec&) = default;
};

/// One experiment, as written in a scenario file, checked on its own (not yet against its files).
struct Scenario {
  std::string name;
  Period period;
  Horizon horizon;
  std::uint64_t seed = 1;
  bool drain = true;
  std::vector<SiteSpec> sites;
  std::optional<NetworkSpec> network;
  WorkloadSpec workload;
  EstimatesSpec estimates;
  ForecastSpec forecast;
  bool kill_at_limit = false;
  Limits limits = Limits::scaled;
  Shape shape = Shape::packed;
  double contention = 1.0;
  Seconds rebalance;  ///< how often waiting jobs may change partition; 0 = never
  Fidelity fidelity = Fidelity::analytic;
  PoliciesSpec policies;
  MetricsSpec metrics;
  OutputSpec output;
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// A value of the scenario in place of the file's.
struct Setting {
  std::string path;  ///< "sites[0].partitions[0].nodes"
  Position where;    ///< of the path, for messages
  YamlNode value;
};

/// What others change: a study its settings, the command line those after them. Each `set` is
/// "path=value" with the value in YAML, such as "sites[0].partitions[0].nodes=4".
struct Overrides {
  std::vector<Setting> settings = {};
  std::vector<std::string> set = {};
  std::optional<std::uint64_t> seed = {};
};

struct Loaded {
  Scenario scenario;
  std::string path;            ///< of the scenario file, as given
  std::string canonical_yaml;  ///< defaults, --set and --seed filled in, keys in schema order
  std::string sha256;          ///< of canonical_yaml
  std::map<std::string, Position> places;  ///< "sites[0].name" -> where it stands
  /// Where a key stands, for messages; only the file where the scenario does not give the key.
  [[nodiscard]] Position place(const std::string& key) const;
};

/// Reads and checks a scenario file.
/// @throws InputError with all faults; those of `set` are at "--set:1:COLUMN".
Loaded load_scenario(const std::string& path, const Overrides& overrides = {});
/// The text of a YAML file, unpacked if need be. @throws InputError if it cannot be read
std::string read_yaml_text(const std::string& path);
/// The same from memory; `name` stands in for the path in messages and for relative paths.
Loaded parse_scenario(std::string_view text, const std::string& name,
                      const Overrides& overrides = {});
/// The canonical text: parse_scenario of it gives an equal Scenario, and writing that the same
/// text.
std::string write_scenario(const Scenario& scenario);
/// JSON Schema (draft 2020-12) of the scenario file, for editors.
std::string scenario_schema();

}  // namespace nightwatt
