#include "scenarios/device_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "energy/terms.hpp"
#include "scenarios/binding.hpp"
#include "scenarios/provenance.hpp"
#include "scenarios/shared_terms.hpp"
#include "scenarios/units.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

using Curve = std::vector<std::pair<double, double>>;  ///< clock in MHz, value

struct Clocks {
  std::optional<double> min, base, boost, memory;
};

struct LinkFile {
  double bandwidth = 0.0;
  std::optional<Seconds> latency;
};

/// By Precision, in its order.
struct Peaks {
  std::optional<double> fp64, fp32, fp32_matrix, tf32, fp16, bf16, fp8, int8;
  friend bool operator==(const Peaks&, const Peaks&) = default;
};

/// A device file as it is written; `sources` and `assumed` speak of the figures.
struct DeviceFile {
  std::string summary, vendor, architecture;
  DeviceKind kind = DeviceKind::gpu;
  std::int64_t year = 0, units_per_board = 1;
  Watts idle;
  std::optional<Watts> busy, tdp, min_cap, max_cap;
  std::string cap_reason;
  std::optional<Peaks> peak;
  std::optional<double> memory, bandwidth, l2;
  std::optional<std::int64_t> sms;
  std::optional<Clocks> clocks;
  Curve voltage, idle_curve;
  std::optional<LinkFile> scale_up, pcie;
  std::string node;
  std::vector<Alias> aliases;
  std::map<std::string, std::string> sources;
  std::vector<std::string> assumed;
  std::map<std::string, FittedTerm> terms;
};

/// The place of a key of a mapping; of the mapping itself where the key is not there.
const YamlNode& place(const YamlNode& node, std::string_view key) {
  const YamlNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

/// {210 MHz: 0.7 V, ...} with ascending clocks.
class CurveKind final : public Kind<Curve> {
 public:
  CurveKind(Dimension value, bool may_fall)
      : dimension_(value), value_(quantity_kind(value, positive)), may_fall_(may_fall) {}
  bool read(const YamlNode& node, const ReadContext& context, Curve& out) const override {
    out.clear();
    if (!node.is_map() || node.keys.empty()) {
      context.expected(node, expected());
      return false;
    }
    static const auto clock = quantity_kind(Dimension::frequency, positive);
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      std::pair<double, double> point;
      if (!clock->read(node.keys[i], context, point.first) ||
          !value_->read(node.values[i], context.key(node.keys[i].text), point.second)) {
        return false;
      }
      if (!out.empty() && point.first <= out.back().first) {
        context.expected(node.keys[i], "clocks that ascend from point to point");
        return false;
      }
      if (!out.empty() && !may_fall_ && point.second < out.back().second) {
        context.key(node.keys[i].text)
            .expected(node.values[i], "at least the value at the clock before");
        return false;
      }
      out.push_back(point);
    }
    return true;
  }
  YamlNode write(const Curve& value) const override {
    YamlNode node = YamlNode::make_map();
    for (const auto& [clock, v] : value) {
      node.set(format_quantity(Dimension::frequency, clock), value_->write(v));
    }
    return node;
  }
  YamlNode schema() const override {
    YamlNode node = binding::type_schema("object");
    node.set("additionalProperties", value_->schema());
    return node;
  }
  std::string expected() const override {
    return fmt::format("a mapping from clocks to values such as {{1410 MHz: {}}}",
                       dimension_ == Dimension::voltage ? "0.9 V" : "60 W");
  }

 private:
  Dimension dimension_;
  KindPtr<double> value_;
  bool may_fall_;
};

/// NAME, or {SOURCE: NAME}.
class AliasKind final : public Kind<Alias> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, Alias& out) const override {
    static const auto text = text_kind();
    if (!node.is_map()) return text->read(node, context, out.name);
    if (node.keys.size() != 1) {
      context.expected(node, expected());
      return false;
    }
    out.source = node.keys.front().text;
    return text->read(node.values.front(), context, out.name);
  }
  YamlNode write(const Alias& value) const override {
    if (value.source.empty()) return YamlNode::make_text(value.name);
    YamlNode node = YamlNode::make_map();
    node.set(value.source, YamlNode::make_text(value.name));
    return node;
  }
  YamlNode schema() const override { return text_kind()->schema(); }
  std::string expected() const override { return "a name or one {SOURCE: name}"; }
};

KindPtr<LinkFile> link_kind() {
  static const auto kind = make_kind(
      Object<LinkFile>()
          .required("bandwidth", &LinkFile::bandwidth,
                    quantity_kind(Dimension::bandwidth, positive),
                    "One direction of all its links together.")
          .sparse("latency", &LinkFile::latency, duration_kind(positive), "Of a small message."));
  return kind;
}

KindPtr<Peaks> peaks_kind() {
  static const auto kind = [] {
    const auto rate = quantity_kind(Dimension::rate, positive);
    const std::string summary = "Peak at the boost clock, without sparsity.";
    return make_kind(Object<Peaks>()
                         .sparse("fp64", &Peaks::fp64, rate, summary)
                         .sparse("fp32", &Peaks::fp32, rate, summary)
                         .sparse("fp32_matrix", &Peaks::fp32_matrix, rate, summary)
                         .sparse("tf32", &Peaks::tf32, rate, summary)
                         .sparse("fp16", &Peaks::fp16, rate, summary)
                         .sparse("bf16", &Peaks::bf16, rate, summary)
                         .sparse("fp8", &Peaks::fp8, rate, summary)
                         .sparse("int8", &Peaks::int8, rate, summary));
  }();
  return kind;
}

KindPtr<Clocks> clocks_kind() {
  static const auto kind = [] {
    const auto clock = quantity_kind(Dimension::frequency, positive);
    return make_kind(
        Object<Clocks>()
            .sparse("min", &Clocks::min, clock, "Lowest that can be set.")
            .sparse("base", &Clocks::base, clock, "Guaranteed at TDP.")
            .sparse("boost", &Clocks::boost, clock, "Highest; peaks are those at it.")
            .sparse("memory", &Clocks::memory, clock, "Of the memory.")
            .check([](const Clocks& c, const YamlNode& node, const ReadContext& context) {
              const std::array<std::pair<const char*, std::optional<double>>, 3> clocks = {
                  std::pair{"min", c.min}, std::pair{"base", c.base}, std::pair{"boost", c.boost}};
              double below = 0.0;
              for (const auto& [key, mhz] : clocks) {
                if (mhz && *mhz < below) {
                  context.key(key).expected(place(node, key),
                                            "a clock of at least " +
                                                format_quantity(Dimension::frequency, below) +
                                                ", because min, base and boost ascend");
                }
                below = std::max(below, mhz.value_or(0.0));
              }
            }));
  }();
  return kind;
}

KindPtr<FittedTerm> term_kind() {
  static const auto kind =
      make_kind(Object<FittedTerm>()
                    .required("value", &FittedTerm::value, number_kind(positive), "Of the fit.")
                    .required("data", &FittedTerm::data, text_kind(),
                              "The measurements that it was fitted to."));
  return kind;
}

const FigureKeys& figure_keys() {
  static const FigureKeys keys = {{"idle", "busy", "tdp", "min_cap", "max_cap", "memory",
                                   "bandwidth", "l2", "sms", "voltage", "idle_curve"},
                                  {"peak", "clocks", "scale_up", "pcie"}};
  return keys;
}

void check_powers(const DeviceFile& d, const YamlNode& node, const ReadContext& context) {
  const auto text = [](Watts w) { return format_quantity(Dimension::power, to_watts(w)); };
  if (!d.busy && !d.tdp) {
    binding::missing_key(node, context, "busy", "a power such as '350 W', or 'tdp'");
    return;
  }
  for (const auto& [key, power] : {std::pair{"busy", d.busy}, std::pair{"tdp", d.tdp}}) {
    if (power && *power < d.idle) {
      context.key(key).expected(place(node, key),
                                "a power of at least idle (" + text(d.idle) + ")");
    }
  }
  if (d.min_cap.has_value() != d.max_cap.has_value()) {
    const char* missing = d.min_cap ? "max_cap" : "min_cap";
    binding::missing_key(node, context, missing, "both caps or neither");
    return;
  }
  if (!d.min_cap) return;
  if (*d.min_cap > *d.max_cap) {
    context.key("min_cap").expected(place(node, "min_cap"),
                                    "a power of at most max_cap (" + text(*d.max_cap) + ")");
  }
  if (*d.min_cap < d.idle) {
    context.key("min_cap").expected(place(node, "min_cap"),
                                    "a power of at least idle (" + text(d.idle) + ")");
  }
  const Watts top = d.tdp.value_or(d.busy.value_or(Watts{}));
  if (*d.max_cap > top && d.cap_reason.empty()) {
    context.key("max_cap").expected(
        place(node, "max_cap"),
        fmt::format("a power of at most {} ({})", d.tdp ? "tdp" : "busy", text(top)),
        "a cap above it needs a cap_reason");
  }
}

void check_curves(const DeviceFile& d, const YamlNode& node, const ReadContext& context) {
  const double top = d.clocks ? d.clocks->boost.value_or(0.0) : 0.0;
  for (const auto& [key, curve] :
       {std::pair{"voltage", &d.voltage}, std::pair{"idle_curve", &d.idle_curve}}) {
    if (curve->empty() || top == 0.0 || curve->back().first <= top) continue;
    context.key(key).expected(
        place(node, key).keys.back(),
        fmt::format("clocks up to clocks.boost ({})", format_quantity(Dimension::frequency, top)));
  }
}

void check_terms(const DeviceFile& d, const YamlNode& node, const ReadContext& context) {
  for (const auto& [name, term] : d.terms) {
    const std::size_t dot = name.find('.');
    const bool of_stack = dot != std::string::npos;
    const std::string_view term_name =
        of_stack ? std::string_view(name).substr(dot + 1) : std::string_view(name);
    const YamlNode& terms = place(node, "terms");
    const auto key = std::find_if(terms.keys.begin(), terms.keys.end(),
                                  [n = &name](const YamlNode& k) { return k.text == *n; });
    if (of_stack && !stack_by_name(std::string_view(name).substr(0, dot))) {
      context.key("terms").expected(*key, "TERM or STACK.TERM", "no such stack");
    }
    const std::optional<TermId> id = term_by_name(term_name);
    if (!id) {
      context.key("terms").error(*key, unknown_term(term_name));
    } else if (term.value < term_info(*id).low || term.value > term_info(*id).high) {
      context.key("terms").key(name).expected(
          place(place(terms, name), "value"),
          fmt::format("a value between {} and {}", format_number(term_info(*id).low),
                      format_number(term_info(*id).high)));
    }
  }
}

const Object<DeviceFile>& device_object() {
  static const Object<DeviceFile> object = [] {
    const auto text = text_kind();
    const auto power = power_kind(positive);
    Object<DeviceFile> o;
    o.required("summary", &DeviceFile::summary, text, "The device in one line.")
        .sparse("vendor", &DeviceFile::vendor, text, "Who makes it.")
        .sparse("architecture", &DeviceFile::architecture, text, "Ampere, CDNA2, ...")
        .defaulted("kind", &DeviceFile::kind,
                   enum_kind<DeviceKind>({{"gpu", DeviceKind::gpu},
                                          {"tpu", DeviceKind::tpu},
                                          {"asic", DeviceKind::asic},
                                          {"cpu", DeviceKind::cpu},
                                          {"cpu-core", DeviceKind::cpu_core}}),
                   "What a partition counts when it has this device.")
        .sparse("year", &DeviceFile::year, integer_kind(1990, 2100), "Of introduction.")
        .sparse("units_per_board", &DeviceFile::units_per_board, integer_kind(1, 64),
                "Devices that one board shows itself as.")
        .required("idle", &DeviceFile::idle, power_kind(), "Power when it does not work.")
        .sparse("busy", &DeviceFile::busy, power, "Power at utilization 1; left out: tdp.")
        .sparse("tdp", &DeviceFile::tdp, power, "Thermal design power.")
        .sparse("min_cap", &DeviceFile::min_cap, power, "Lowest legal power cap.")
        .sparse("max_cap", &DeviceFile::max_cap, power, "Highest legal power cap.")
        .sparse("cap_reason", &DeviceFile::cap_reason, text, "Why max_cap lies above tdp.")
        .sparse("peak", &DeviceFile::peak, peaks_kind(), "Operations a second by precision.")
        .sparse("memory", &DeviceFile::memory, quantity_kind(Dimension::data, positive),
                "Of the device, as data sheets count it.")
        .sparse("bandwidth", &DeviceFile::bandwidth, quantity_kind(Dimension::bandwidth, positive),
                "Of the memory.")
        .sparse("l2", &DeviceFile::l2, quantity_kind(Dimension::data, positive),
                "Last cache that all units share.")
        .sparse("sms", &DeviceFile::sms, integer_kind(1, 100'000),
                "Streaming multiprocessors, compute units or cores.")
        .sparse("clocks", &DeviceFile::clocks, clocks_kind(), "Range of the core's clock.")
        .sparse("voltage", &DeviceFile::voltage,
                KindPtr<Curve>(std::make_shared<CurveKind>(Dimension::voltage, false)),
                "Core voltage by clock.")
        .sparse("idle_curve", &DeviceFile::idle_curve,
                KindPtr<Curve>(std::make_shared<CurveKind>(Dimension::power, true)),
                "Idle power by the clock at which it is held, with a context open.")
        .sparse("scale_up", &DeviceFile::scale_up, link_kind(), "To its peers in the node.")
        .sparse("pcie", &DeviceFile::pcie, link_kind(), "To the host.")
        .sparse("node", &DeviceFile::node, text,
                "Of the node catalogue: the one that stands for nodes with this device.")
        .sparse("aliases", &DeviceFile::aliases,
                list_of(KindPtr<Alias>(std::make_shared<AliasKind>())),
                "Other names; {SOURCE: name} for what one source means by it.")
        .sparse("sources", &DeviceFile::sources, map_of(text),
                "Figures, joined by commas, to their source.")
        .sparse("assumed", &DeviceFile::assumed, assumed_kind(),
                "Figures without a published source; true: all that name none.")
        .sparse("terms", &DeviceFile::terms, map_of(term_kind()), "Fitted by calibration.")
        .check(check_powers)
        .check(check_curves)
        .check(check_terms)
        .check([](const DeviceFile&, const YamlNode& node, const ReadContext& context) {
          provenance_of(node, figure_keys(), context);
        });
    return o;
  }();
  return object;
}

Link link(const std::optional<LinkFile>& file) {
  return file ? Link{file->bandwidth, file->latency} : Link{};
}

}  // namespace

CatalogDevice read_device(const std::string& id, const std::string& path) {
  Input input = Input::open(path, path);
  Diagnostics faults;
  const YamlNode root = parse_yaml(input.read_all(), path, faults);
  DeviceFile file;
  const ReadContext context{"", &faults};
  device_object().read(root, context, file);
  faults.throw_if_any();

  CatalogDevice out;
  Device& d = out.device;
  d.id = id;
  d.summary = file.summary;
  d.vendor = file.vendor;
  d.architecture = file.architecture;
  d.kind = file.kind;
  d.year = static_cast<int>(file.year);
  d.units_per_board = static_cast<int>(file.units_per_board);
  d.idle = file.idle;
  d.tdp = file.tdp.value_or(Watts{});
  d.busy = file.busy.value_or(d.tdp);
  d.min_cap = file.min_cap.value_or(Watts{});
  d.max_cap = file.max_cap.value_or(Watts{});
  const Peaks peak = file.peak.value_or(Peaks{});
  const std::array<std::optional<double>, precision_count> peaks = {
      peak.fp64, peak.fp32, peak.fp32_matrix, peak.tf32, peak.fp16, peak.bf16, peak.fp8, peak.int8};
  std::transform(peaks.begin(), peaks.end(), d.peak_per_s.begin(),
                 [](const std::optional<double>& rate) { return rate.value_or(0.0); });
  d.memory_bytes = file.memory.value_or(0.0);
  d.memory_bytes_per_s = file.bandwidth.value_or(0.0);
  d.l2_bytes = file.l2.value_or(0.0);
  d.sms = static_cast<int>(file.sms.value_or(0));
  const Clocks clocks = file.clocks.value_or(Clocks{});
  d.min_mhz = clocks.min.value_or(0.0);
  d.base_mhz = clocks.base.value_or(0.0);
  d.boost_mhz = clocks.boost.value_or(0.0);
  d.memory_mhz = clocks.memory.value_or(0.0);
  for (const auto& [clock, volts] : file.voltage) d.voltage.push_back({clock, volts});
  for (const auto& [clock, power] : file.idle_curve) d.idle_curve.push_back({clock, watts(power)});
  d.scale_up = link(file.scale_up);
  d.host_link = link(file.pcie);
  out.node = std::move(file.node);
  d.aliases = std::move(file.aliases);
  d.terms.insert(file.terms.begin(), file.terms.end());
  Provenance provenance = provenance_of(root, figure_keys(), context);
  std::vector<std::string> sources;
  for (const auto& [figure, source] : provenance.sources) {
    if (std::find(sources.begin(), sources.end(), source) == sources.end()) {
      sources.push_back(source);
    }
  }
  d.source = fmt::format("{}", fmt::join(sources, "; "));
  d.assumed = !provenance.assumed.empty();
  out.sources = std::move(provenance.sources);
  out.assumed = std::move(provenance.assumed);
  out.file = "devices/" + id + ".yaml";
  out.sha256 = input.sha256();
  return out;
}

std::vector<Alias> read_aliases(std::string_view text, const std::string& path) {
  constexpr std::string_view key = "aliases";
  if (text.find(key) == std::string_view::npos) return {};
  // From the key to the next line that is not indented, an entry of a list or a comment.
  std::size_t from = text.starts_with("aliases:") ? 0 : text.find("\naliases:");
  std::string_view part = text;
  if (from != std::string_view::npos) {
    if (from != 0) ++from;
    std::size_t to = text.find('\n', from);
    while (to != std::string_view::npos && to + 1 < text.size() &&
           (text[to + 1] == ' ' || text[to + 1] == '-' || text[to + 1] == '#' ||
            text[to + 1] == '\n')) {
      to = text.find('\n', to + 1);
    }
    part = text.substr(from, to == std::string_view::npos ? to : to - from);
  }
  std::vector<Alias> aliases;
  const YamlNode root = parse_yaml(part, path);
  Diagnostics faults;
  if (const YamlNode* list = root.find(key)) {
    static const auto kind = list_of(KindPtr<Alias>(std::make_shared<AliasKind>()));
    kind->read(*list, {std::string(key), &faults}, aliases);
  }
  faults.throw_if_any();
  return aliases;
}

}  // namespace nightwatt
