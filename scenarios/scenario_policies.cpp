#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/scenario_kinds.hpp"

namespace nightwatt {
namespace {

/// "21:00", as seconds since midnight; "24:00" is the end of the day.
class TimeOfDayKind final : public Kind<double> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, double& out) const override {
    int hour = -1, minute = -1, read = 0;
    if (!node.is_scalar() ||
        std::sscanf(node.text.c_str(), "%2d:%2d%n", &hour, &minute, &read) != 2 ||
        static_cast<std::size_t>(read) != node.text.size() || hour < 0 || minute < 0 ||
        minute > 59 || hour * 60 + minute > 24 * 60) {
      context.expected(node, expected());
      return false;
    }
    out = hour * 3600.0 + minute * 60.0;
    return true;
  }
  YamlNode write(const double& value) const override {
    const auto minutes = static_cast<int>(value / 60.0);
    return YamlNode::make_text(fmt::format("{:02}:{:02}", minutes / 60, minutes % 60));
  }
  YamlNode schema() const override {
    YamlNode node = binding::type_schema("string");
    node.set("pattern", YamlNode::make_text("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"));
    return node;
  }
  std::string expected() const override { return "a time of the day such as '21:00'"; }
};

/// NAME, or {NAME: {PARAMETER: value}}, checked against the registry.
class PolicyKind final : public Kind<PolicySpec> {
 public:
  explicit PolicyKind(Question question) : question_(question) {}

  bool read(const YamlNode& node, const ReadContext& context, PolicySpec& out) const override {
    const YamlNode* name = &node;
    const YamlNode* params = nullptr;
    if (node.is_map() && node.keys.size() == 1) {
      name = &node.keys.front();
      params = &node.values.front();
    } else if (!node.is_scalar()) {
      context.expected(node, expected());
      return false;
    }
    const PolicyInfo* info = find_policy(question_, name->text);
    if (info == nullptr) {
      const std::vector<std::string> all = names();
      const std::vector<std::string_view> views(all.begin(), all.end());
      const std::string_view near = nearest(name->text, views);
      context.expected(*name, expected(),
                       near.empty() ? std::string() : fmt::format("did you mean '{}'?", near));
      return false;
    }
    out = PolicySpec{info->name, {}, {}};
    const ReadContext inside = context.key(info->name);
    if (params != nullptr && params->kind != YamlNode::Kind::null && !params->is_map()) {
      inside.expected(*params, "a mapping of parameters");
      return false;
    }
    bool good = true;
    std::vector<std::string_view> known;
    for (const ParamInfo& param : info->params) known.push_back(param.name);
    if (params != nullptr && params->is_map()) {
      const std::size_t before = context.faults->count();
      if (known.empty() && !params->keys.empty()) {
        inside.error(*params, "expected no parameters; this policy has none");
        return false;
      }
      binding::refuse_unknown_keys(*params, inside, known);
      good = context.faults->count() == before;
    }
    for (const ParamInfo& param : info->params) {
      const YamlNode* value = params != nullptr ? params->find(param.name) : nullptr;
      YamlNode standard;
      if (value == nullptr) {
        if (param.default_text.empty()) {
          binding::missing_key(params != nullptr && params->is_map() ? *params : *name, inside,
                               param.name, param_kind(param).expected());
          good = false;
          continue;
        }
        standard = YamlNode::make_text(param.default_text);
        value = &standard;
      }
      good &= read_param(param, *value, inside.key(param.name), out);
    }
    return good;
  }

  YamlNode write(const PolicySpec& value) const override {
    const PolicyInfo* info = find_policy(question_, value.name);
    if (info == nullptr || info->params.empty()) return YamlNode::make_text(value.name);
    YamlNode params = YamlNode::make_map();
    for (const ParamInfo& param : info->params) {
      if (const auto number = value.numbers.find(param.name); number != value.numbers.end()) {
        params.set(param.name, param_kind(param).write(number->second));
      }
      if (const auto text = value.texts.find(param.name); text != value.texts.end()) {
        params.set(param.name, YamlNode::make_text(text->second));
      }
    }
    YamlNode node = YamlNode::make_map();
    node.set(value.name, std::move(params));
    return node;
  }

  YamlNode schema() const override {
    YamlNode choices = YamlNode::make_list();
    YamlNode objects = YamlNode::make_list();
    for (const PolicyInfo& info : list_policies()) {
      if (info.question != question_) continue;
      const bool needs_params =
          std::any_of(info.params.begin(), info.params.end(),
                      [](const ParamInfo& p) { return p.default_text.empty(); });
      if (!needs_params) choices.values.push_back(YamlNode::make_text(info.name));
      YamlNode properties = YamlNode::make_map();
      YamlNode required = YamlNode::make_list();
      for (const ParamInfo& param : info.params) {
        YamlNode property = YamlNode::make_map();
        property.set("description", YamlNode::make_text(param.summary));
        const YamlNode type = param.kind == ParamKind::text ? text_param(param)->schema()
                                                            : param_kind(param).schema();
        for (std::size_t i = 0; i < type.keys.size(); ++i) {
          property.set(type.keys[i].text, type.values[i]);
        }
        if (param.default_text.empty()) {
          required.values.push_back(YamlNode::make_text(param.name));
        } else {
          const bool number = read_number(param.default_text).has_value();
          property.set("default", number ? YamlNode::make_literal(param.default_text)
                                         : YamlNode::make_text(param.default_text));
        }
        properties.set(param.name, std::move(property));
      }
      YamlNode params = YamlNode::make_map();
      params.set("type", YamlNode::make_list({YamlNode::make_text("object")}));
      if (!needs_params) params.find("type")->values.push_back(YamlNode::make_text("null"));
      params.set("properties", std::move(properties));
      if (!required.values.empty()) params.set("required", std::move(required));
      params.set("additionalProperties", YamlNode::make_literal("false"));
      YamlNode by_name = YamlNode::make_map();
      by_name.set(info.name, std::move(params));
      YamlNode object = binding::type_schema("object");
      object.set("description", YamlNode::make_text(info.summary));
      object.set("properties", std::move(by_name));
      object.set("required", YamlNode::make_list({YamlNode::make_text(info.name)}));
      object.set("additionalProperties", YamlNode::make_literal("false"));
      objects.values.push_back(std::move(object));
    }
    YamlNode name = YamlNode::make_map();
    name.set("enum", std::move(choices));
    std::vector<YamlNode> any;
    any.push_back(std::move(name));
    for (YamlNode& object : objects.values) any.push_back(std::move(object));
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list(std::move(any)));
    return either;
  }

  std::string expected() const override {
    return fmt::format("one of {}", fmt::join(names(), ", "));
  }

 private:
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const PolicyInfo& info : list_policies()) {
      if (info.question == question_) out.push_back(info.name);
    }
    return out;
  }

  static KindPtr<std::string> text_param(const ParamInfo& param) {
    return param.choices.empty() ? text_kind() : choice_kind(param.choices);
  }

  /// Numbers are kept as double whatever they measure; integers are checked to be whole.
  class ParamNumber {
   public:
    explicit ParamNumber(const ParamInfo& param) : integer_(param.kind == ParamKind::integer) {
      Bounds bounds;
      if (param.min > -1e299) bounds.min = param.min;
      if (param.max < 1e299) bounds.max = param.max;
      switch (param.kind) {
        case ParamKind::seconds:
          number_ = quantity_kind(Dimension::duration, bounds);
          break;
        case ParamKind::watts:
          number_ = quantity_kind(Dimension::power, bounds);
          break;
        case ParamKind::fraction:
          number_ = quantity_kind(Dimension::fraction, bounds);
          break;
        case ParamKind::time_of_day:
          number_ = std::make_shared<TimeOfDayKind>();
          break;
        default:
          number_ = number_kind(bounds);
      }
      if (integer_) {
        const auto edge = [](double v, std::int64_t other) {
          return std::abs(v) < 9e15 ? static_cast<std::int64_t>(v) : other;
        };
        whole_ =
            integer_kind(edge(param.min, -1'000'000'000'000), edge(param.max, 1'000'000'000'000));
      }
    }
    bool read(const YamlNode& node, const ReadContext& context, double& out) const {
      if (!integer_) return number_->read(node, context, out);
      std::int64_t value = 0;
      if (!whole_->read(node, context, value)) return false;
      out = static_cast<double>(value);
      return true;
    }
    [[nodiscard]] YamlNode write(double value) const {
      return integer_ ? whole_->write(static_cast<std::int64_t>(value)) : number_->write(value);
    }
    [[nodiscard]] YamlNode schema() const {
      return integer_ ? whole_->schema() : number_->schema();
    }
    [[nodiscard]] std::string expected() const {
      return integer_ ? whole_->expected() : number_->expected();
    }

   private:
    bool integer_;
    KindPtr<double> number_;
    KindPtr<std::int64_t> whole_;
  };
  static ParamNumber param_kind(const ParamInfo& param) { return ParamNumber(param); }

  static bool read_param(const ParamInfo& param, const YamlNode& node, const ReadContext& context,
                         PolicySpec& out) {
    if (param.kind == ParamKind::text) {
      return text_param(param)->read(node, context, out.texts[param.name]);
    }
    return param_kind(param).read(node, context, out.numbers[param.name]);
  }

  Question question_;
};

}  // namespace

KindPtr<double> time_of_day_kind() { return std::make_shared<TimeOfDayKind>(); }

KindPtr<PolicySpec> policy_kind(Question question) {
  return std::make_shared<PolicyKind>(question);
}

KindPtr<PoliciesSpec> policies_kind() {
  return make_kind(Object<PoliciesSpec>()
                       .defaulted("timing", &PoliciesSpec::timing, policy_kind(Question::timing),
                                  "When a job may start.")
                       .defaulted("site", &PoliciesSpec::site, policy_kind(Question::site),
                                  "Which site and partition a job goes to.")
                       .defaulted("order", &PoliciesSpec::order, policy_kind(Question::order),
                                  "Who is next in a queue.")
                       .defaulted("backfill", &PoliciesSpec::backfill,
                                  policy_kind(Question::backfill), "Who may overtake.")
                       .defaulted("placement", &PoliciesSpec::placement,
                                  policy_kind(Question::placement), "Which GPUs a job gets.")
                       .defaulted("cap", &PoliciesSpec::cap, policy_kind(Question::cap),
                                  "How many watts a GPU may draw.")
                       .defaulted("nodes", &PoliciesSpec::nodes, policy_kind(Question::nodes),
                                  "Which nodes sleep.")
                       .defaulted("pause", &PoliciesSpec::pause, policy_kind(Question::pause),
                                  "Who is suspended."));
}

}  // namespace nightwatt
