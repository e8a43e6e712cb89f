#include <algorithm>
#include <cmath>
#include <optional>

#include "analysis/measurements/operator_study.hpp"
#include "energy/cap_response.hpp"
#include "energy/utilization_model.hpp"
#include "scenarios/units.hpp"

/// Ratios that papers state: a workload at a power cap or a locked clock, relative to another.
namespace nightwatt {
namespace {

/// Samples a device, where the text names no batch. Assumed.
constexpr double usual_batch = 8;

std::optional<double> value_in(Dimension dimension, const std::string& text) {
  const QuantityText quantity = parse_quantity(dimension, text);
  return quantity.value;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// The longest run of words that names a model of the catalogue: "BERT base training" is
/// "bert-base"; "BERT" alone is its base form.
const CatalogModel* model_in(const std::vector<std::string>& words, const Catalog& catalog) {
  std::vector<std::string> names;
  for (std::size_t length = words.size(); length > 0; --length) {
    for (std::size_t first = 0; first + length <= words.size(); ++first) {
      std::string name = lower(words[first]);
      for (std::size_t i = 1; i < length; ++i) name += "-" + lower(words[first + i]);
      names.push_back(name);
      if (length == 1) names.push_back(name + "-base");
    }
  }
  for (const std::string& name : names) {
    if (const CatalogModel* model = models_of(catalog).find(name)) return model;
  }
  return nullptr;
}

/// The device of that name; of several one with the highest cap that is named, and of these one
/// whose response to caps was measured.
const Device* device_of(Catalog& catalog, const std::string& name, std::optional<double> cap_w,
                        const SharedTerms& caps) {
  const Device* best = nullptr;
  for (const std::string& id : catalog.ids_of(name)) {
    const Device& device = catalog.device(id).device;
    if (!cap_w || to_watts(device.max_cap) != *cap_w) continue;
    if (best == nullptr || caps.values.count(id + "/knee") > 0) best = &device;
  }
  if (best != nullptr) return best;
  const CatalogDevice* device = largest_device(catalog, name);
  return device == nullptr ? nullptr : &device->device;
}

struct Ratios {
  double time = 1, power = 1;
};

}  // namespace

Evaluation evaluate_published(const MeasuredFile& file, Catalog& catalog) {
  Evaluation out;
  const SharedTerms caps = shared_terms(catalog.folders(), "caps");
  for (std::size_t row = 0; row < file.rows(); ++row) {
    const std::string& gpu = file.text("gpu")[row];
    const std::string& workload = file.text("workload")[row];
    const std::string& setting = file.text("setting")[row];
    const std::string& baseline = file.text("baseline_w_or_mhz")[row];
    const auto leave_out = [&](const std::string& why) {
      out.not_covered.push_back({row, gpu, workload, setting, why});
    };
    const auto cap = value_in(Dimension::power, setting);
    const auto cap_before = value_in(Dimension::power, baseline);
    const auto clock = value_in(Dimension::frequency, setting);
    const auto clock_before = value_in(Dimension::frequency, baseline);
    if (!(cap && cap_before) && !(clock && clock_before)) {
      leave_out("the text names no two caps and no two clocks");
      continue;
    }
    const Device* device = device_of(catalog, gpu, cap_before, caps);
    if (device == nullptr || !can_be_modelled(*device)) {
      leave_out("the catalogue has no such device with clock, units and memory bandwidth");
      continue;
    }
    const std::vector<std::string> words = words_of(workload);
    const CatalogModel* model = model_in(words, catalog);
    if (model == nullptr) {
      leave_out("the text names no model of the catalogue");
      continue;
    }
    Work work;
    work.phase =
        lower(workload).find("train") != std::string::npos ? Phase::training : Phase::inference;
    work.batch = usual_batch;
    work.numerics.math = Precision::fp16;
    const PreparedWork prepared(model->model, work, *device,
                                stack_terms(catalog.folders(), Stack::eager, *device));
    Ratios ratios;
    try {
      if (clock) {
        check_knobs(*device, {.clock_mhz = *clock});
        check_knobs(*device, {.clock_mhz = *clock_before});
        const Estimate at = prepared.at({.clock_mhz = *clock});
        const Estimate before = prepared.at({.clock_mhz = *clock_before});
        ratios = {at.iteration / before.iteration, at.device_power / before.device_power};
      } else {
        // The response to caps, from what the job draws without one.
        const DeviceCapTerms terms = cap_terms_of(caps, device->id);
        const CapDevice board{device->tdp, watts(*cap_before), device->idle};
        const Watts free = prepared.at({}).device_power;
        const CapLoad load = loads_of({{work.batch, 1.0, free}}, terms.shared, {}, board).front();
        const CapRatio ratio = ratio_at_cap(load, terms.device, board, watts(*cap));
        ratios = {ratio.time, ratio.energy / ratio.time};
      }
    } catch (const std::domain_error& fault) {
      leave_out(fault.what());
      continue;
    }
    // The rows of the Zeus trace are among those that the response to caps was fitted to.
    const bool seen = file.text("exactness")[row].starts_with("derived from");
    const auto add = [&](const char* quantity, const char* column, double predicted) {
      const double measured = file.number(column)[row];
      if (std::isnan(measured)) return;
      out.predictions.push_back(
          {row, device->id, model->model.id, setting, quantity, predicted, measured, seen});
    };
    add("time", "relative_time", ratios.time);
    add("energy", "relative_energy", ratios.time * ratios.power);
    add("power", "relative_power", ratios.power);
  }
  return out;
}

}  // namespace nightwatt
