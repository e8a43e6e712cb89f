#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "traces/formats/formats.hpp"
#include "traces/formats/json.hpp"

namespace nightwatt {

namespace {

namespace ondemand = simdjson::ondemand;

/// What a host does while a job with this profile runs. A sequence is the sum of its parts.
struct Work {
  double seconds = 0.0;      ///< that do not depend on the host
  double host_flop = 0.0;    ///< that each host (the slowest one) computes
  double shared_flop = 0.0;  ///< in all, spread evenly over the hosts
  double hosts = 0.0;        ///< number of hosts that it was written for; 0 = any
  bool communicates = false;
};

enum class ProfileType { delay, parallel, homogeneous, homogeneous_total, sequence, unsupported };

struct TypeName {
  std::string_view name;
  ProfileType type;
};

/// Names of Batsim 4 and 5 (docs/input-workload.rst of both).
constexpr TypeName type_names[] = {
    {"delay", ProfileType::delay},
    {"DelayProfile", ProfileType::delay},
    {"parallel", ProfileType::parallel},
    {"ParallelTaskProfile", ProfileType::parallel},
    {"parallel_homogeneous", ProfileType::homogeneous},
    {"ParallelTaskHomogeneousProfile", ProfileType::homogeneous},
    {"parallel_homogeneous_total", ProfileType::homogeneous_total},
    {"composed", ProfileType::sequence},
    {"SequentialCompositionProfile", ProfileType::sequence},
    {"parallel_homogeneous_pfs", ProfileType::unsupported},
    {"ParallelTaskOnStorageHomogeneousProfile", ProfileType::unsupported},
    {"data_staging", ProfileType::unsupported},
    {"ParallelTaskDataStagingBetweenStoragesProfile", ProfileType::unsupported},
    {"smpi", ProfileType::unsupported},
    {"usage_trace", ProfileType::unsupported},
    {"TraceReplayProfile", ProfileType::unsupported},
};

/// A fault of a profile matters only where a job uses the profile.
struct ProfileFault {
  const char* where;
  std::string message;
  bool shown = false;
};

struct Profile {
  std::string_view name;
  Work work;
  double repeat = 1.0;
  std::uint32_t first_part = 0;  ///< of a sequence, in Reader::parts_
  std::uint32_t parts = 0;
  std::int32_t fault = -1;  ///< in Reader::faults_
  enum class State : std::uint8_t { parsed, open, done } state = State::done;
  std::int8_t succeeds = -1;  ///< `ret` is 0; -1 = not given
};

struct Part {
  std::int32_t name;  ///< into Reader::names_
  const char* where;
};

/// A job that waits for its profile, which may stand behind it in the file.
struct PendingJob {
  std::string_view id;
  const char* profile_where;
  double submit_s;
  double limit_s;
  std::uint64_t row;
  std::int32_t profile;  ///< into Reader::names_
  std::uint32_t hosts;
};

class Reader {
 public:
  Reader(std::string& text, const std::string& name, WorkloadBuilder& builder)
      : builder_(builder),
        file_(text, name, builder.diagnostics()),
        skip_bad_(builder.rule("bad_row").is("skip")),
        communication_(builder.rule("communication")),
        flops_(builder.rule("flops_per_s")),
        as_gpus_(!builder.rule("processors").is("cores")),
        as_cores_(!builder.rule("processors").is("gpus")) {
    builder.note(as_gpus_ && as_cores_
                     ? "a host (res) counts as one core and as one GPU (rule processors): the "
                       "partition decides which of them it counts"
                     : fmt::format("a host (res) counts as one {} (rule processors)",
                                   as_gpus_ ? "GPU" : "core"));
    if (!flops_.is("error")) flops_per_s_ = parse_number(flops_.choice()).value_or(0.0);
  }

  void read() {
    auto root = file_.root_object("a Batsim workload");
    if (!root) return;
    bool has_jobs = false, has_profiles = false, has_resources = false;
    file_.each(*root, [&](std::string_view key, const char* where, JsonFile::Value value) {
      const auto once = [&](bool& seen) {
        if (seen) file_.error(where, fmt::format("{}: stands here a second time", key));
        return !std::exchange(seen, true);
      };
      if (key == "jobs") {
        if (once(has_jobs)) read_jobs(value);
      } else if (key == "profiles") {
        if (once(has_profiles)) read_profiles(value);
      } else if (key == "nb_res") {
        if (once(has_resources)) read_resources(value);
      }
    });
    file_.expect_end();
    if (!has_jobs) file_.error(file_.begin(), "jobs: the workload has no such field");
    if (!has_profiles) file_.error(file_.begin(), "profiles: the workload has no such field");
    if (has_jobs && has_profiles) {
      for (const PendingJob& job : jobs_) add(job);
    }
  }

 private:
  void read_resources(JsonFile::Value& value) {
    const auto resources = file_.number(value);
    if (!resources || *resources < 1 || *resources != std::floor(*resources)) {
      file_.error(file_.start(value),
                  fmt::format("nb_res: expected a whole number >= 1, got {}", file_.shown(value)));
      return;
    }
    builder_.note(fmt::format("the workload was made for {:.0f} hosts (nb_res)", *resources));
  }

  void read_jobs(JsonFile::Value& value) {
    auto jobs = file_.array(value);
    if (!jobs) {
      file_.error(file_.start(value),
                  fmt::format("jobs: expected an array of jobs, got {}", file_.shown(value)));
      return;
    }
    std::size_t index = 0;
    file_.each(*jobs, [&](JsonFile::Value job) { read_job(job, index++); });
  }

  void read_job(JsonFile::Value& value, std::size_t index) {
    enum : std::uint32_t { id = 1, submit = 2, hosts = 4, profile = 8, limit = 16 };
    JsonRow row(file_, builder_, "jobs", index, file_.start(value));
    auto fields = row.fields(value, "a job");
    if (!fields) return;
    PendingJob job{{}, row.start(), 0.0, unknown, row.line(), 0, 0};
    file_.each(*fields, [&](std::string_view key, const char* where, JsonFile::Value field) {
      if (key == "id") {
        row.seen(id, where, key);
        job.id = read_id(row, field);
      } else if (key == "subtime") {
        row.seen(submit, where, key);
        job.submit_s = row.number(field, key, "a time in seconds >= 0", 0.0, max_time_s);
      } else if (key == "walltime") {
        row.seen(limit, where, key);
        job.limit_s = read_limit(row, field);
      } else if (key == "res") {
        row.seen(hosts, where, key);
        static constexpr auto most = static_cast<double>(max_gpus_per_job);
        static const std::string expected =
            fmt::format("a whole number of hosts from 1 to {:.0f}", most);
        const double number = row.number(field, key, expected, 1.0, most);
        if (number == std::floor(number)) {
          job.hosts = static_cast<std::uint32_t>(number);
        } else if (!std::isnan(number)) {
          row.wrong(field, key, "a whole number of hosts");
        }
      } else if (key == "profile") {
        row.seen(profile, where, key);
        job.profile_where = file_.start(field);
        job.profile = names_.intern(row.text(field, key, "the name of a profile"));
      }
    });
    row.require(id, "id");
    row.require(submit, "subtime");
    row.require(hosts, "res");
    row.require(profile, "profile");
    if (row.ok()) jobs_.push_back(job);
  }

  /// A text, or a whole number (as older files have it).
  std::string_view read_id(JsonRow& row, JsonFile::Value& value) {
    static constexpr std::string_view expected = "a text or a whole number";
    if (const auto text = file_.text(value)) {
      if (text->empty()) row.wrong(value, "id", expected);
      return *text;
    }
    const char* digits = file_.start(value);
    std::int64_t number = 0;
    if (value.get_int64().get(number)) {
      row.wrong(value, "id", expected);
      return {};
    }
    const char* end = digits;
    while (*end == '-' || (*end >= '0' && *end <= '9')) ++end;
    return {digits, static_cast<std::size_t>(end - digits)};
  }

  /// Batsim 4 writes -1 for a job without limit.
  double read_limit(JsonRow& row, JsonFile::Value& value) {
    if (file_.is_null(value)) return unknown;
    const double limit =
        row.number(value, "walltime", "seconds > 0, or -1 for none", -1.0, max_time_s);
    if (limit > 0.0) return limit;
    if (limit != -1.0 && !std::isnan(limit)) {
      row.wrong(value, "walltime", "seconds > 0, or -1 for none");
    }
    return unknown;
  }

  void read_profiles(JsonFile::Value& value) {
    auto profiles = file_.object(value);
    if (!profiles) {
      file_.error(
          file_.start(value),
          fmt::format("profiles: expected an object of profiles, got {}", file_.shown(value)));
      return;
    }
    file_.each(*profiles, [&](std::string_view name, const char* where, JsonFile::Value profile) {
      const auto index = static_cast<std::uint32_t>(profiles_.size());
      const auto number = static_cast<std::size_t>(names_.intern(name));
      if (profile_of_.size() <= number) profile_of_.resize(number + 1, -1);
      if (profile_of_[number] >= 0) {
        file_.error(where, fmt::format("profiles: {} stands here a second time", quote(name)));
        return;
      }
      profile_of_[number] = static_cast<std::int32_t>(index);
      profiles_.push_back({});
      profiles_.back().name = name;
      read_profile(index, where, profile);
    });
  }

  void read_profile(std::uint32_t index, const char* where, JsonFile::Value& value) {
    Profile& profile = profiles_[index];
    const auto wrong = [&](JsonFile::Value& at, std::string_view field, std::string_view expected) {
      spoil(profile, file_.start(at), field,
            fmt::format("expected {}, got {}", expected, file_.shown(at)));
    };
    auto fields = file_.object(value);
    if (!fields) {
      wrong(value, "", "an object");
      return;
    }
    std::optional<std::string_view> type;
    const char* type_where = where;
    std::optional<double> delay, cpu, com;
    double cpu_hosts = 0.0;  // entries of `cpu` where it is an array, else 0
    bool has_sequence = false, total = false;
    profile.first_part = static_cast<std::uint32_t>(parts_.size());
    file_.each(*fields, [&](std::string_view key, const char* at, JsonFile::Value field) {
      const auto once = [&](bool seen) {
        if (seen) spoil(profile, at, key, "stands here a second time");
      };
      if (key == "type") {
        once(type.has_value());
        type_where = file_.start(field);
        type = file_.text(field);
        if (!type) wrong(field, key, "the name of a profile type");
      } else if (key == "delay") {
        once(delay.has_value());
        delay = file_.number(field);
        if (!delay || *delay < 0 || *delay > max_time_s) wrong(field, key, "seconds >= 0");
      } else if (key == "cpu" || key == "com") {
        auto& amount = key == "cpu" ? cpu : com;
        once(amount.has_value());
        double entries = 0.0;
        amount = read_amount(profile, field, key, entries);
        if (key == "cpu") cpu_hosts = entries;
      } else if (key == "seq") {
        once(has_sequence);
        has_sequence = true;
        read_sequence(profile, field);
      } else if (key == "repeat") {
        const auto repeat = file_.number(field);
        if (!repeat || *repeat < 1 || *repeat != std::floor(*repeat)) {
          wrong(field, key, "a whole number >= 1");
        } else {
          profile.repeat = *repeat;
        }
      } else if (key == "ret") {
        const auto code = file_.number(field);
        if (!code) wrong(field, key, "a number");
        profile.succeeds = code && *code == 0.0 ? 1 : 0;
      } else if (key == "generation_strategy") {
        const auto strategy = file_.text(field);
        total = strategy == "DefinedAmountsSpreadUniformly";
        if (!total && strategy != "DefinedAmountsUsedForEachValue") {
          wrong(field, key, "DefinedAmountsUsedForEachValue or DefinedAmountsSpreadUniformly");
        }
      }
    });
    profile.parts = static_cast<std::uint32_t>(parts_.size()) - profile.first_part;

    // What is missing is said first: a field of an unknown type may mean anything.
    if (!type) {
      if (profile.fault < 0) spoil(profile, where, "type", "is missing");
      return;
    }
    const TypeName* known = nullptr;
    for (const TypeName& candidate : type_names) {
      if (candidate.name == *type) known = &candidate;
    }
    if (known == nullptr || known->type == ProfileType::unsupported) {
      profile.fault = -1;
      std::vector<std::string_view> names;
      for (const TypeName& candidate : type_names) {
        if (candidate.type != ProfileType::unsupported) names.push_back(candidate.name);
      }
      spoil(profile, type_where, "type",
            known == nullptr
                ? fmt::format("unknown profile type {}{}", quote(*type), did_you_mean(*type, names))
                : fmt::format("profile type {} is not supported: its run time depends on storage "
                              "or on a trace of its own",
                              quote(*type)));
      return;
    }
    const auto missing = [&](std::string_view field) {
      spoil(profile, where, field, fmt::format("is missing in a profile of type {}", *type));
    };
    switch (known->type) {
      case ProfileType::delay:
        if (!delay && profile.fault < 0) missing("delay");
        profile.work.seconds = delay.value_or(0.0);
        break;
      case ProfileType::parallel:
        if (cpu && cpu_hosts == 0.0 && profile.fault < 0) {
          spoil(profile, where, "cpu", "expected an array with the flop of each host");
        }
        if (!cpu && !com && profile.fault < 0) missing("cpu");
        profile.work.host_flop = cpu.value_or(0.0);
        profile.work.hosts = cpu_hosts;
        break;
      case ProfileType::homogeneous:
      case ProfileType::homogeneous_total:
        if (cpu && cpu_hosts > 0.0 && profile.fault < 0) {
          spoil(profile, where, "cpu", "expected a number of flop, got an array");
        }
        if (!cpu && !com && profile.fault < 0) missing("cpu");
        if (total || known->type == ProfileType::homogeneous_total) {
          profile.work.shared_flop = cpu.value_or(0.0);
        } else {
          profile.work.host_flop = cpu.value_or(0.0);
        }
        break;
      case ProfileType::sequence:
        if (!has_sequence && profile.fault < 0) missing("seq");
        profile.state = Profile::State::parsed;
        break;
      case ProfileType::unsupported:
        break;
    }
    profile.work.communicates = com.value_or(0.0) > 0.0;
    if (known->type != ProfileType::sequence) profile.parts = 0;
  }

  /// A number, or the largest of an array of numbers (then `entries` says how many they are).
  std::optional<double> read_amount(Profile& profile, JsonFile::Value& value,
                                    std::string_view field, double& entries) {
    const auto check = [&](JsonFile::Value& at) {
      const auto amount = file_.number(at);
      if (amount && *amount >= 0.0) return *amount;
      spoil(profile, file_.start(at), field,
            fmt::format("expected a number >= 0, got {}", file_.shown(at)));
      return 0.0;
    };
    auto array = file_.array(value);
    if (!array) return check(value);
    double largest = 0.0;
    file_.each(*array, [&](JsonFile::Value entry) {
      largest = std::max(largest, check(entry));
      ++entries;
    });
    if (entries == 0.0) spoil(profile, file_.start(value), field, "expected at least one entry");
    return largest;
  }

  void read_sequence(Profile& profile, JsonFile::Value& value) {
    auto array = file_.array(value);
    if (!array) {
      spoil(profile, file_.start(value), "seq",
            fmt::format("expected an array of profile names, got {}", file_.shown(value)));
      return;
    }
    bool empty = true;
    file_.each(*array, [&](JsonFile::Value entry) {
      empty = false;
      const char* where = file_.start(entry);
      if (const auto name = file_.text(entry)) {
        parts_.push_back({names_.intern(*name), where});
      } else {
        spoil(profile, where, "seq",
              fmt::format("expected the name of a profile, got {}", file_.shown(entry)));
      }
    });
    if (empty) spoil(profile, file_.start(value), "seq", "expected at least one profile");
  }

  /// Notes the first fault of a profile.
  void spoil(Profile& profile, const char* where, std::string_view field, std::string message) {
    if (profile.fault >= 0) return;
    profile.fault = static_cast<std::int32_t>(faults_.size());
    faults_.push_back({where, fmt::format("profiles.{}{}{}: {}", profile.name,
                                          field.empty() ? "" : ".", field, message)});
  }

  std::optional<std::uint32_t> find(std::int32_t name) const {
    const auto number = static_cast<std::size_t>(name);
    if (number >= profile_of_.size() || profile_of_[number] < 0) return std::nullopt;
    return static_cast<std::uint32_t>(profile_of_[number]);
  }

  std::string suggestion(std::string_view name) const {
    if (profiles_.size() > 1000) return {};
    std::vector<std::string_view> names;
    for (const Profile& profile : profiles_) names.push_back(profile.name);
    return did_you_mean(name, names);
  }

  /// Adds up the work of a sequence, parts first. No recursion: a file may nest as deep as it
  /// likes.
  void resolve(std::uint32_t root) {
    if (profiles_[root].state == Profile::State::done) return;
    struct Frame {
      std::uint32_t profile, next;
    };
    std::vector<Frame> stack{{root, 0}};
    profiles_[root].state = Profile::State::open;
    while (!stack.empty()) {
      Profile& profile = profiles_[stack.back().profile];
      if (stack.back().next == profile.parts || profile.fault >= 0) {
        profile.work.seconds *= profile.repeat;
        profile.work.host_flop *= profile.repeat;
        profile.work.shared_flop *= profile.repeat;
        profile.state = Profile::State::done;
        stack.pop_back();
        continue;
      }
      const Part& part = parts_[profile.first_part + stack.back().next];
      const auto index = find(part.name);
      if (!index) {
        spoil(profile, part.where, "seq",
              fmt::format("there is no profile {}{}", quote(names_[part.name]),
                          suggestion(names_[part.name])));
        continue;
      }
      Profile& child = profiles_[*index];
      if (child.state == Profile::State::parsed) {
        child.state = Profile::State::open;
        stack.push_back({*index, 0});
        continue;
      }
      if (child.state == Profile::State::open) {
        std::string cycle;
        bool inside = false;
        for (const Frame& frame : stack) {
          inside = inside || frame.profile == *index;
          if (inside) cycle += fmt::format("{} -> ", profiles_[frame.profile].name);
        }
        spoil(profile, part.where, "seq",
              fmt::format("a sequence contains itself: {}{}", cycle, child.name));
        continue;
      }
      ++stack.back().next;
      if (child.fault >= 0) {
        profile.fault = child.fault;
        continue;
      }
      if (child.work.hosts > 0.0) {
        if (profile.work.hosts > 0.0 && profile.work.hosts != child.work.hosts) {
          spoil(profile, part.where, "seq",
                fmt::format("its parts are written for {:.0f} and for {:.0f} hosts",
                            profile.work.hosts, child.work.hosts));
          continue;
        }
        profile.work.hosts = child.work.hosts;
      }
      profile.work.seconds += child.work.seconds;
      profile.work.host_flop += child.work.host_flop;
      profile.work.shared_flop += child.work.shared_flop;
      profile.work.communicates |= child.work.communicates;
    }
  }

  void bad_job(const char* where, std::string_view message, const PendingJob& job) {
    builder_.bad_row(skip_bad_ ? Position{} : file_.position(where),
                     fmt::format("{} (job {})", message, quote(job.id)));
  }

  /// A fault that several jobs may meet: shown once where faults end the reading, else counted for
  /// each job that is left out.
  void bad_job(ProfileFault& fault, const PendingJob& job) {
    if (fault.shown && !skip_bad_) return;
    fault.shown = true;
    bad_job(fault.where, fault.message, job);
  }

  void add(const PendingJob& pending) {
    const auto index = find(pending.profile);
    if (!index) {
      bad_job(pending.profile_where,
              fmt::format("profile: there is no profile {}{}", quote(names_[pending.profile]),
                          suggestion(names_[pending.profile])),
              pending);
      return;
    }
    resolve(*index);
    const Profile& profile = profiles_[*index];
    if (profile.fault >= 0) {
      bad_job(faults_[static_cast<std::size_t>(profile.fault)], pending);
      return;
    }
    const Work& work = profile.work;
    const double hosts = pending.hosts;
    if (work.hosts > 0.0 && work.hosts != hosts) {
      bad_job(pending.profile_where,
              fmt::format("profile: {} is written for {:.0f} hosts, the job asks for {}",
                          quote(profile.name), work.hosts, pending.hosts),
              pending);
      return;
    }
    double run_s = work.seconds;
    if (work.host_flop > 0.0 || work.shared_flop > 0.0) {
      if (flops_per_s_ <= 0.0) {
        if (flops_asked_) return;
        flops_asked_ = true;
        builder_.diagnostics().error(
            file_.position(pending.profile_where),
            fmt::format("profile: {} computes, so its run time needs the speed of a host: give "
                        "rules.flops_per_s in flop/s, as '1e9' (job {})",
                        quote(profile.name), quote(pending.id)));
        return;
      }
      flops_.count_adjusted();
      run_s += (work.host_flop + work.shared_flop / hosts) / flops_per_s_;
    }
    if (!(run_s <= max_time_s)) {
      bad_job(pending.profile_where,
              fmt::format("profile: the run time of {} is above {:g} s", quote(profile.name),
                          max_time_s),
              pending);
      return;
    }
    if (work.communicates) {
      if (communication_.is("error")) {
        builder_.leave_out(communication_, file_.position(pending.profile_where),
                           "profile: its communication takes a time that is not known here");
        return;
      }
      communication_.count_adjusted();
    }
    Job job;
    job.submit_s = pending.submit_s;
    job.run_s = run_s;
    job.limit_s = pending.limit_s;
    job.row = pending.row;
    if (as_gpus_) job.gpu_milli = pending.hosts * 1000;
    if (as_cores_) job.cores = pending.hosts;
    if (profile.succeeds >= 0) {
      job.state = profile.succeeds == 1 ? TraceState::completed : TraceState::failed;
    }
    builder_.add(job, pending.id);
  }

  WorkloadBuilder& builder_;
  JsonFile file_;
  bool skip_bad_;
  Rule& communication_;
  Rule& flops_;
  bool as_gpus_, as_cores_;
  double flops_per_s_ = 0.0;
  bool flops_asked_ = false;
  std::vector<PendingJob> jobs_;
  std::vector<Profile> profiles_;
  std::vector<Part> parts_;
  std::vector<ProfileFault> faults_;
  StringTable names_;                     ///< of profiles, those that are missing too
  std::vector<std::int32_t> profile_of_;  ///< by name; -1 = none
};

void read(Input& input, WorkloadBuilder& builder) {
  std::string text = input.read_all();
  Reader(text, input.name(), builder).read();
}

bool recognise(std::string_view head) {
  const auto first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || head[first] != '{') return false;
  return head.find("\"jobs\"") != std::string_view::npos ||
         head.find("\"nb_res\"") != std::string_view::npos ||
         head.find("\"profiles\"") != std::string_view::npos;
}

}  // namespace

Format batsim_json_format() {
  return {{.name = "batsim-json",
           .summary = "Batsim workload (JSON) of versions 4 and 5: delay profiles, parallel tasks "
                      "and sequences of them",
           .source = "https://batsim.readthedocs.io/en/latest/input-workload.html",
           .seen_in_wild = true,
           .rules = {{"processors", "what a host of the workload is", {"both", "gpus", "cores"}},
                     {"flops_per_s",
                      "the speed of a host in flop/s, that turns the flop of parallel tasks into "
                      "run time",
                      {"error", "NUMBER"}},
                     {"communication",
                      "a parallel task that also sends bytes: their time is left out",
                      {"ignore", "error"}},
                     rule::bad_row(),
                     rule::zero_duration(),
                     rule::over_limit(),
                     rule::duplicate_ids()}},
          recognise,
          read};
}

}  // namespace nightwatt
