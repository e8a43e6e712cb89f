#include "scenarios/binding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "traces/datetime.hpp"

namespace nightwatt {
namespace {

YamlNode string_schema(std::string_view pattern = {}) {
  YamlNode node = binding::type_schema("string");
  if (!pattern.empty()) node.set("pattern", YamlNode::make_text(pattern));
  return node;
}

/// Reads a scalar as text; a fault says what was expected.
bool read_text(const YamlNode& node, const ReadContext& context, const std::string& expected,
               std::string& out) {
  if (!node.is_scalar()) {
    context.expected(node, expected);
    return false;
  }
  out = node.text;
  return true;
}

/// Any text of one line that passes a test.
class TextKind final : public Kind<std::string> {
 public:
  using Test = std::function<std::string(const std::string&)>;  ///< a hint, "" = good
  TextKind(std::string expected, std::string pattern, std::function<bool(const std::string&)> test,
           std::function<std::string(const std::string&)> hint = {})
      : expected_(std::move(expected)),
        pattern_(std::move(pattern)),
        test_(std::move(test)),
        hint_(std::move(hint)) {}
  bool read(const YamlNode& node, const ReadContext& context, std::string& out) const override {
    if (!read_text(node, context, expected_, out)) return false;
    if (test_(out)) return true;
    context.expected(node, expected_, hint_ ? hint_(out) : std::string());
    return false;
  }
  YamlNode write(const std::string& value) const override { return YamlNode::make_text(value); }
  YamlNode schema() const override { return string_schema(pattern_); }
  std::string expected() const override { return expected_; }

 private:
  std::string expected_, pattern_;
  std::function<bool(const std::string&)> test_;
  std::function<std::string(const std::string&)> hint_;
};

bool one_line(const std::string& text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

class ChoiceKind final : public Kind<std::string> {
 public:
  explicit ChoiceKind(std::vector<std::string> choices) : choices_(std::move(choices)) {}
  bool read(const YamlNode& node, const ReadContext& context, std::string& out) const override {
    if (!read_text(node, context, expected(), out)) return false;
    if (std::find(choices_.begin(), choices_.end(), out) != choices_.end()) return true;
    const std::vector<std::string_view> known(choices_.begin(), choices_.end());
    const std::string_view near = nearest(out, known);
    context.expected(node, expected(),
                     near.empty() ? std::string() : fmt::format("did you mean '{}'?", near));
    return false;
  }
  YamlNode write(const std::string& value) const override { return YamlNode::make_text(value); }
  YamlNode schema() const override {
    YamlNode node = string_schema();
    YamlNode list = YamlNode::make_list();
    for (const std::string& c : choices_) list.values.push_back(YamlNode::make_text(c));
    node.set("enum", std::move(list));
    return node;
  }
  std::string expected() const override {
    return choices_.size() == 1 ? "'" + choices_.front() + "'"
                                : fmt::format("one of {}", fmt::join(choices_, ", "));
  }

 private:
  std::vector<std::string> choices_;
};

class BooleanKind final : public Kind<bool> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, bool& out) const override {
    if (node.is_scalar() && (node.text == "true" || node.text == "false")) {
      out = node.text == "true";
      return true;
    }
    context.expected(node, expected());
    return false;
  }
  YamlNode write(const bool& value) const override {
    return YamlNode::make_literal(value ? "true" : "false");
  }
  YamlNode schema() const override { return binding::type_schema("boolean"); }
  std::string expected() const override { return "true or false"; }
};

void schema_bounds(YamlNode& node, const Bounds& bounds) {
  if (std::isfinite(bounds.min)) {
    node.set(bounds.above_min ? "exclusiveMinimum" : "minimum",
             YamlNode::make_literal(format_number(bounds.min)));
  }
  if (std::isfinite(bounds.max)) {
    node.set("maximum", YamlNode::make_literal(format_number(bounds.max)));
  }
}

template <class I>
class IntegerKind final : public Kind<I> {
 public:
  IntegerKind(std::int64_t min, std::int64_t max) : min_(min), max_(max) {}
  bool read(const YamlNode& node, const ReadContext& context, I& out) const override {
    if (node.is_scalar()) {
      const auto value = read_integer(node.text);
      if (value && *value >= min_ && *value <= max_) {
        out = static_cast<I>(*value);
        return true;
      }
      const bool padded = node.text.size() > 1 && node.text.front() == '0' &&
                          node.text.find_first_not_of("0123456789") == std::string::npos;
      context.expected(node, expected(), padded ? "no leading zeros" : "");
      return false;
    }
    context.expected(node, expected());
    return false;
  }
  YamlNode write(const I& value) const override {
    return YamlNode::make_literal(std::to_string(value));
  }
  YamlNode schema() const override {
    YamlNode node = binding::type_schema("integer");
    node.set("minimum", YamlNode::make_literal(std::to_string(min_)));
    node.set("maximum", YamlNode::make_literal(std::to_string(max_)));
    return node;
  }
  std::string expected() const override {
    return max_ >= 1'000'000'000 ? fmt::format("a whole number of at least {}", min_)
                                 : fmt::format("a whole number between {} and {}", min_, max_);
  }

 private:
  std::int64_t min_, max_;
};

/// A plain number, or one with a unit.
class NumberKind final : public Kind<double> {
 public:
  NumberKind(std::optional<Dimension> dimension, Bounds bounds)
      : dimension_(dimension), bounds_(bounds) {}
  bool read(const YamlNode& node, const ReadContext& context, double& out) const override {
    std::string hint;
    if (node.is_scalar()) {
      std::optional<double> value;
      if (dimension_) {
        QuantityText parsed = parse_quantity(*dimension_, node.text);
        value = parsed.value;
        hint = std::move(parsed.hint);
      } else {
        value = read_number(node.text);
      }
      if (value && bounds_.holds(*value)) {
        out = *value;
        return true;
      }
      if (value) {
        context.expected(node, in_bounds());
        return false;
      }
    }
    context.expected(node, expected(), hint);
    return false;
  }
  YamlNode write(const double& value) const override {
    if (!dimension_ || *dimension_ == Dimension::fraction) {
      return YamlNode::make_literal(format_number(value));
    }
    return YamlNode::make_text(format_quantity(*dimension_, value));
  }
  YamlNode schema() const override {
    if (dimension_ && *dimension_ != Dimension::fraction) {
      return string_schema(quantity_pattern(*dimension_));
    }
    YamlNode number = binding::type_schema("number");
    schema_bounds(number, bounds_);
    if (!dimension_) return number;
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list(
                            {std::move(number), string_schema(quantity_pattern(*dimension_))}));
    return either;
  }
  std::string expected() const override {
    return dimension_ ? expected_quantity(*dimension_) : in_bounds();
  }

 private:
  [[nodiscard]] std::string in_bounds() const {
    const auto format = [this](double v) {
      return dimension_ ? format_quantity(*dimension_, v) : format_number(v);
    };
    return std::string(dimension_ ? dimension_name(*dimension_) : "a number") +
           bounds_.text(format);
  }
  std::optional<Dimension> dimension_;
  Bounds bounds_;
};

/// A quantity whose type carries its dimension.
template <class Q>
class TypedQuantityKind final : public Kind<Q> {
 public:
  TypedQuantityKind(Dimension dimension, Bounds bounds) : number_(dimension, bounds) {}
  bool read(const YamlNode& node, const ReadContext& context, Q& out) const override {
    double value = 0.0;
    if (!number_.read(node, context, value)) return false;
    out = Q::from_base(value);
    return true;
  }
  YamlNode write(const Q& value) const override { return number_.write(value.in_base()); }
  YamlNode schema() const override { return number_.schema(); }
  std::string expected() const override { return number_.expected(); }

 private:
  NumberKind number_;
};

class InstantKind final : public Kind<Instant> {
 public:
  bool read(const YamlNode& node, const ReadContext& context, Instant& out) const override {
    std::string hint;
    if (node.is_scalar()) {
      const InstantText parsed = parse_instant(node.text);
      if (parsed.value) {
        // A simulation counts nanoseconds in 64 bits; dates far outside are slips of the pen.
        if (parsed.value->unix_s >= parse_day("1900-01-01").value() * 86400 &&
            parsed.value->unix_s < parse_day("2200-01-01").value() * 86400) {
          out = *parsed.value;
          return true;
        }
        hint = "years 1900 to 2199";
      } else {
        hint = parsed.hint;
      }
    }
    context.expected(node, expected(), hint);
    return false;
  }
  YamlNode write(const Instant& value) const override {
    return YamlNode::make_text(format_instant(value));
  }
  YamlNode schema() const override { return string_schema(instant_pattern()); }
  std::string expected() const override {
    return "a date and time with its offset such as '2022-10-03T00:00:00Z'";
  }
};

std::string in_place(const ReadContext& context) {
  return context.path.empty() ? std::string() : " in " + context.path;
}

}  // namespace

std::string Bounds::text(const std::function<std::string(double)>& format) const {
  const bool low = std::isfinite(min), high = std::isfinite(max);
  if (low && above_min) {
    return high ? fmt::format(" above {} and at most {}", format(min), format(max))
                : fmt::format(" above {}", format(min));
  }
  if (low && high) return fmt::format(" between {} and {}", format(min), format(max));
  if (low) return fmt::format(" of at least {}", format(min));
  if (high) return fmt::format(" of at most {}", format(max));
  return {};
}

KindPtr<std::string> text_kind(std::string what) {
  return std::make_shared<TextKind>(std::move(what), "^[^\\u0000-\\u001f]+$", one_line);
}

KindPtr<std::string> name_kind() {
  const auto test = [](const std::string& text) {
    const auto good = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !text.empty() && text.size() <= 64 && good(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return good(c) || c == '-' || c == '.'; });
  };
  return std::make_shared<TextKind>("a name of letters, digits, '_', '-' and '.'",
                                    "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$", test);
}

KindPtr<std::string> path_kind() { return text_kind("the path of a file"); }

KindPtr<std::string> zone_kind() {
  const auto test = [](const std::string& name) {
    try {
      return one_line(name) && (LocalClock(name), true);
    } catch (const InputError&) {
      return false;
    }
  };
  return std::make_shared<TextKind>("a time zone such as 'America/Chicago', 'UTC' or '+08:00'", "",
                                    test, [](const std::string&) { return "no such zone"; });
}

KindPtr<std::string> currency_kind() {
  return std::make_shared<TextKind>("an ISO 4217 currency such as 'USD'", "^[A-Z]{3}$",
                                    [](const std::string& text) { return is_currency(text); });
}

KindPtr<std::string> choice_kind(std::vector<std::string> choices) {
  return std::make_shared<ChoiceKind>(std::move(choices));
}

KindPtr<bool> boolean_kind() { return std::make_shared<BooleanKind>(); }

KindPtr<std::int64_t> integer_kind(std::int64_t min, std::int64_t max) {
  return std::make_shared<IntegerKind<std::int64_t>>(min, max);
}

KindPtr<std::uint64_t> seed_kind() {
  return std::make_shared<IntegerKind<std::uint64_t>>(0, std::numeric_limits<std::int64_t>::max());
}

KindPtr<double> number_kind(Bounds bounds) {
  return std::make_shared<NumberKind>(std::nullopt, bounds);
}

KindPtr<double> quantity_kind(Dimension dimension, Bounds bounds) {
  return std::make_shared<NumberKind>(dimension, bounds);
}

KindPtr<Seconds> duration_kind(Bounds bounds) {
  return std::make_shared<TypedQuantityKind<Seconds>>(Dimension::duration, bounds);
}

KindPtr<Watts> power_kind(Bounds bounds) {
  return std::make_shared<TypedQuantityKind<Watts>>(Dimension::power, bounds);
}

KindPtr<Instant> instant_kind() { return std::make_shared<InstantKind>(); }

namespace binding {

YamlNode type_schema(std::string_view type) {
  YamlNode node = YamlNode::make_map();
  node.set("type", YamlNode::make_text(type));
  return node;
}

void refuse_unknown_keys(const YamlNode& node, const ReadContext& context,
                         const std::vector<std::string_view>& known) {
  for (const YamlNode& key : node.keys) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    std::string hint = did_you_mean(key.text, known);
    if (hint.empty()) hint = fmt::format("; known keys: {}", fmt::join(known, ", "));
    context.faults->error(
        key.where, fmt::format("unknown key {}{}{}", quote(key.text), in_place(context), hint));
  }
}

void missing_key(const YamlNode& node, const ReadContext& context, std::string_view key,
                 const std::string& expected) {
  context.faults->error(
      node.where, fmt::format("missing key '{}'{}: expected {}", key, in_place(context), expected));
}

}  // namespace binding

void ObjectFields::add(std::string_view key, std::string_view summary, bool required, bool always,
                       std::shared_ptr<const AnyKind> kind, std::unique_ptr<const Member> member) {
  fields_.push_back({std::string(key), std::string(summary), required, always, std::move(kind),
                     std::move(member)});
}

void ObjectFields::rule(std::string_view keyword, YamlNode value) {
  rules_.emplace_back(keyword, std::move(value));
}

bool ObjectFields::read(const YamlNode& node, const ReadContext& context, void* object) const {
  if (!node.is_map()) {
    context.expected(node, expected());
    return false;
  }
  const std::size_t before = context.faults->count();
  std::vector<std::string_view> known;
  for (const Field& field : fields_) known.push_back(field.key);
  binding::refuse_unknown_keys(node, context, known);
  for (const Field& field : fields_) {
    if (const YamlNode* value = node.find(field.key)) {
      field.member->read(*value, context.key(field.key), object);
    } else if (field.required) {
      binding::missing_key(node, context, field.key, field.kind->expected());
    }
  }
  return context.faults->count() == before;
}

YamlNode ObjectFields::write(const void* object, const void* initial) const {
  YamlNode node = YamlNode::make_map();
  for (const Field& field : fields_) {
    if (auto written = field.member->write(object, initial))
      node.set(field.key, std::move(*written));
  }
  return node;
}

YamlNode ObjectFields::schema(const void* initial) const {
  YamlNode node = binding::type_schema("object");
  YamlNode properties = YamlNode::make_map();
  YamlNode needed = YamlNode::make_list();
  for (const Field& field : fields_) {
    YamlNode property = YamlNode::make_map();
    property.set("description", YamlNode::make_text(field.summary));
    YamlNode type = field.kind->schema();
    for (std::size_t i = 0; i < type.keys.size(); ++i) {
      property.set(type.keys[i].text, std::move(type.values[i]));
    }
    if (field.always) {
      if (auto standard = field.member->write(initial, initial)) {
        property.set("default", std::move(*standard));
      }
    }
    properties.set(field.key, std::move(property));
    if (field.required) needed.values.push_back(YamlNode::make_text(field.key));
  }
  node.set("properties", std::move(properties));
  if (!needed.values.empty()) node.set("required", std::move(needed));
  node.set("additionalProperties", YamlNode::make_literal("false"));
  for (const auto& [keyword, value] : rules_) node.set(keyword, value);
  return node;
}

std::string ObjectFields::expected() const {
  std::string keys;
  for (const Field& field : fields_) keys += (keys.empty() ? "" : ", ") + field.key;
  return "a mapping (" + keys + ")";
}

std::string schema_document(std::string_view title, YamlNode body) {
  YamlNode schema = YamlNode::make_map();
  schema.set("$schema", YamlNode::make_text("https://json-schema.org/draft/2020-12/schema"));
  schema.set("title", YamlNode::make_text(title));
  for (std::size_t i = 0; i < body.keys.size(); ++i) {
    schema.set(body.keys[i].text, std::move(body.values[i]));
  }
  return write_json(schema);
}

void set_value(YamlNode& root, std::string_view path, YamlNode value, const Position& where) {
  const auto place = [&](std::size_t at) {
    return Position{where.file, where.line, where.column + at};
  };
  const auto fail = [&](std::size_t at, const std::string& message) {
    throw InputError(Diagnostic{place(at), fmt::format("{}: {}", path, message)});
  };
  YamlNode* at = &root;
  std::size_t pos = 0;
  while (pos < path.size()) {
    if (path[pos] == '[') {
      const std::size_t close = path.find(']', pos);
      const auto index = close == std::string_view::npos
                             ? std::nullopt
                             : read_integer(path.substr(pos + 1, close - pos - 1));
      if (!index || *index < 0) fail(pos, "expected an index such as [0]");
      const std::string so_far(path.substr(0, pos));
      if (!at->is_list()) fail(pos, fmt::format("{} is not a list", so_far));
      if (static_cast<std::size_t>(*index) >= at->values.size()) {
        fail(pos, fmt::format("{} has {} entries, counted from 0", so_far, at->values.size()));
      }
      at = &at->values[static_cast<std::size_t>(*index)];
      pos = close + 1;
    } else {
      if (path[pos] == '.') ++pos;
      const std::size_t end = std::min(path.find_first_of(".[", pos), path.size());
      const std::string_view key = path.substr(pos, end - pos);
      if (key.empty()) fail(pos, "expected a key");
      if (at->is_list()) {
        const std::string_view list = path.substr(0, pos - 1);
        fail(pos, fmt::format("{} is a list; choose an entry as in {}[0]", list, list));
      }
      // "policies.backfill.conservative.depth" goes through what was a plain name.
      if (!at->is_map()) {
        const Position before = at->where;
        *at = YamlNode::make_map();
        at->where = before;
      }
      YamlNode* next = at->find(key);
      if (next == nullptr) {
        YamlNode made;
        made.where = place(pos);
        next = &at->set(key, std::move(made));
      }
      at = next;
      pos = end;
    }
  }
  *at = std::move(value);
}

void set_path(YamlNode& root, std::string_view argument) {
  const std::string file = "--set";
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw InputError(
        Diagnostic{{file, 1, 1}, fmt::format("expected path=value, got {}", quote(argument))});
  }
  const std::string_view path = argument.substr(0, equals);

  YamlNode value;
  try {
    value = parse_yaml(argument.substr(equals + 1), file);
  } catch (const InputError& e) {
    std::vector<Diagnostic> faults = e.faults();
    for (Diagnostic& fault : faults) {
      if (fault.where.line <= 1) fault.where.column += equals + 1;
      fault.where.line = 1;
      fault.message = fmt::format("{}: {}", path, fault.message);
    }
    throw InputError(std::move(faults));
  }
  // Every value inside keeps its place within the argument.
  const std::function<void(YamlNode&)> move_right = [&](YamlNode& node) {
    if (node.where.line <= 1) {
      node.where = {file, 1, std::max<std::uint64_t>(node.where.column, 1) + equals + 1};
    }
    for (YamlNode& key : node.keys) move_right(key);
    for (YamlNode& child : node.values) move_right(child);
  };
  move_right(value);
  set_value(root, path, std::move(value), {file, 1, 1});
}

}  // namespace nightwatt
