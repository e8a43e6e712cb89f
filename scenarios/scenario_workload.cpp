#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/mix_catalog.hpp"
#include "scenarios/model_catalog.hpp"
#include "scenarios/scenario_kinds.hpp"
#include "traces/reader.hpp"

namespace nightwatt {
namespace {

KindPtr<HomeSpec> home_kind() {
  return make_kind(
      Object<HomeSpec>()
          .required("by", &HomeSpec::by,
                    enum_kind<HomeBy>({{"job", HomeBy::job},
                                       {"user", HomeBy::user},
                                       {"class", HomeBy::job_class},
                                       {"queue", HomeBy::queue}}),
                    "job, user: drawn by seed and job id or user; class, queue: named by sites.")
          .sparse("shares", &HomeSpec::shares, map_of(number_kind(not_negative)),
                  "job, user: weight of each site; left out: all alike.")
          .sparse("sites", &HomeSpec::sites, map_of(text_kind()),
                  "class, queue: its site; others are at home at the first.")
          .check([](const HomeSpec& h, const YamlNode& node, const ReadContext& context) {
            const bool drawn = h.by == HomeBy::job || h.by == HomeBy::user;
            if (drawn && !h.sites.empty()) {
              context.key("sites").error(place(node, "sites"), "expected only by class or queue");
            }
            if (!drawn && !h.shares.empty()) {
              context.key("shares").error(place(node, "shares"), "expected only by job or user");
            }
            if (!drawn && h.sites.empty()) {
              binding::missing_key(node, context, "sites", "a mapping of names to sites");
            }
            double sum = 0.0;
            for (const auto& [site, weight] : h.shares) sum += weight;
            if (!h.shares.empty() && !(sum > 0.0)) {
              context.key("shares").error(place(node, "shares"), "expected weights, not all 0");
            }
          }));
}

/// A bare day, an instant with offset, or (for traces without dates) a duration.
class WhenKind final : public Kind<std::string> {
 public:
  explicit WhenKind(bool or_duration) : or_duration_(or_duration) {}
  bool read(const YamlNode& node, const ReadContext& context, std::string& out) const override {
    std::string hint;
    if (node.is_scalar()) {
      const InstantText instant = parse_instant(node.text);
      if (instant.value || parse_day(node.text) ||
          (or_duration_ && parse_quantity(Dimension::duration, node.text).value)) {
        out = node.text;
        return true;
      }
      hint = instant.hint;
    }
    context.expected(node, expected(), hint);
    return false;
  }
  YamlNode write(const std::string& value) const override { return YamlNode::make_text(value); }
  YamlNode schema() const override { return binding::type_schema("string"); }
  std::string expected() const override {
    return or_duration_ ? "a day such as '2017-10-02', an instant with its offset or, for traces "
                          "without dates, a duration such as '115 days'"
                        : "a day such as '2022-10-03' or an instant with its offset";
  }

 private:
  bool or_duration_;
};

/// Fields to columns, and beside them the options of the form.
class ColumnsKind final : public Kind<ColumnsSpec> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, ColumnsSpec& out) const override {
    if (!node.is_map()) {
      context.expected(node, expected());
      return false;
    }
    YamlNode form = YamlNode::make_map(), fields = YamlNode::make_map();
    const YamlNode known = options().write(ColumnsSpec{});
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      YamlNode& part = known.find(node.keys[i].text) != nullptr ? form : fields;
      part.keys.push_back(node.keys[i]);
      part.values.push_back(node.values[i]);
    }
    form.where = fields.where = node.where;
    bool good = options().read(form, context, out);
    good &= field_names()->read(fields, context, out.fields);
    return good;
  }
  YamlNode write(const ColumnsSpec& value) const override {
    YamlNode node = field_names()->write(value.fields);
    const YamlNode form = options().write(value);
    for (std::size_t i = 0; i < form.keys.size(); ++i) node.set(form.keys[i].text, form.values[i]);
    return node;
  }
  YamlNode schema() const override {
    YamlNode node = options().schema();
    node.set("additionalProperties", text_kind()->schema());
    return node;
  }
  std::string expected() const override {
    return "a mapping such as {submit: submit_time, run: duration}";
  }

 private:
  static const KindPtr<std::map<std::string, std::string>>& field_names() {
    static const auto kind = map_of(text_kind());
    return kind;
  }
  static const Object<ColumnsSpec>& options() {
    static const Object<ColumnsSpec> object = [] {
      const auto text = text_kind();
      Object<ColumnsSpec> o;
      o.defaulted("time_unit", &ColumnsSpec::time_unit, text,
                  "Unit of points in time that are numbers.")
          .defaulted("duration_unit", &ColumnsSpec::duration_unit, text, "Unit of run and limit.")
          .defaulted("time_form", &ColumnsSpec::time_form,
                     choice_kind({"auto", "epoch", "date", "relative"}),
                     "What a point in time is: counted from 1970, a date, or counted from a zero "
                     "of its own.")
          .defaulted("deadline_from", &ColumnsSpec::deadline_from,
                     choice_kind({"origin", "submit"}), "What a deadline counts from.")
          .defaulted("delimiter", &ColumnsSpec::delimiter, text, "Character between fields.")
          .defaulted("header", &ColumnsSpec::header, boolean_kind(),
                     "The first line names the columns.");
      return o;
    }();
    return object;
  }
};

/// {GPUs: weight}.
class GpuWeightsKind final : public Kind<std::map<std::uint32_t, double>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::map<std::uint32_t, double>& out) const override {
    out.clear();
    if (!node.is_map() || node.keys.empty()) {
      context.expected(node, expected());
      return false;
    }
    static const auto count = integer_kind(1, 1'000'000);
    static const auto weight = number_kind(positive);
    bool good = true;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      std::int64_t gpus = 0;
      double w = 0.0;
      const bool key_good = count->read(node.keys[i], context, gpus);
      good &= weight->read(node.values[i], context.key(node.keys[i].text), w) && key_good;
      out[static_cast<std::uint32_t>(gpus)] = w;
    }
    return good;
  }
  YamlNode write(const std::map<std::uint32_t, double>& value) const override {
    YamlNode node = YamlNode::make_map();
    for (const auto& [gpus, weight] : value) {
      node.set(std::to_string(gpus), YamlNode::make_literal(format_number(weight)));
    }
    return node;
  }
  YamlNode schema() const override {
    YamlNode node = binding::type_schema("object");
    YamlNode names = YamlNode::make_map();
    names.set("pattern", YamlNode::make_text("^[1-9][0-9]*$"));
    node.set("propertyNames", std::move(names));
    node.set("additionalProperties", number_kind(positive)->schema());
    node.set("minProperties", YamlNode::make_literal("1"));
    return node;
  }
  std::string expected() const override { return "weights by GPUs such as {1: 0.7, 8: 0.3}"; }
};

KindPtr<ProfileSpec> profile_kind() {
  const auto tokens = integer_kind(1, 100'000'000);
  const auto devices = integer_kind(1, 65'536);
  return make_kind(
      Object<ProfileSpec>()
          .required("name", &ProfileSpec::name, name_kind(), "Name.")
          .sparse("utilization", &ProfileSpec::utilization,
                  quantity_kind(Dimension::fraction, {.min = 0.0, .max = 1.0}),
                  "Of the device while a job runs, where the trace measured none; left out: 1.")
          .sparse("speed", &ProfileSpec::speed, map_of(number_kind(positive)),
                  "Measured: how many times as fast as on the reference its jobs run, by device; "
                  "of others the data sheet decides.")
          .sparse("model", &ProfileSpec::model,
                  catalog_name(
                      "a model",
                      [](std::string_view name) { return model_catalog().model(name).model.id; },
                      [] { return model_catalog().ids(); }),
                  "Instead: the model that a job runs (`nightwatt list models`). Its speed and "
                  "power then follow from device, cap and placement.")
          .sparse("phase", &ProfileSpec::phase,
                  enum_kind<Phase>({{"training", Phase::training},
                                    {"inference", Phase::inference},
                                    {"prefill", Phase::prefill},
                                    {"decode", Phase::decode},
                                    {"serving", Phase::serving}}),
                  "What it does with the model; left out: training.")
          .sparse("batch", &ProfileSpec::batch, number_kind(positive),
                  "Samples of each GPU in an iteration; serving: sequences in flight on each GPU. "
                  "Required with a model.")
          .sparse("precision", &ProfileSpec::precision,
                  enum_kind<Precision>({{"fp32", Precision::fp32},
                                        {"tf32", Precision::tf32},
                                        {"fp16", Precision::fp16},
                                        {"bf16", Precision::bf16},
                                        {"fp8", Precision::fp8},
                                        {"int8", Precision::int8}}),
                  "Of the arithmetic; left out: bf16, fp16 or fp32, the first that a device has.")
          .sparse("software", &ProfileSpec::software,
                  enum_kind<Stack>({{"eager", Stack::eager}, {"engine", Stack::engine}}),
                  "A framework that launches each operator, or a serving engine; left out: the "
                  "engine for decode and serving.")
          .sparse("sequence", &ProfileSpec::sequence, tokens, "Tokens a sample.")
          .sparse("context", &ProfileSpec::context, tokens,
                  "Decode and serving: tokens kept of a sequence, on average.")
          .sparse("prompt", &ProfileSpec::prompt, tokens, "Serving: prompt tokens a request.")
          .sparse("output", &ProfileSpec::output, tokens, "Serving: tokens made a request.")
          .sparse("tensor", &ProfileSpec::tensor, devices, "GPUs that share each layer.")
          .sparse("pipeline", &ProfileSpec::pipeline, devices, "Stages of layers.")
          .sparse("expert", &ProfileSpec::expert, devices, "GPUs that share the experts.")
          .sparse("micro_batches", &ProfileSpec::micro_batches, devices, "Of a pipeline.")
          .sparse("fused_attention", &ProfileSpec::fused_attention, boolean_kind(),
                  "Attention in one kernel.")
          .sparse("recompute", &ProfileSpec::recompute, boolean_kind(),
                  "Training: activations are computed again instead of kept.")
          .check([](const ProfileSpec& p, const YamlNode& node, const ReadContext& context) {
            if (!p.model.empty()) {
              for (const char* key : {"utilization", "speed"}) {
                if (node.find(key) == nullptr) continue;
                context.key(key).error(place(node, key),
                                       fmt::format("expected either '{}' or 'model'", key));
              }
              if (p.batch == 0 && node.find("batch") == nullptr) {
                context.error(place(node, "model"), "expected 'batch' beside a model");
              }
              return;
            }
            for (const YamlNode& key : node.keys) {
              if (key.text == "name" || key.text == "utilization" || key.text == "speed") continue;
              context.key(key.text).error(key, "expected only beside 'model'");
            }
          }));
}

KindPtr<WorkloadSpec> plain_workload_kind() {
  const auto text = text_kind();
  const auto shift = make_kind(
      Object<ShiftSpec>()
          .sparse("from", &ShiftSpec::from, KindPtr<std::string>(std::make_shared<WhenKind>(true)),
                  "Point of the trace that is moved to `to`; left out: the first submission.")
          .required("to", &ShiftSpec::to, KindPtr<std::string>(std::make_shared<WhenKind>(false)),
                    "Where it is moved to.")
          .sparse(
              "keep", &ShiftSpec::keep,
              enum_kind<Keep>(
                  {{"weekday", Keep::weekday}, {"date", Keep::date}, {"nothing", Keep::nothing}}),
              "weekday: whole weeks, so that weekday and local clock time stay (the default "
              "for traces with dates); date: whole years; nothing: exactly the difference."));
  const auto run =
      make_kind(Object<RunTimeSpec>()
                    .defaulted("median", &RunTimeSpec::median, duration_kind(positive), "Median.")
                    .defaulted("sigma", &RunTimeSpec::sigma, number_kind({.min = 0.0, .max = 10.0}),
                               "Standard deviation of the logarithm.")
                    .defaulted("min", &RunTimeSpec::min, duration_kind(positive), "Shortest.")
                    .defaulted("max", &RunTimeSpec::max, duration_kind(positive), "Longest."));
  const auto synthetic = make_kind(
      Object<SyntheticSpec>()
          .sparse("jobs_per_hour", &SyntheticSpec::jobs_per_hour, number_kind(positive),
                  "Mean rate of the Poisson arrivals over a week.")
          .sparse("load", &SyntheticSpec::load,
                  quantity_kind(Dimension::fraction, {.min = 0.0, .max = 10.0, .above_min = true}),
                  "Instead of the rate: share of all GPUs that the jobs ask for on average.")
          .defaulted("daily_amplitude", &SyntheticSpec::daily_amplitude,
                     quantity_kind(Dimension::fraction, {.min = 0.0, .max = 0.999}),
                     "How far the rate swings over the day.")
          .defaulted("daily_peak", &SyntheticSpec::daily_peak, duration_kind(),
                     "Time of day (UTC) with the highest rate.")
          .defaulted("weekday_weights", &SyntheticSpec::weekday_weights,
                     list_of(number_kind(not_negative)),
                     "Relative rate of each weekday, Monday first.")
          .defaulted("run", &SyntheticSpec::run, run, "Log-normal run times, cut at both ends.")
          .defaulted("limit_min", &SyntheticSpec::limit_min, number_kind({.min = 1.0}),
                     "Least limit over run time.")
          .defaulted("limit_max", &SyntheticSpec::limit_max, number_kind({.min = 1.0}),
                     "Greatest limit over run time; uniform between the two.")
          .defaulted("gpus", &SyntheticSpec::gpu_weights,
                     KindPtr<std::map<std::uint32_t, double>>(std::make_shared<GpuWeightsKind>()),
                     "GPUs of a job to relative weight.")
          .defaulted("users", &SyntheticSpec::users, integer_kind(0, 1'000'000),
                     "Number of users; 0: jobs have none.")
          .defaulted("whole_seconds", &SyntheticSpec::whole_seconds, boolean_kind(),
                     "Submissions and run times are rounded to seconds.")
          .check([](const SyntheticSpec& w, const YamlNode& node, const ReadContext& context) {
            if (w.jobs_per_hour.has_value() == w.load.has_value()) {
              context.error(node, "expected exactly one of 'jobs_per_hour' and 'load'");
            }
            if (w.weekday_weights.size() != 7 ||
                std::none_of(w.weekday_weights.begin(), w.weekday_weights.end(),
                             [](double d) { return d > 0.0; })) {
              context.key("weekday_weights")
                  .error(place(node, "weekday_weights"),
                         "expected seven numbers, Monday first, not all 0");
            }
            if (w.run.max < w.run.min || w.limit_max < w.limit_min) {
              context.error(node, "expected each min to be at most its max");
            }
            if (to_seconds(w.daily_peak) > 86400.0) {
              context.key("daily_peak").expected(place(node, "daily_peak"), "at most 24 h");
            }
          }));
  const auto profile = profile_kind();
  const auto range = make_kind(
      Object<GpuRange>()
          .defaulted("min", &GpuRange::min, number_kind(not_negative), "At least so many.")
          .sparse("max", &GpuRange::max, number_kind(not_negative), "At most so many.")
          .check([](const GpuRange& r, const YamlNode& node, const ReadContext& context) {
            if (r.max && *r.max < r.min) {
              context.key("max").expected(
                  place(node, "max"), "a number of at least min (" + format_number(r.min) + ")");
            }
          }));
  const auto times = make_kind(
      Object<TimeRange>()
          .defaulted("min", &TimeRange::min, duration_kind(), "At least so long.")
          .sparse("max", &TimeRange::max, duration_kind(positive), "Shorter than this.")
          .check([](const TimeRange& r, const YamlNode& node, const ReadContext& context) {
            if (r.max && *r.max <= r.min) {
              context.key("max").expected(
                  place(node, "max"), "a duration longer than min (" +
                                          format_quantity(Dimension::duration, to_seconds(r.min)) +
                                          ")");
            }
          }));
  const auto names = list_of(text, 1, true);
  const auto match = make_kind(
      Object<ClassMatch>()
          .sparse("user", &ClassMatch::user, names, "Users.")
          .sparse("queue", &ClassMatch::queue, names, "Queues, partitions or virtual clusters.")
          .sparse("gpu_type", &ClassMatch::gpu_type, names, "GPU types that the trace names.")
          .sparse("gpus", &ClassMatch::gpus, range, "GPUs (or cores) of the job.")
          .sparse("gpu_hours", &ClassMatch::gpu_hours, range,
                  "GPUs (or cores) times hours of run time in the trace: from min to below max.")
          .sparse("run", &ClassMatch::run, times, "Run time in the trace.")
          .sparse("limit", &ClassMatch::limit, times,
                  "Requested limit; a job without one does not match.")
          .sparse("share", &ClassMatch::share,
                  quantity_kind(Dimension::fraction, {.min = 0.0, .max = 1.0}),
                  "Share of the jobs that match otherwise, drawn by seed and job id."));
  const auto pause_step = make_kind(
      Object<PauseStep>()
          .defaulted("time", &PauseStep::time, duration_kind(),
                     "How long its GPUs are held for it.")
          .defaulted("energy_per_gpu", &PauseStep::energy_kwh,
                     quantity_kind(Dimension::energy, not_negative),
                     "What each GPU draws meanwhile above its idle power.")
          .check([](const PauseStep& step, const YamlNode& node, const ReadContext& context) {
            if (step.energy_kwh > 0.0 && !(step.time > Seconds{})) {
              binding::missing_key(
                  node, context, "time",
                  expected_quantity(Dimension::duration) + ", because energy_per_gpu is above 0");
            }
          }));
  const auto pausable = make_kind(
      Object<PausableSpec>()
          .defaulted("checkpoint", &PausableSpec::checkpoint, pause_step,
                     "What it takes to save a job's state when it is paused.")
          .defaulted("restart", &PausableSpec::restart, pause_step,
                     "What it takes to go on from there.")
          .sparse("every", &PausableSpec::every, duration_kind(),
                  "The job saves its state each time it has done so much work, and a pause loses "
                  "what it did since; left out: state is saved at the pause.")
          .check([](const PausableSpec& p, const YamlNode& node, const ReadContext& context) {
            if (p.every > Seconds{} && !(p.checkpoint == PauseStep{})) {
              context.error(node, "expected either 'checkpoint' or 'every', not both");
            }
          }));
  const auto job_class = make_kind(
      Object<ClassSpec>()
          .required("name", &ClassSpec::name, name_kind(), "Name.")
          .defaulted("match", &ClassSpec::match, match,
                     "All that is given must hold; nothing given: every job.")
          .sparse("profile", &ClassSpec::profile, name_kind(),
                  "Profile of its jobs; left out: the first profile.")
          .sparse("slack", &ClassSpec::slack, duration_kind(),
                  "How long a timing policy may hold its jobs after their submission; "
                  "left out: not at all.")
          .sparse("cap", &ClassSpec::cap, power_kind(positive),
                  "Power limit of each GPU of its jobs, under policy by-class.")
          .sparse("data_gb", &ClassSpec::data_gb, number_or_quantity_kind(Dimension::data, 1e9),
                  "Data of a job in GB (1e9 bytes), which have to be where it runs; left "
                  "out: none.")
          .sparse("pausable", &ClassSpec::pausable, pausable,
                  "Its jobs may be suspended and resumed; left out: they may not."));
  return make_kind(
      Object<WorkloadSpec>()
          .sparse("trace", &WorkloadSpec::trace, path_kind(),
                  "Path of the job trace, relative to the scenario's folder.")
          .sparse("synthetic", &WorkloadSpec::synthetic, synthetic,
                  "Instead of a trace: a seeded workload.")
          .sparse("tasks", &WorkloadSpec::tasks, path_kind(),
                  "Task table beside the job table (Alibaba PAI).")
          .defaulted("format", &WorkloadSpec::format, text,
                     "Format of the trace; `nightwatt list formats` names them.")
          .sparse("zone", &WorkloadSpec::zone, zone_kind(),
                  "IANA time zone of dates without an offset, where the format names none.")
          .sparse("columns", &WorkloadSpec::columns,
                  KindPtr<ColumnsSpec>(std::make_shared<ColumnsKind>()),
                  "For format csv: field (submit, start, end, run, limit, deadline, gpus, ...) to "
                  "column name, or '#3' for the third column; and how the values are written.")
          .sparse("rules", &WorkloadSpec::rules, map_of(text),
                  "Decisions on doubtful rows: rule to choice; see the format.")
          .sparse("reference_device", &WorkloadSpec::reference_device, catalog_device_kind(),
                  "Device on which the trace's run times were observed; public traces have a "
                  "built-in one.")
          .sparse("reference_cap", &WorkloadSpec::reference_cap, power_kind(positive),
                  "Power cap of each GPU that held where the run times were observed; left out: "
                  "none.")
          .sparse("shift", &WorkloadSpec::shift, shift,
                  "Moves a trace of another year, or without dates, into the period.")
          .defaulted("repeat", &WorkloadSpec::repeat, boolean_kind(),
                     "Tiles whole weeks of the trace to fill the period.")
          .sparse("mix", &WorkloadSpec::mix,
                  catalog_name(
                      "a mix", [](std::string_view name) { return catalog_mix(name).id; },
                      catalog_mixes),
                  "Published mix of jobs (`nightwatt list mixes`): profiles and classes where "
                  "neither is given here.")
          .sparse("profiles", &WorkloadSpec::profiles, list_of(profile),
                  "What jobs make of their devices; the first one is the default.")
          .sparse("classes", &WorkloadSpec::classes, list_of(job_class),
                  "Kinds of jobs; a job is of the first class that it matches.")
          .sparse("gpu_types", &WorkloadSpec::gpu_types, map_of(names),
                  "GPU type in the trace to the partitions that it may use.")
          .sparse("partitions", &WorkloadSpec::partitions, map_of(text),
                  "Queue in the trace to the partition that it means.")
          .sparse("home", &WorkloadSpec::home, home_kind(),
                  "Home site of each job, where its data are; left out: the first site.")
          .defaulted(
              "oversized", &WorkloadSpec::oversized,
              enum_kind<Oversized>({{"error", Oversized::error}, {"reject", Oversized::reject}}),
              "What to do with jobs that no partition can hold.")
          .check([](const WorkloadSpec& w, const YamlNode& node, const ReadContext& context) {
            if (w.trace.empty() == !w.synthetic.has_value()) {
              context.error(node, "expected exactly one of 'trace' and 'synthetic'");
            }
            if (w.columns && w.format != "csv" && w.format != "auto") {
              context.key("columns").error(place(node, "columns"),
                                           "expected only with format csv, not " + quote(w.format));
            }
            std::set<std::string> profiles, classes;
            for (std::size_t i = 0; i < w.profiles.size(); ++i) {
              if (!profiles.insert(w.profiles[i].name).second) {
                context.key("profiles")
                    .index(i)
                    .key("name")
                    .expected(place(place(node, "profiles").values[i], "name"),
                              "a name that no other profile has");
              }
            }
            const std::vector<std::string_view> known(profiles.begin(), profiles.end());
            for (std::size_t i = 0; i < w.classes.size(); ++i) {
              const YamlNode& at = place(node, "classes").values[i];
              if (!classes.insert(w.classes[i].name).second) {
                context.key("classes").index(i).key("name").expected(
                    place(at, "name"), "a name that no other class has");
              }
              const std::string& wanted = w.classes[i].profile;
              if (!wanted.empty() && profiles.count(wanted) == 0) {
                const std::string_view near = nearest(wanted, known);
                context.key("classes").index(i).key("profile").expected(
                    place(at, "profile"), "the name of a profile of the workload",
                    near.empty() ? std::string() : fmt::format("did you mean '{}'?", near));
              }
            }
          }));
}

/// A workload, whose `mix` fills in profiles and classes.
class WorkloadKind final : public Kind<WorkloadSpec> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, WorkloadSpec& out) const override {
    try {
      if (!plain_->read(with_mix(node), context, out)) return false;
      if (out.mix.empty()) return true;
      // The canonical text has the mix and what it says: nothing else may stand beside it.
      YamlNode alone = YamlNode::make_map();
      alone.set("mix", YamlNode::make_text(out.mix));
      WorkloadSpec mixed;
      Diagnostics none;
      plain_->read(with_mix(alone), {"", &none}, mixed);
      if (mixed.profiles == out.profiles && mixed.classes == out.classes) return true;
      context.key("mix").error(*node.find("mix"),
                               "expected either a mix, or profiles and classes of your own");
      return false;
    } catch (const InputError& e) {
      context.key("mix").take_over(*node.find("mix"), e);
      return false;
    }
  }
  YamlNode write(const WorkloadSpec& value) const override { return plain_->write(value); }
  YamlNode schema() const override { return plain_->schema(); }
  std::string expected() const override { return plain_->expected(); }

 private:
  KindPtr<WorkloadSpec> plain_ = plain_workload_kind();
};

}  // namespace

KindPtr<WorkloadSpec> workload_kind() { return std::make_shared<WorkloadKind>(); }

}  // namespace nightwatt
