#include <charconv>
#include <map>
#include <string>

#include "policies/decisions.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

/// Priority with ageing. Priority grows by one a second of waiting, the same for all, so the order
/// of two waiting jobs never changes and one static key holds it: submit time minus the head start
/// that a job gets from its class, size and length, all in seconds of waiting.
class Priority final : public OrderPolicy {
 public:
  explicit Priority(const ParamValues& values)
      : per_gpu_s_(values.number("per_gpu")), per_hour_s_(values.number("per_hour")) {
    const std::string& text = values.text("classes");  // "urgent=7200 batch=-3600"
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      const std::string_view part(text.data() + at, end - at);
      at = end + 1;
      if (part.empty()) continue;
      const std::size_t equals = part.find('=');
      double head_start_s = 0.0;
      const char* number = part.data() + equals + 1;
      if (equals == std::string_view::npos ||
          std::from_chars(number, part.data() + part.size(), head_start_s).ptr !=
              part.data() + part.size()) {
        throw InputError(
            "policies.order.priority.classes: expected 'name=seconds name=seconds ...', got '" +
            text + "'");
      }
      class_s_[std::string(part.substr(0, equals))] = head_start_s;
    }
  }

  double key(const JobView& job, SimTime) override {
    const auto it = class_s_.find(job.job_class);
    const double class_s = it == class_s_.end() ? 0.0 : it->second;
    return job.submit_s - class_s - per_gpu_s_ * job.units - per_hour_s_ * job.estimate_s / 3600.0;
  }

 private:
  double per_gpu_s_, per_hour_s_;
  std::map<std::string, double, std::less<>> class_s_;
};

[[maybe_unused]] const bool registered = register_policy<Priority>(
    {Question::order,
     "priority",
     "class, size and length as a head start, plus one for each second of waiting (ageing)",
     "Slurm multifactor priority plug-in, documentation (age, job size, QOS factors)",
     {{"per_gpu",
       ParamKind::seconds,
       "head start for each GPU asked for; negative favours small jobs",
       "0 s",
       -1e9,
       1e9,
       {}},
      {"per_hour",
       ParamKind::seconds,
       "head start for each hour of estimate; negative favours short jobs",
       "0 s",
       -1e9,
       1e9,
       {}},
      {"classes",
       ParamKind::text,
       "head start by class in seconds: 'urgent=7200 batch=-3600'",
       " ",
       0,
       0,
       {}}}});

}  // namespace
}  // namespace nightwatt
