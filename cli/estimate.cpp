#include <memory>
#include <string>

#include "analysis/estimation.hpp"
#include "cli/command.hpp"
#include "scenarios/units.hpp"

namespace nightwatt::cli {
namespace {

struct EstimateOptions {
  EstimateRequest request;
  double power_cap_w = 0;
  double carbon_g_per_kwh = -1;  ///< < 0 = not asked
  bool sweep_caps = false;
  bool json = false;
};

/// Validators of CLI11: the text may be changed, a message is a refusal.
std::string above_zero(std::string& text) {
  const auto value = read_number(text);
  return value && *value > 0.0 ? "" : "expected a number above 0, got '" + text + "'";
}
std::string not_negative(std::string& text) {
  const auto value = read_number(text);
  return value && *value >= 0.0 ? "" : "expected a number of at least 0, got '" + text + "'";
}
/// A quantity becomes its number in the canonical unit; another text stays as it is.
std::string unit_off(Dimension dimension, std::string& text) {
  if (const QuantityText q = parse_quantity(dimension, text); q.value)
    text = format_number(*q.value);
  return "";
}

}  // namespace

void add_estimate(CLI::App& app, const Globals&, Action& action) {
  CLI::App* command =
      app.add_subcommand("estimate", "Time, power and energy of one AI job, without a scenario");
  const auto options = std::make_shared<EstimateOptions>();
  EstimateRequest& r = options->request;
  const auto number = [&](const char* name, double& value, const char* what) {
    return command->add_option(name, value, what)->check(CLI::Validator(above_zero, "NUMBER > 0"));
  };
  const auto quantity = [&](const char* name, double& value, Dimension dimension,
                            const char* what) {
    return number(name, value, what)
        ->transform(CLI::Validator(
            [dimension](std::string& text) { return unit_off(dimension, text); }, ""));
  };
  const auto count = [&](const char* name, std::uint32_t& value, const char* what) {
    return command->add_option(name, value, what)->check(CLI::Range(1, 1'000'000));
  };
  command->add_option("--model", r.model, "Model of the catalogue")->required()->type_name("MODEL");
  command->add_option("--gpu", r.device, "Device of the catalogue")
      ->required()
      ->type_name("DEVICE");
  command->add_option("--phase", r.phase, "What the job does")
      ->type_name("{training,inference,prefill,decode,serving}")
      ->capture_default_str();
  command->add_option("--node", r.node, "Node of the catalogue; default one with this device")
      ->type_name("NODE");
  command->add_option("--software", r.software, "What it runs on; default by phase")
      ->type_name("{eager,engine}");
  command->add_option("--precision", r.precision, "Of products; default the device's usual")
      ->type_name("{fp32,tf32,fp16,bf16,fp8,int8}");
  count("--gpus", r.gpus, "Devices in all")->capture_default_str();
  count("--nodes", r.nodes, "Nodes in all; default as few as can be");
  count("--data", r.data, "Data-parallel replicas");
  count("--tensor", r.tensor, "Devices that share each layer");
  count("--pipeline", r.pipeline, "Devices that share out the layers");
  count("--expert", r.expert, "Devices that share out the experts");
  count("--micro-batches", r.micro_batches, "Of a pipeline");
  number("--batch", r.batch, "Samples an iteration; serving: sequences in flight")
      ->capture_default_str();
  number("--seq", r.sequence, "Tokens a sample; default the model's");
  number("--context", r.context, "decode, serving: tokens kept of a sequence, as a mean");
  number("--prompt", r.prompt, "serving: prompt tokens a request (512)");
  number("--output", r.output, "serving: tokens generated a request (256)");
  number("--steps", r.steps, "Denoising steps; default the model's");
  number("--height", r.height, "Pixels; default the model's");
  number("--width", r.width, "Pixels; default the model's");
  number("--frames", r.frames, "Of a video; default the model's");
  command->add_flag("--fused-attention", r.fused_attention, "Attention in one kernel (eager)");
  command->add_flag("--recompute", r.recompute, "Training computes activations again");
  quantity("--power-cap", options->power_cap_w, Dimension::power, "Of a device: 150 W, or watts");
  quantity("--clock", r.clock_mhz, Dimension::frequency, "Locked clock: 1.2 GHz, or MHz");
  command->add_flag("--sweep-caps", options->sweep_caps, "The curve over all legal caps");
  CLI::Option* iterations = number("--iterations", r.iterations, "Of the whole job");
  CLI::Option* tokens = number("--tokens", r.tokens, "Of the whole job")->excludes(iterations);
  number("--requests", r.requests, "Samples or requests of the whole job")
      ->excludes(iterations)
      ->excludes(tokens);
  CLI::Option* carbon =
      command->add_option("--carbon", options->carbon_g_per_kwh, "Intensity: 420 gCO2e/kWh")
          ->check(CLI::Validator(not_negative, "NUMBER >= 0"))
          ->transform(CLI::Validator(
              [](std::string& text) { return unit_off(Dimension::carbon_intensity, text); }, ""));
  command->add_option("--pue", r.pue, "The site's energy over the nodes'; default 1")
      ->check(CLI::Range(1.0, 10.0))
      ->needs(carbon);
  command->add_flag("--json", options->json, "Print it as JSON");
  command->footer(example(
      "nightwatt estimate --model bert-large --phase training --gpu a100-pcie-40gb --batch 32"));
  command->callback([=, &action] {
    action = [=] {
      if (options->power_cap_w > 0) options->request.power_cap_w = options->power_cap_w;
      if (options->carbon_g_per_kwh >= 0) {
        options->request.carbon_g_per_kwh = options->carbon_g_per_kwh;
      }
      const EstimateAnswer answer = estimate_job(options->request, options->sweep_caps);
      print(options->json ? estimate_json(answer) : estimate_table(answer));
      return static_cast<int>(Exit::done);
    };
  });
}

}  // namespace nightwatt::cli
