#include "scenarios/model_catalog.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "energy/operators.hpp"
#include "scenarios/binding.hpp"
#include "scenarios/catalog.hpp"
#include "traces/diagnostics.hpp"
#include "traces/input.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// ---- Layers. An entry of a file gives its own fields and how often and over what it runs.

struct Common {
  double repeat = 1;
  Rows rows = Rows::sequence;
  double tokens = 0;
};
template <class L>
struct Entry : Common, L {};

/// A residual block of a convolutional network, by its channels; becomes ConvLayers.
struct ConvBlock {
  double in = 0, mid = 0, out = 0;  ///< channels of the input, inside, of the result
  double size = 0;                  ///< positions a side of the result
  double stride = 1, kernel = 3, groups = 1;
  double expand = 1;   ///< channels inside of an inverted block / those of its input
  double squeeze = 0;  ///< channels of squeeze-and-excitation inside; 0 = none
};
struct Bottleneck : ConvBlock {};  ///< 1x1 down, kernel (strided), 1x1 up, shortcut (ResNet)
struct Basic : ConvBlock {};       ///< two kernels, shortcut (ResNet-18)
struct Inverted : ConvBlock {};    ///< 1x1 up, depth-wise, 1x1 down (MobileNet, EfficientNet)
struct Shuffle : ConvBlock {};     ///< ShuffleNet v2 unit: half of the channels pass

/// The kind of a member of a base, for fields of an entry.
template <class E, class B, class M>
M E::*in(M B::*member) {
  return static_cast<M E::*>(member);
}

using NumberKind = KindPtr<double>;
NumberKind size_kind() { return number_kind(positive); }

template <class E>
void add_common(Object<E>& o) {
  o.sparse("repeat", in<E>(&Common::repeat), size_kind(), "Equal layers, one after another.")
      .sparse("rows", in<E>(&Common::rows),
              enum_kind<Rows>({{"sequence", Rows::sequence},
                               {"sample", Rows::sample},
                               {"fixed", Rows::fixed},
                               {"last", Rows::last}}),
              "What the layer is counted over.")
      .sparse("tokens", in<E>(&Common::tokens), size_kind(), "Of a sample, with rows: fixed.")
      .check([](const E& e, const YamlNode& node, const ReadContext& context) {
        if ((e.rows == Rows::fixed) != (e.tokens > 0)) {
          context.error(node, "expected tokens where rows is fixed, and nowhere else");
        }
      });
}

using TransformerEntry = Entry<TransformerLayer>;
const Object<TransformerEntry>& transformer_object() {
  using E = TransformerEntry;
  using L = TransformerLayer;
  static const Object<E> object = [] {
    Object<E> o;
    o.required("hidden", in<E>(&L::hidden), size_kind(), "Width of the residual stream.")
        .sparse("heads", in<E>(&L::heads), size_kind(), "Of attention; none without it.")
        .sparse("kv_heads", in<E>(&L::kv_heads), size_kind(), "Of keys and values; default heads.")
        .sparse("head_dim", in<E>(&L::head_dim), size_kind(), "Default hidden / heads.")
        .sparse("latent", in<E>(&L::latent), size_kind(), "Numbers kept of a token instead.")
        .sparse("causal", in<E>(&L::causal), boolean_kind(), "A token sees those before it.")
        .sparse("window", in<E>(&L::window), size_kind(), "Tokens that a query sees.")
        .sparse("cross_tokens", in<E>(&L::cross_tokens), size_kind(), "Of another sequence.")
        .sparse("cross_width", in<E>(&L::cross_width), size_kind(), "Their width.")
        .sparse("scores", in<E>(&L::scores),
                enum_kind<ScorePasses>({{"plain", ScorePasses::plain},
                                        {"scale-mask", ScorePasses::scale_mask},
                                        {"scale-where", ScorePasses::scale_where},
                                        {"mask-clamp", ScorePasses::mask_clamp}}),
                "Passes over the scores where attention is not fused.")
        .sparse("fused_qkv", in<E>(&L::fused_qkv), boolean_kind(), "One product for all three.")
        .sparse("modulated", in<E>(&L::modulated), boolean_kind(),
                "Scaled, shifted, gated (adaLN).")
        .sparse("qk_norm", in<E>(&L::qk_norm), boolean_kind(), "Queries and keys are normalised.")
        .sparse("rotary", in<E>(&L::rotary), boolean_kind(), "Queries and keys are rotated.")
        .sparse("width", in<E>(&L::width), size_kind(), "Of the feed-forward, or of an expert.")
        .sparse("gated", in<E>(&L::gated), boolean_kind(), "Three matrices instead of two.")
        .sparse("activation", in<E>(&L::activation),
                enum_kind<Activation>({{"relu", Activation::relu},
                                       {"gelu", Activation::gelu},
                                       {"gelu-unfused", Activation::gelu_unfused},
                                       {"silu", Activation::silu}}),
                "Of the feed-forward.")
        .sparse("experts", in<E>(&L::experts), size_kind(), "Of a mixture.")
        .sparse("active_experts", in<E>(&L::active_experts), size_kind(), "Chosen for a token.")
        .sparse("shared_width", in<E>(&L::shared_width), size_kind(), "Every token's expert.")
        .sparse("shared_weights", in<E>(&L::shared_weights), size_kind(), "Layers with one set.")
        .check([](const E& e, const YamlNode& node, const ReadContext& context) {
          if (e.heads == 0 && e.width == 0 && e.experts == 0) {
            context.error(node, "expected heads, width or both");
          }
          if ((e.experts > 0) != (e.active_experts > 0) || e.active_experts > e.experts) {
            context.error(node, "expected active_experts of at most experts, and both or neither");
          }
          if (e.heads > 0 && e.kv_heads > e.heads) {
            context.error(node, "expected kv_heads of at most heads");
          }
        });
    add_common(o);
    return o;
  }();
  return object;
}

using StateSpaceEntry = Entry<StateSpaceLayer>;
const Object<StateSpaceEntry>& state_space_object() {
  using E = StateSpaceEntry;
  using L = StateSpaceLayer;
  static const Object<E> object = [] {
    Object<E> o;
    o.required("hidden", in<E>(&L::hidden), size_kind(), "Width of the residual stream.")
        .required("heads", in<E>(&L::heads), size_kind(), "Of the state.")
        .required("head_dim", in<E>(&L::head_dim), size_kind(), "Channels a head.")
        .required("state", in<E>(&L::state), size_kind(), "Numbers kept a channel.")
        .sparse("groups", in<E>(&L::groups), size_kind(), "Of input and output projections.");
    add_common(o);
    return o;
  }();
  return object;
}

using ConvEntry = Entry<ConvLayer>;
struct ConvFile : ConvEntry {
  double size = 0, kernel = 0;
};
const Object<ConvFile>& conv_object() {
  using E = ConvFile;
  using L = ConvLayer;
  static const Object<E> object = [] {
    Object<E> o;
    o.required("in", in<E>(&L::in), size_kind(), "Channels of the input.")
        .required("out", in<E>(&L::out), size_kind(), "Channels of the result.")
        .sparse("kernel", &E::kernel, size_kind(), "Positions a side.")
        .sparse("kernel_h", in<E>(&L::kernel_h), size_kind(), "Positions down.")
        .sparse("kernel_w", in<E>(&L::kernel_w), size_kind(), "Positions across.")
        .sparse("kernel_t", in<E>(&L::kernel_t), size_kind(), "Frames.")
        .sparse("size", &E::size, size_kind(), "Positions a side of the result.")
        .sparse("out_h", in<E>(&L::out_h), size_kind(), "Positions down of the result.")
        .sparse("out_w", in<E>(&L::out_w), size_kind(), "Positions across.")
        .sparse("out_t", in<E>(&L::out_t), size_kind(), "Frames of the result.")
        .sparse("stride", in<E>(&L::stride), size_kind(), "In both directions.")
        .sparse("groups", in<E>(&L::groups), size_kind(), "Channels apart.")
        .defaulted("norm", in<E>(&L::norm), boolean_kind(), "A norm follows.")
        .defaulted("active", in<E>(&L::active), boolean_kind(), "An activation follows.")
        .defaulted("added", in<E>(&L::added), boolean_kind(), "A shortcut is added.")
        .check([](const E& e, const YamlNode& node, const ReadContext& context) {
          if ((e.size > 0) == (e.out_h > 0 && e.out_w > 0)) {
            context.error(node, "expected size, or both out_h and out_w");
          }
        });
    add_common(o);
    return o;
  }();
  return object;
}

template <class B>
const Object<Entry<B>>& block_object() {
  using E = Entry<B>;
  static const Object<E> object = [] {
    Object<E> o;
    o.required("in", in<E>(&ConvBlock::in), size_kind(), "Channels of the input.")
        .sparse("mid", in<E>(&ConvBlock::mid), size_kind(), "Channels inside; default out.")
        .required("out", in<E>(&ConvBlock::out), size_kind(), "Channels of the result.")
        .required("size", in<E>(&ConvBlock::size), size_kind(), "Positions a side of the result.")
        .sparse("stride", in<E>(&ConvBlock::stride), size_kind(), "Of the first of the blocks.")
        .sparse("kernel", in<E>(&ConvBlock::kernel), size_kind(), "Positions a side.")
        .sparse("groups", in<E>(&ConvBlock::groups), size_kind(), "Of the inner convolution.")
        .sparse("expand", in<E>(&ConvBlock::expand), size_kind(), "Of an inverted block.")
        .sparse("squeeze", in<E>(&ConvBlock::squeeze), size_kind(), "Squeeze-and-excitation.");
    add_common(o);
    return o;
  }();
  return object;
}

using RecurrentEntry = Entry<RecurrentLayer>;
const Object<RecurrentEntry>& recurrent_object() {
  using E = RecurrentEntry;
  using L = RecurrentLayer;
  static const Object<E> object = [] {
    Object<E> o;
    o.required("input", in<E>(&L::input), size_kind(), "Width of the input.")
        .required("hidden", in<E>(&L::hidden), size_kind(), "Width of the state.")
        .defaulted("gates", in<E>(&L::gates), size_kind(), "LSTM 4, GRU 3, plain 1.")
        .defaulted("directions", in<E>(&L::directions), size_kind(), "1 or 2.");
    add_common(o);
    return o;
  }();
  return object;
}

using DenseEntry = Entry<DenseLayer>;
const Object<DenseEntry>& dense_object() {
  using E = DenseEntry;
  using L = DenseLayer;
  static const Object<E> object = [] {
    Object<E> o;
    o.required("in", in<E>(&L::in), size_kind(), "Width of the input.")
        .required("out", in<E>(&L::out), size_kind(), "Width of the result.")
        .defaulted("active", in<E>(&L::active), boolean_kind(), "An activation follows.");
    add_common(o);
    return o;
  }();
  return object;
}

using EmbeddingEntry = Entry<EmbeddingLayer>;
const Object<EmbeddingEntry>& embedding_object() {
  using E = EmbeddingEntry;
  using L = EmbeddingLayer;
  static const Object<E> object = [] {
    Object<E> o;
    o.required("table", in<E>(&L::table), size_kind(), "Rows of the table.")
        .required("width", in<E>(&L::width), size_kind(), "Numbers a row.")
        .sparse("lookups", in<E>(&L::lookups), size_kind(), "Rows read a token or sample.");
    add_common(o);
    return o;
  }();
  return object;
}

RepeatedLayer repeated(Layer layer, const Common& common, double repeat) {
  return {std::move(layer), repeat, common.rows, common.rows == Rows::fixed ? common.tokens : 1};
}

ConvLayer conv(double in, double out, double kernel, double size, double stride, double groups,
               bool active, bool added) {
  ConvLayer l;
  l.in = in;
  l.out = out;
  l.kernel_h = l.kernel_w = kernel;
  l.out_h = l.out_w = size;
  l.stride = stride;
  l.groups = groups;
  l.active = active;
  l.added = added;
  return l;
}

// The layers of one block; `first` may change channels and size.
std::vector<ConvLayer> layers_of(const Bottleneck& b, bool first) {
  const double in = first ? b.in : b.out, stride = first ? b.stride : 1;
  std::vector<ConvLayer> out = {conv(in, b.mid, 1, b.size * stride, 1, 1, true, false),
                                conv(b.mid, b.mid, b.kernel, b.size, stride, b.groups, true, false),
                                conv(b.mid, b.out, 1, b.size, 1, 1, true, true)};
  if (first) out.push_back(conv(in, b.out, 1, b.size, stride, 1, false, false));
  return out;
}
std::vector<ConvLayer> layers_of(const Basic& b, bool first) {
  const double in = first ? b.in : b.out, stride = first ? b.stride : 1;
  std::vector<ConvLayer> out = {conv(in, b.out, b.kernel, b.size, stride, 1, true, false),
                                conv(b.out, b.out, b.kernel, b.size, 1, 1, true, true)};
  if (first && (stride > 1 || in != b.out)) {
    out.push_back(conv(in, b.out, 1, b.size, stride, 1, false, false));
  }
  return out;
}
std::vector<ConvLayer> layers_of(const Inverted& b, bool first) {
  const double in = first ? b.in : b.out, stride = first ? b.stride : 1;
  const double mid = in * b.expand;
  std::vector<ConvLayer> out;
  if (mid != in) out.push_back(conv(in, mid, 1, b.size * stride, 1, 1, true, false));
  out.push_back(conv(mid, mid, b.kernel, b.size, stride, mid, true, false));
  if (b.squeeze > 0) {
    out.push_back(conv(mid, b.squeeze, 1, 1, 1, 1, true, false));
    out.push_back(conv(b.squeeze, mid, 1, 1, 1, 1, true, false));
    out[out.size() - 1].norm = out[out.size() - 2].norm = false;
  }
  out.push_back(conv(mid, b.out, 1, b.size, 1, 1, false, stride == 1 && in == b.out));
  return out;
}
std::vector<ConvLayer> layers_of(const Shuffle& b, bool first) {
  const double half = b.out / 2, in = first && b.stride > 1 ? b.in : half;
  const double stride = first ? b.stride : 1;
  std::vector<ConvLayer> out = {conv(in, half, 1, b.size * stride, 1, 1, true, false),
                                conv(half, half, b.kernel, b.size, stride, half, false, false),
                                conv(half, half, 1, b.size, 1, 1, true, true)};
  if (stride > 1) {
    out.push_back(conv(in, in, b.kernel, b.size, stride, in, false, false));
    out.push_back(conv(in, half, 1, b.size, 1, 1, true, false));
  }
  return out;
}

template <class B>
void add_blocks(const Entry<B>& entry, std::vector<RepeatedLayer>& out) {
  B b = entry;
  if (b.mid == 0) b.mid = b.out;
  Common common = entry;
  common.rows = Rows::sample;
  for (const ConvLayer& layer : layers_of(b, true)) out.push_back(repeated(layer, common, 1));
  if (entry.repeat > 1) {
    for (const ConvLayer& layer : layers_of(b, false)) {
      out.push_back(repeated(layer, common, entry.repeat - 1));
    }
  }
}

/// `- transformer: {...}`: one layer, or the layers of a block.
class LayersKind final : public Kind<std::vector<RepeatedLayer>> {
 public:
  bool read(const YamlNode& node, const ReadContext& context,
            std::vector<RepeatedLayer>& out) const override {
    out.clear();
    if (!node.is_list() || node.values.empty()) {
      context.expected(node, expected());
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.values.size(); ++i) {
      good &= read_one(node.values[i], context.index(i), out);
    }
    return good;
  }
  YamlNode write(const std::vector<RepeatedLayer>&) const override { return {}; }
  YamlNode schema() const override { return binding::type_schema("array"); }
  std::string expected() const override { return "a list of layers"; }

 private:
  static bool read_one(const YamlNode& node, const ReadContext& context,
                       std::vector<RepeatedLayer>& out) {
    constexpr std::array<std::string_view, 10> kinds = {
        "transformer", "state_space", "conv",  "recurrent", "dense",
        "embedding",   "bottleneck",  "basic", "inverted",  "shuffle"};
    if (!node.is_map() || node.keys.size() != 1) {
      context.expected(node, fmt::format("one of {} with its dimensions", fmt::join(kinds, ", ")));
      return false;
    }
    const std::string& kind = node.keys.front().text;
    const YamlNode& value = node.values.front();
    const ReadContext inside = context.key(kind);
    const auto plain = [&]<class E>(const Object<E>& object, auto to_layer) {
      E entry;
      if (!object.read(value, inside, entry)) return false;
      out.push_back(repeated(to_layer(entry), entry, entry.repeat));
      return true;
    };
    if (kind == "transformer") {
      return plain(transformer_object(), [](const TransformerEntry& e) {
        TransformerLayer l = e;
        if (l.heads > 0 && l.kv_heads == 0) l.kv_heads = l.heads;
        if (l.heads > 0 && l.head_dim == 0) l.head_dim = l.hidden / l.heads;
        return l;
      });
    }
    if (kind == "state_space") {
      return plain(state_space_object(),
                   [](const StateSpaceEntry& e) -> StateSpaceLayer { return e; });
    }
    if (kind == "conv") {
      return plain(conv_object(), [](ConvFile& e) -> ConvLayer {
        if (e.kernel > 0) e.kernel_h = e.kernel_w = e.kernel;
        if (e.size > 0) e.out_h = e.out_w = e.size;
        e.rows = Rows::sample;
        return e;
      });
    }
    if (kind == "recurrent") {
      return plain(recurrent_object(), [](const RecurrentEntry& e) -> RecurrentLayer { return e; });
    }
    if (kind == "dense") {
      return plain(dense_object(), [](const DenseEntry& e) -> DenseLayer { return e; });
    }
    if (kind == "embedding") {
      return plain(embedding_object(), [](const EmbeddingEntry& e) -> EmbeddingLayer { return e; });
    }
    const auto blocks = [&]<class B>(const Object<Entry<B>>& object) {
      Entry<B> entry;
      if (!object.read(value, inside, entry)) return false;
      add_blocks<B>(entry, out);
      return true;
    };
    if (kind == "bottleneck") return blocks(block_object<Bottleneck>());
    if (kind == "basic") return blocks(block_object<Basic>());
    if (kind == "inverted") return blocks(block_object<Inverted>());
    if (kind == "shuffle") return blocks(block_object<Shuffle>());
    context.error(node.keys.front(),
                  fmt::format("expected one of {}, got {}{}", fmt::join(kinds, ", "), quote(kind),
                              did_you_mean(kind, {kinds.begin(), kinds.end()})));
    return false;
  }
};

KindPtr<std::vector<RepeatedLayer>> layers_kind() { return std::make_shared<LayersKind>(); }

const Object<ModelStage>& stage_object() {
  static const Object<ModelStage> object = [] {
    Object<ModelStage> o;
    o.required("name", &ModelStage::name, text_kind(), "What it does.")
        .defaulted("per_step", &ModelStage::per_step, boolean_kind(), "Once a denoising step.")
        .defaulted("passes", &ModelStage::passes, size_kind(), "Samples for each of the batch.")
        .defaulted("scales", &ModelStage::scales, boolean_kind(), "Grows with resolution.")
        .required("layers", &ModelStage::layers, layers_kind(), "In order.");
    return o;
  }();
  return object;
}

struct ModelFile {
  Model model;
  std::string summary, family, source;
  std::vector<std::string> aliases, assumed;
  std::vector<RepeatedLayer> layers;
  std::vector<ModelStage> stages;
  double vocabulary = 0, sequence = 0, max_sequence = 0, height = 0, width = 0, frames = 1,
         steps = 1, parameters = 0, extra_parameters = 0, weight_bits = 16, host_us = 0;
};

const Object<ModelFile>& model_object() {
  static const Object<ModelFile> object = [] {
    const auto text = text_kind();
    const auto stage = std::shared_ptr<const Kind<ModelStage>>(&stage_object(), [](auto*) {});
    using F = ModelFile;
    Object<F> o;
    o.required("summary", &F::summary, text, "The network in one line.")
        .required("family", &F::family, name_kind(), "Kind of network.")
        .required("source", &F::source, text, "Where the dimensions are published.")
        .sparse("aliases", &F::aliases, list_of(text), "Other names, in any case.")
        .sparse("assumed", &F::assumed, list_of(text), "Figures without a published source.")
        .sparse("parameters", &F::parameters, size_kind(), "As stated by the source.")
        .sparse("extra_parameters", &F::extra_parameters, size_kind(), "Not among the layers.")
        .defaulted("weight_bits", &F::weight_bits, size_kind(), "A parameter, as published.")
        .sparse("vocabulary", &F::vocabulary, size_kind(), "Tokens of the text.")
        .sparse("sequence", &F::sequence, size_kind(), "Usual tokens a sample.")
        .sparse("max_sequence", &F::max_sequence, size_kind(), "Most tokens a sample.")
        .sparse("height", &F::height, size_kind(), "Of pictures, pixels.")
        .sparse("width", &F::width, size_kind(), "Of pictures, pixels.")
        .sparse("frames", &F::frames, size_kind(), "Of a video.")
        .sparse("steps", &F::steps, size_kind(), "Of denoising.")
        .sparse("host_us", &F::host_us, number_kind(not_negative), "Host work a sample.")
        .sparse("layers", &F::layers, layers_kind(), "In order.")
        .sparse("stages", &F::stages, list_of<ModelStage>(stage, 1), "Parts that run in turn.")
        .check([](const F& f, const YamlNode& node, const ReadContext& context) {
          if (f.layers.empty() == f.stages.empty()) {
            context.error(node, "expected either layers or stages");
          }
        });
    return o;
  }();
  return object;
}

}  // namespace

CatalogModel read_model(const std::string& id, const std::string& path) {
  Input input = Input::open(path, path);
  const std::string text = input.read_all();
  Diagnostics faults;
  const YamlNode root = parse_yaml(text, path, faults);
  ModelFile file;
  model_object().read(root, {"", &faults}, file);
  if (faults.empty()) {
    if (!file.layers.empty()) file.stages.push_back({"model", false, 1, true, file.layers});
    Model probe;
    probe.stages = file.stages;
    probe.extra_parameters = file.extra_parameters;
    const double counted = size_of(probe).all();
    if (file.parameters > 0 && std::abs(counted / file.parameters - 1) > 0.1) {
      faults.error(root.find("parameters")->where,
                   fmt::format("parameters: expected about {:.4g} as the layers have, got {:.4g} "
                               "(more than 10 % apart)",
                               counted, file.parameters));
    }
  }
  faults.throw_if_any();
  CatalogModel out;
  Model& m = out.model;
  m.id = id;
  m.summary = file.summary;
  m.family = file.family;
  m.stages = std::move(file.stages);
  m.vocabulary = file.vocabulary;
  m.sequence = file.sequence;
  m.max_sequence = file.max_sequence;
  m.height = file.height;
  m.width = file.width;
  m.frames = file.frames;
  m.steps = file.steps;
  m.parameters_given = file.parameters;
  m.extra_parameters = file.extra_parameters;
  m.weight_bits = file.weight_bits;
  m.host_us = file.host_us;
  out.source = file.source;
  out.aliases = std::move(file.aliases);
  out.assumed = std::move(file.assumed);
  out.file = "models/" + id + ".yaml";
  out.sha256 = input.sha256();
  return out;
}

ModelCatalog::ModelCatalog() : ModelCatalog(catalog().folders()) {}

ModelCatalog::ModelCatalog(std::vector<std::string> folders) {
  for (const std::string& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator it(fs::path(folder) / "models", error), end; !error && it != end;
         it.increment(error)) {
      const fs::path& file = it->path();
      if (file.extension() == ".yaml") files_.emplace(file.stem().string(), file.string());
    }
  }
}

const CatalogModel* ModelCatalog::by_id(const std::string& id) {
  const auto file = files_.find(id);
  if (file == files_.end()) return nullptr;
  auto loaded = loaded_.find(id);
  if (loaded == loaded_.end()) loaded = loaded_.emplace(id, read_model(id, file->second)).first;
  return &loaded->second;
}

const std::map<std::string, std::string>& ModelCatalog::aliases() {
  if (!aliases_) {
    aliases_.emplace();
    for (const auto& [id, path] : files_) {
      for (const std::string& alias : by_id(id)->aliases) {
        const auto [it, fresh] = aliases_->emplace(lower(alias), id);
        if (!fresh) {
          throw InputError(fmt::format("{}: error: aliases: {} is an alias of {} already", path,
                                       quote(alias), it->second));
        }
      }
    }
  }
  return *aliases_;
}

const CatalogModel* ModelCatalog::find(std::string_view name) {
  const std::string id = lower(name);
  if (const CatalogModel* model = by_id(id)) return model;
  const auto alias = aliases().find(id);
  return alias == aliases().end() ? nullptr : by_id(alias->second);
}

const CatalogModel& ModelCatalog::model(std::string_view name) {
  if (const CatalogModel* model = find(name)) return *model;
  std::vector<std::string_view> known;
  for (const auto& [id, path] : files_) known.push_back(id);
  for (const auto& entry : aliases()) known.push_back(entry.first);
  const std::string_view near = nearest(lower(name), known);
  throw InputError(fmt::format(
      "expected a model of the catalogue, got {} ({})", quote(name),
      near.empty() ? "see `nightwatt list models`" : fmt::format("did you mean '{}'?", near)));
}

std::vector<CatalogModel> ModelCatalog::models() {
  std::vector<CatalogModel> out;
  for (const auto& [id, path] : files_) out.push_back(*by_id(id));
  return out;
}

std::vector<std::string> ModelCatalog::ids() const {
  std::vector<std::string> out;
  for (const auto& [id, path] : files_) out.push_back(id);
  return out;
}

ModelCatalog& model_catalog() {
  static ModelCatalog standard;
  return standard;
}

}  // namespace nightwatt
