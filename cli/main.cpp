#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "cli/completion.hpp"
#include "cli/engine.hpp"
#include "cli/interrupt.hpp"
#include "cli/manual.hpp"
#include "cli/option_tree.hpp"
#include "cli/plugin.hpp"
#include "sim/timeline/library_version.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {

void print(const std::string& text) {
  // A full disk shows at the latest when the stream is flushed.
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw InputError("standard output cannot be written");
  }
}

void check_no_input(const std::string& output, const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    std::error_code ignored;
    if (std::filesystem::equivalent(output, input, ignored)) {
      throw InputError(fmt::format("output: {} is one of the files that are read", quote(output)));
    }
  }
}

std::string example(const std::string& command) { return "\nExample:\n  " + command + "\n"; }

namespace {

/// With the libraries that are loaded, whatever it was built with.
std::string version() {
  return fmt::format("nightwatt " NIGHTWATT_VERSION " (SimGrid {}, HDF5 {})", engine_version(),
                     hdf5_version());
}

/// The subcommand that the command line names last.
const CLI::App& chosen(const CLI::App& app) {
  const auto below = app.get_subcommands();
  return below.empty() ? app : chosen(*below.back());
}

/// The word that no subcommand or option of the chosen one knows, with what may have been meant;
/// empty if there is none.
std::string unknown_word(const CLI::App& app) {
  const auto extras = app.remaining(true);
  if (extras.empty()) return {};
  const std::string word = extras.front().substr(0, extras.front().find('='));
  std::vector<std::string> names;
  for (const CLI::App* level = &chosen(app); level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  for (const CLI::App* sub : visible_subcommands(chosen(app))) {
    names.push_back(sub->get_name());
  }
  return fmt::format("{} was not expected here{}", quote(word),
                     did_you_mean(word, {names.begin(), names.end()}));
}

int fail_usage(const CLI::App& app, const CLI::ParseError& error) {
  const std::string name = full_name(chosen(app));
  // "A subcommand is required" would hide the mistyped one.
  std::string message = unknown_word(app);
  if (message.empty()) message = error.what();
  if (message.back() == '.') message.pop_back();
  fmt::print(stderr, "error: {}\nsee: nightwatt {}{}--help\n", message, name,
             name.empty() ? "" : " ");
  return Exit::users_input;
}

void set_up_log(const std::string& level) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "nightwatt", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  spdlog::set_pattern("%l: %v");
  spdlog::set_level(spdlog::level::from_str(level));
}

int run(int argc, char** argv) {
  CLI::App app(
      "Replays GPU cluster traces and accounts for energy, carbon and cost.\n"
      "Exit status: 0 done, 1 our fault, 2 the input's, 130 interrupted.",
      "nightwatt");
  Globals globals;
  Action action;
  std::string log_level = "warning";
  app.set_version_flag("--version", version, "Show the versions of the program and its engines");
  app.add_flag("--quiet", globals.quiet, "No progress and no tables: only what is asked for");
  app.add_option("--log-level", log_level, "Of the messages on stderr")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  app.add_option("--plugin", globals.plugins,
                 "Library with further policies; may be given several times")
      ->type_name("FILE.so")
      ->allow_extra_args(false);
  app.require_subcommand(1)->fallthrough();
  app.footer(example("nightwatt run scenarios/philly-texas.yaml -o philly.h5"));

  add_run(app, globals, action);
  add_study(app, globals, action);
  add_compare(app, globals, action);
  add_export(app, globals, action);
  add_statement(app, globals, action);
  add_check(app, globals, action);
  CLI::App* trace = app.add_subcommand("trace", "Look at a workload trace, or convert it");
  trace->require_subcommand(1)->fallthrough();
  trace->footer(example("nightwatt trace info traces/samples/lublin_256.swf.gz"));
  add_trace_info(*trace, globals, action);
  add_trace_convert(*trace, globals, action);
  CLI::App* signal =
      app.add_subcommand("signal", "Look at a series of carbon, price, PUE or weather");
  signal->require_subcommand(1)->fallthrough();
  signal->footer(example("nightwatt signal info scenarios/data/US-TEX-ERCO_2022_hourly.csv.gz"));
  add_signal_info(*signal, globals, action);
  add_validate(app, globals, action);
  add_calibrate(app, globals, action);
  add_estimate(app, globals, action);
  add_report(app, globals, action);
  add_list(app, globals, action);
  add_schema(app, globals, action);
  add_completion(app, action);
  add_manual(app, action);

  if (argc > 1 && std::string_view(argv[1]) == complete_word) {
    print(completions(app, {argv + 2, argv + argc}));
    return Exit::done;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(chosen(app).help());
    return Exit::done;
  } catch (const CLI::CallForVersion&) {
    print(version() + "\n");
    return Exit::done;
  } catch (const CLI::ParseError& error) {
    return fail_usage(app, error);
  }
  set_up_log(log_level);
  handle_interrupts();
  for (const std::string& path : globals.plugins) load_plugin(path);
  if (globals.plugins.empty()) return action();
  // What a policy does wrong is not the program's fault then.
  try {
    return action();
  } catch (const InputError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw InputError(fmt::format("stopped, with plug-in {}: {}", loaded_plugins(), error.what()));
  } catch (...) {
    throw InputError(
        fmt::format("stopped, with plug-in {}: it threw something that is no "
                    "std::exception",
                    loaded_plugins()));
  }
}

}  // namespace
}  // namespace nightwatt::cli

int main(int argc, char** argv) {
  using namespace nightwatt::cli;
  try {
    return run(argc, argv);
  } catch (const nightwatt::InputError& error) {
    std::string text = error.what();
    if (!text.empty() && text.back() != '\n') text += '\n';
    fmt::print(stderr, "{}", text);
    return Exit::users_input;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: out of memory\n");
    return Exit::our_fault;
  } catch (const std::exception& error) {
    fmt::print(stderr,
               "internal error: {}\nThis is a fault of nightwatt; please report it with the "
               "scenario that shows it.\n",
               error.what());
    return Exit::our_fault;
  }
}
