#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "scenarios/units.hpp"
#include "scenarios/yaml_tree.hpp"
#include "traces/diagnostics.hpp"

/// One list of fields for each struct: the parser, the canonical writer, the JSON Schema and the
/// reference in docs/scenario.md are all made from it.
namespace nightwatt {

/// Where reading stands: the path for messages and where faults go.
struct ReadContext {
  std::string path;  ///< "sites[0].partitions[1]"; "" at the top
  Diagnostics* faults = nullptr;

  [[nodiscard]] ReadContext key(std::string_view name) const {
    return {path.empty() ? std::string(name) : path + "." + std::string(name), faults};
  }
  [[nodiscard]] ReadContext index(std::size_t i) const {
    return {path + "[" + std::to_string(i) + "]", faults};
  }
  /// "path: message" at the node's place.
  void error(const YamlNode& node, const std::string& message) const {
    faults->error(node.where, path.empty() ? message : path + ": " + message);
  }
  /// "path: expected ..., got '...' (hint)"
  void expected(const YamlNode& node, const std::string& what, const std::string& hint = {}) const {
    error(node, "expected " + what + ", got " + node.shown() +
                    (hint.empty() ? std::string() : " (" + hint + ")"));
  }
  /// Faults that were found elsewhere on behalf of the node: those without a place get its own.
  void take_over(const YamlNode& node, const InputError& other) const {
    for (const Diagnostic& fault : other.faults()) {
      if (fault.where.file.empty()) {
        error(node, fault.message);
      } else {
        faults->error(fault.where, fault.message);
      }
    }
  }
};

/// How values are described.
class AnyKind {
 public:
  virtual ~AnyKind() = default;
  /// JSON Schema of the value.
  [[nodiscard]] virtual YamlNode schema() const = 0;
  /// "a power such as '350 W'", for messages.
  [[nodiscard]] virtual std::string expected() const = 0;
};

/// How values of T are read from a scenario and written to it.
template <class T>
class Kind : public AnyKind {
 public:
  /// @return false if a fault was reported; `out` is then not to be used.
  virtual bool read(const YamlNode& node, const ReadContext& context, T& out) const = 0;
  [[nodiscard]] virtual YamlNode write(const T& value) const = 0;
};
template <class T>
using KindPtr = std::shared_ptr<const Kind<T>>;

struct Bounds {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  ///< min itself is not allowed
  /// " of at least 0 W", " between 0 and 1", "".
  [[nodiscard]] std::string text(const std::function<std::string(double)>& format) const;
  [[nodiscard]] bool holds(double value) const {
    return value >= min && value <= max && !(above_min && value == min);
  }
};
inline constexpr Bounds not_negative{.min = 0.0};
inline constexpr Bounds positive{.min = 0.0, .above_min = true};

// ---- Kinds of single values.

/// Free text of one line, at least one character.
KindPtr<std::string> text_kind(std::string what = "a text");
/// Text that matches a pattern of its own: letters, digits, '_', '-', '.', not first '-' or '.'.
KindPtr<std::string> name_kind();
KindPtr<std::string> path_kind();
KindPtr<std::string> zone_kind();      ///< IANA time zone
KindPtr<std::string> currency_kind();  ///< ISO 4217
KindPtr<std::string> choice_kind(std::vector<std::string> choices);
KindPtr<bool> boolean_kind();
KindPtr<std::int64_t> integer_kind(std::int64_t min, std::int64_t max = 1'000'000'000);
KindPtr<std::uint64_t> seed_kind();
KindPtr<double> number_kind(Bounds bounds = {});
/// A number with a unit, kept in the dimension's canonical unit.
KindPtr<double> quantity_kind(Dimension dimension, Bounds bounds = {});
KindPtr<Seconds> duration_kind(Bounds bounds = not_negative);
KindPtr<Watts> power_kind(Bounds bounds = not_negative);
KindPtr<Instant> instant_kind();

namespace binding {
YamlNode type_schema(std::string_view type);
void refuse_unknown_keys(const YamlNode& node, const ReadContext& context,
                         const std::vector<std::string_view>& known);
void missing_key(const YamlNode& node, const ReadContext& context, std::string_view key,
                 const std::string& expected);
}  // namespace binding

/// An enum by the names of its values.
template <class E>
class EnumKind final : public Kind<E> {
 public:
  explicit EnumKind(std::vector<std::pair<std::string, E>> names) : names_(std::move(names)) {
    std::vector<std::string> choices;
    for (const auto& [name, value] : names_) choices.push_back(name);
    text_ = choice_kind(std::move(choices));
  }
  bool read(const YamlNode& node, const ReadContext& context, E& out) const override {
    std::string text;
    if (!text_->read(node, context, text)) return false;
    for (const auto& [name, value] : names_) {
      if (name == text) out = value;
    }
    return true;
  }
  YamlNode write(const E& value) const override {
    for (const auto& [name, v] : names_) {
      if (v == value) return YamlNode::make_text(name);
    }
    return {};
  }
  YamlNode schema() const override { return text_->schema(); }
  std::string expected() const override { return text_->expected(); }

 private:
  std::vector<std::pair<std::string, E>> names_;
  KindPtr<std::string> text_;
};
template <class E>
KindPtr<E> enum_kind(std::vector<std::pair<std::string, E>> names) {
  return std::make_shared<EnumKind<E>>(std::move(names));
}

/// A list; one value may stand without brackets if `bare` is set.
template <class T>
class ListKind final : public Kind<std::vector<T>> {
 public:
  ListKind(KindPtr<T> item, std::size_t least, bool bare)
      : item_(std::move(item)), least_(least), bare_(bare) {}
  bool read(const YamlNode& node, const ReadContext& context, std::vector<T>& out) const override {
    out.clear();
    if (bare_ && node.is_scalar()) {
      T value{};
      if (!item_->read(node, context, value)) return false;
      out.push_back(std::move(value));
      return true;
    }
    if (!node.is_list()) {
      context.expected(node, expected());
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.values.size(); ++i) {
      T value{};
      good &= item_->read(node.values[i], context.index(i), value);
      out.push_back(std::move(value));
    }
    if (node.values.size() < least_) {
      context.error(node, "expected at least one entry, got an empty list");
      return false;
    }
    return good;
  }
  YamlNode write(const std::vector<T>& value) const override {
    YamlNode node = YamlNode::make_list();
    for (const T& item : value) node.values.push_back(item_->write(item));
    return node;
  }
  YamlNode schema() const override {
    YamlNode list = binding::type_schema("array");
    list.set("items", item_->schema());
    if (least_ > 0) list.set("minItems", YamlNode::make_literal(std::to_string(least_)));
    if (!bare_) return list;
    YamlNode either = YamlNode::make_map();
    either.set("anyOf", YamlNode::make_list({item_->schema(), std::move(list)}));
    return either;
  }
  std::string expected() const override {
    return bare_ ? item_->expected() + " or a list" : "a list";
  }

 private:
  KindPtr<T> item_;
  std::size_t least_;
  bool bare_;
};
template <class T>
KindPtr<std::vector<T>> list_of(KindPtr<T> item, std::size_t least = 0, bool bare = false) {
  return std::make_shared<ListKind<T>>(std::move(item), least, bare);
}

/// A mapping with keys that the user chooses.
template <class T>
class MapKind final : public Kind<std::map<std::string, T>> {
 public:
  explicit MapKind(KindPtr<T> item) : item_(std::move(item)) {}
  bool read(const YamlNode& node, const ReadContext& context,
            std::map<std::string, T>& out) const override {
    out.clear();
    if (!node.is_map()) {
      context.expected(node, expected());
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      good &= item_->read(node.values[i], context.key(node.keys[i].text), out[node.keys[i].text]);
    }
    return good;
  }
  YamlNode write(const std::map<std::string, T>& value) const override {
    YamlNode node = YamlNode::make_map();
    for (const auto& [key, item] : value) node.set(key, item_->write(item));
    return node;
  }
  YamlNode schema() const override {
    YamlNode map = binding::type_schema("object");
    map.set("additionalProperties", item_->schema());
    return map;
  }
  std::string expected() const override { return "a mapping"; }

 private:
  KindPtr<T> item_;
};
template <class T>
KindPtr<std::map<std::string, T>> map_of(KindPtr<T> item) {
  return std::make_shared<MapKind<T>>(std::move(item));
}

/// The parts of Object<T> that do not depend on T: compiled once, not for each struct.
class ObjectFields {
 public:
  /// Where a field stands in its struct. Pointers are to structs; `initial` is one as it is without
  /// a file.
  class Member {
   public:
    virtual ~Member() = default;
    virtual void read(const YamlNode& node, const ReadContext& context, void* object) const = 0;
    /// nullopt: it is left out.
    [[nodiscard]] virtual std::optional<YamlNode> write(const void* object,
                                                        const void* initial) const = 0;
  };

  void add(std::string_view key, std::string_view summary, bool required, bool always,
           std::shared_ptr<const AnyKind> kind, std::unique_ptr<const Member> member);
  void rule(std::string_view keyword, YamlNode value);
  /// @return false if a fault was reported
  bool read(const YamlNode& node, const ReadContext& context, void* object) const;
  [[nodiscard]] YamlNode write(const void* object, const void* initial) const;
  [[nodiscard]] YamlNode schema(const void* initial) const;
  [[nodiscard]] std::string expected() const;

 private:
  struct Field {
    std::string key, summary;
    bool required, always;
    std::shared_ptr<const AnyKind> kind;
    std::shared_ptr<const Member> member;  ///< shared by copies
  };
  std::vector<Field> fields_;
  std::vector<std::pair<std::string, YamlNode>> rules_;
};

/// A struct with named fields, in the order in which they are listed.
template <class T>
class Object final : public Kind<T> {
 public:
  using Check = std::function<void(const T& value, const YamlNode& node, const ReadContext&)>;

  /// A key that must be there.
  template <class M>
  Object& required(std::string_view key, M T::*member, const KindPtr<M>& kind,
                   std::string_view summary) {
    return add(key, member, kind, summary, true, false);
  }
  /// A key that is filled in with what T's own initializer says, and always written.
  template <class M>
  Object& defaulted(std::string_view key, M T::*member, const KindPtr<M>& kind,
                    std::string_view summary) {
    return add(key, member, kind, summary, false, true);
  }
  /// A key that is left out of the canonical text while it has its initial (empty) value.
  template <class M>
  Object& sparse(std::string_view key, M T::*member, const KindPtr<M>& kind,
                 std::string_view summary) {
    return add(key, member, kind, summary, false, false);
  }
  template <class M>
  Object& sparse(std::string_view key, std::optional<M> T::*member, const KindPtr<M>& kind,
                 std::string_view summary) {
    return add(key, member, kind, summary, false, false);
  }
  /// A rule over several fields, asked after all of them could be read.
  Object& check(Check check) {
    checks_.push_back(std::move(check));
    return *this;
  }
  /// A schema keyword that says the same as a check ("oneOf": ...).
  Object& rule(std::string_view keyword, YamlNode value) {
    fields_.rule(keyword, std::move(value));
    return *this;
  }

  bool read(const YamlNode& node, const ReadContext& context, T& out) const override {
    out = T{};
    const std::size_t before = context.faults->count();
    if (!fields_.read(node, context, &out)) return false;
    for (const Check& check : checks_) check(out, node, context);
    return context.faults->count() == before;
  }
  YamlNode write(const T& value) const override { return fields_.write(&value, &initial()); }
  YamlNode schema() const override { return fields_.schema(&initial()); }
  std::string expected() const override { return fields_.expected(); }

 private:
  /// `Value` is M or an optional of it.
  template <class M, class Value>
  class MemberOf final : public ObjectFields::Member {
   public:
    MemberOf(Value T::*member, const Kind<M>& kind, bool skip_initial)
        : member_(member), kind_(kind), skip_initial_(skip_initial) {}
    void read(const YamlNode& node, const ReadContext& context, void* object) const override {
      M value{};
      if (kind_.read(node, context, value)) static_cast<T*>(object)->*member_ = std::move(value);
    }
    [[nodiscard]] std::optional<YamlNode> write(const void* object,
                                                const void* initial) const override {
      const Value& value = static_cast<const T*>(object)->*member_;
      if constexpr (std::is_same_v<Value, M>) {
        if (skip_initial_ && value == static_cast<const T*>(initial)->*member_) return std::nullopt;
        return kind_.write(value);
      } else {
        if (!value) return std::nullopt;
        return kind_.write(*value);
      }
    }

   private:
    Value T::*member_;
    const Kind<M>& kind_;  ///< the field keeps it
    bool skip_initial_;
  };

  static const T& initial() {
    static const T object{};
    return object;
  }

  template <class M, class Value>
  Object& add(std::string_view key, Value T::*member, const KindPtr<M>& kind,
              std::string_view summary, bool required, bool always) {
    fields_.add(key, summary, required, always, kind,
                std::make_unique<MemberOf<M, Value>>(member, *kind, !required && !always));
    return *this;
  }

  ObjectFields fields_;
  std::vector<Check> checks_;
};

template <class T>
KindPtr<T> make_kind(Object<T> object) {
  return std::make_shared<Object<T>>(std::move(object));
}

/// JSON Schema (draft 2020-12) of a whole file.
std::string schema_document(std::string_view title, YamlNode body);

/// Sets `path` ("sites[0].partitions[0].nodes") of a tree to a value; mappings that are missing on
/// the way are made.
/// @param where  the path's first character, for messages
/// @throws InputError if the tree has no such place
void set_value(YamlNode& root, std::string_view path, YamlNode value, const Position& where);
/// The same of the text "path=value" of --set. @throws InputError at "--set:1:COLUMN"
void set_path(YamlNode& root, std::string_view argument);

}  // namespace nightwatt
