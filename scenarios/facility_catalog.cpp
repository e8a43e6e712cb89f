#include "scenarios/facility_catalog.hpp"

#include <fmt/format.h>

#include <utility>

#include "scenarios/catalog.hpp"
#include "scenarios/provenance.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

/// A curve as it is written.
struct Free {
  double until_c = 0.0, pue = 1.0;
  friend bool operator==(const Free&, const Free&) = default;
};
struct Chiller {
  double from_c = 0.0, pue = 1.0, per_kelvin = 0.0, most = PueCurve{}.most;
  friend bool operator==(const Chiller&, const Chiller&) = default;
};
struct CurveText {
  PueCurve::Driver driver = PueCurve::Driver::wet_bulb;
  Free free;
  Chiller chiller;
};
/// A file of the catalogue: a curve with its words.
struct FacilityFile : CurveText {
  std::string summary;
  std::map<std::string, std::string> sources;
  std::vector<std::string> assumed;
};

PueCurve curve_of(const CurveText& text) {
  return {text.driver,      text.free.until_c,       text.free.pue,    text.chiller.from_c,
          text.chiller.pue, text.chiller.per_kelvin, text.chiller.most};
}

void check_curve(const CurveText& text, const YamlNode& node, const ReadContext& context) {
  const auto at = [&](const char* group, const char* key) -> const YamlNode& {
    const YamlNode& map = *node.find(group);
    const YamlNode* found = map.find(key);
    return found != nullptr ? *found : map;
  };
  if (text.chiller.from_c <= text.free.until_c) {
    context.key("chiller.from").expected(at("chiller", "from"), "a temperature above free.until");
  }
  if (text.chiller.pue < text.free.pue) {
    context.key("chiller.pue").expected(at("chiller", "pue"), "a PUE of at least free.pue");
  }
  if (text.chiller.most < text.chiller.pue) {
    context.key("chiller.most").expected(at("chiller", "most"), "a PUE of at least chiller.pue");
  }
}

/// @tparam T  CurveText, or what is made of it
template <class T>
void add_curve(Object<T>& object) {
  PueCurve::Driver T::*driver_of = &T::driver;
  Free T::*free_of = &T::free;
  Chiller T::*chiller_of = &T::chiller;
  const auto pue = number_kind({.min = 1.0, .max = 100.0});
  const auto celsius = quantity_kind(Dimension::temperature, {.min = -100.0, .max = 100.0});
  const auto free = make_kind(
      Object<Free>()
          .required("until", &Free::until_c, celsius, "Up to here outside air cools alone.")
          .required("pue", &Free::pue, pue, "PUE up to there."));
  const auto chiller = make_kind(
      Object<Chiller>()
          .required("from", &Chiller::from_c, celsius, "From here on chillers cool alone.")
          .required("pue", &Chiller::pue, pue, "PUE there; in between a straight line.")
          .defaulted("per_kelvin", &Chiller::per_kelvin, number_kind(not_negative),
                     "Growth of the PUE above it, 1/K.")
          .defaulted("most", &Chiller::most, pue, "The PUE does not grow beyond this."));
  object
      .required("driver", driver_of,
                enum_kind<PueCurve::Driver>({{"wet-bulb", PueCurve::Driver::wet_bulb},
                                             {"dry-bulb", PueCurve::Driver::dry_bulb}}),
                "Which temperature of the air the cooling follows.")
      .required("free", free_of, free, "The range of free cooling.")
      .required("chiller", chiller_of, chiller, "The range of chillers.")
      .check([](const T& value, const YamlNode& node, const ReadContext& context) {
        check_curve(value, node, context);
      });
}

class PueCurveKind final : public Kind<PueCurve> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, PueCurve& out) const override {
    CurveText text;
    if (!object().read(node, context, text)) return false;
    out = curve_of(text);
    return true;
  }
  YamlNode write(const PueCurve& value) const override {
    return object().write(
        {value.driver,
         {value.free_until_c, value.free_pue},
         {value.chiller_from_c, value.chiller_pue, value.per_kelvin, value.most}});
  }
  YamlNode schema() const override { return object().schema(); }
  std::string expected() const override { return object().expected(); }

 private:
  static const Object<CurveText>& object() {
    static const Object<CurveText> standard = [] {
      Object<CurveText> o;
      add_curve(o);
      return o;
    }();
    return standard;
  }
};

const Object<FacilityFile>& facility_object() {
  static const Object<FacilityFile> object = [] {
    Object<FacilityFile> o;
    o.required("summary", &FacilityFile::summary, text_kind(), "What it is.");
    add_curve(o);
    o.sparse("sources", &FacilityFile::sources, map_of(text_kind()), "Figures to their source.")
        .sparse("assumed", &FacilityFile::assumed, assumed_kind(), "Figures without a source.");
    return o;
  }();
  return object;
}

}  // namespace

CatalogFacility read_facility(const std::string& id, const std::string& path) {
  Input input = Input::open(path, path);
  Diagnostics faults;
  const YamlNode root = parse_yaml(input.read_all(), path, faults);
  const ReadContext context{"", &faults};
  FacilityFile file;
  facility_object().read(root, context, file);
  faults.throw_if_any();
  Provenance provenance = provenance_of(root, {{}, {"free", "chiller"}}, context);
  faults.throw_if_any();
  return {id,
          file.summary,
          curve_of(file),
          std::move(provenance.sources),
          std::move(provenance.assumed),
          "facilities/" + id + ".yaml",
          input.sha256()};
}

const CatalogFacility& catalog_facility(std::string_view id) {
  static const std::map<std::string, std::string> files =
      catalog_files(catalog().folders(), "facilities");
  static std::map<std::string, CatalogFacility> loaded;
  const auto file = files.find(std::string(id));
  if (file == files.end()) {
    std::vector<std::string_view> known;
    for (const auto& [name, path] : files) known.push_back(name);
    const std::string_view near = nearest(id, known);
    throw InputError(fmt::format("expected a facility of the catalogue, got {} ({})", quote(id),
                                 near.empty() ? "see `nightwatt list facilities`"
                                              : fmt::format("did you mean '{}'?", near)));
  }
  auto found = loaded.find(file->first);
  if (found == loaded.end()) {
    found = loaded.emplace(file->first, read_facility(file->first, file->second)).first;
  }
  return found->second;
}

std::vector<std::string> facility_ids() {
  std::vector<std::string> ids;
  for (const auto& [id, path] : catalog_files(catalog().folders(), "facilities")) ids.push_back(id);
  return ids;
}

KindPtr<PueCurve> pue_curve_kind() { return std::make_shared<PueCurveKind>(); }

}  // namespace nightwatt
