#include "tools/bench/policy_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

#include "core/errors.hpp"
#include "core/policy_handle.hpp"
#include "policies/builtin_policies.hpp"
#include "tools/bench/parallel.hpp"
#include "tools/bench/published_workload.hpp"
#include "tools/bound/attainment_bound.hpp"

namespace regroup::tools {
namespace {

// The values of a parameter that stand for policies of their own; none: leave it as it comes.
std::vector<std::string> values_of(const std::string& key, int gpus_per_node) {
  if (key == "mode") return {"pause", "demote"};
  if (key == "priority") return {"0", "1"};
  if (key == "round_ms") return {"0", "1000"};  // continuous; TetriServe's five steps or so
  std::vector<std::string> degrees;
  for (int degree = 1; key == "degree" && degree <= std::min(gpus_per_node, 8); degree *= 2)
    degrees.push_back(std::to_string(degree));
  return degrees;
}

// Every way to extend `forms` by a value of the parameter.
std::vector<PolicyForm> with_each(const std::vector<PolicyForm>& forms, const std::string& key,
                                  const std::vector<std::string>& values) {
  std::vector<PolicyForm> out;
  for (const PolicyForm& form : forms)
    for (const std::string& value : values) {
      out.push_back(form);
      out.back().params[key] = value;
    }
  return out;
}

// Calls `work`; what it throws gets the name of the place where it happened in front.
template <class Work>
void named(const std::string& place, Work work) {
  try {
    work();
  } catch (const ConfigError& error) {
    fail<ConfigError>("{}: {}", place, error.what());
  } catch (const PolicyError& error) {
    fail<PolicyError>("{}: {}", place, error.what());
  } catch (const SystemError& error) {
    fail<SystemError>("{}: {}", place, error.what());
  } catch (const InternalError& error) {
    fail<InternalError>("{}: {}", place, error.what());
  }
}

// Who finishes nothing is slower than everyone.
double latency_for_order(double mean_s) {
  return std::isnan(mean_s) ? std::numeric_limits<double>::infinity() : mean_s;
}

std::string name_of(const PolicyForm& form) {
  Experiment experiment;
  experiment.policy = form.policy;
  experiment.params = form.params;
  return run_name(experiment);
}

MatrixRun numbers_of(const Summary& s) {
  return {.requests = s.requests,
          .finished = s.finished,
          .rejected = s.rejected,
          .unfinished = s.unfinished,
          .violations = s.slo_violations,
          .violation_rate = s.slo_violation_rate,
          .latency_mean_s = s.latency_s.mean,
          .latency_p95_s = s.latency_s.p95};
}

}  // namespace

PolicyForm parse_form(const std::string& text) {
  PolicyForm form;
  std::size_t end = text.find(':');
  form.policy = text.substr(0, end);
  while (end != std::string::npos) {
    const std::size_t begin = end + 1;
    end = text.find(':', begin);
    const std::string param = text.substr(begin, end == text.npos ? end : end - begin);
    const std::size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0)
      fail<ConfigError>("policy '{}': expected NAME or NAME:KEY=VALUE[:KEY=VALUE]", text);
    if (!form.params.emplace(param.substr(0, equals), param.substr(equals + 1)).second)
      fail<ConfigError>("policy '{}': {} is given twice", text, param.substr(0, equals));
  }
  if (form.policy.empty()) fail<ConfigError>("policy '{}': it has no name", text);
  return form;
}

std::vector<PolicyForm> builtin_forms(int gpus_per_node) {
  std::vector<PolicyForm> all;
  for (const PolicyPlugin* plugin : kBuiltinPolicies) {
    const PolicyParams params;
    const PolicyHandle asks(*plugin, params);
    std::vector<PolicyForm> forms = {{.policy = plugin->name, .params = {}}};
    for (const PolicyParams::Question& question : params.asked()) {
      const auto values = values_of(question.key, gpus_per_node);
      if (!values.empty()) forms = with_each(forms, question.key, values);
    }
    all.insert(all.end(), forms.begin(), forms.end());
  }
  return all;
}

Matrix::Matrix(MatrixOptions options, std::vector<double> bounds, std::vector<MatrixRun> runs)
    : options_(std::move(options)), bounds_(std::move(bounds)), runs_(std::move(runs)) {
  RG_CHECK(bounds_.size() == options_.workloads.size() * options_.loads.size() *
                                 static_cast<std::size_t>(options_.seeds),
           "{} bounds", bounds_.size());
  RG_CHECK(runs_.size() == bounds_.size() * options_.policies.size(), "{} runs", runs_.size());
}

std::string Matrix::policy_name(std::size_t policy) const {
  return name_of(options_.policies[policy]);
}

std::size_t Matrix::trace_index(std::size_t workload, std::size_t load, int seed) const {
  return (workload * options_.loads.size() + load) * static_cast<std::size_t>(options_.seeds) +
         static_cast<std::size_t>(seed);
}

const MatrixRun& Matrix::run(std::size_t workload, std::size_t load, std::size_t policy,
                             int seed) const {
  return runs_[trace_index(workload, load, seed) * options_.policies.size() + policy];
}

double Matrix::bound(std::size_t workload, std::size_t load, int seed) const {
  return bounds_[trace_index(workload, load, seed)];
}

Estimate Matrix::bound(std::size_t workload, std::size_t load) const {
  std::vector<double> bounds;
  for (int seed = 0; seed < options_.seeds; ++seed) bounds.push_back(bound(workload, load, seed));
  return student_mean(bounds);
}

std::vector<double> Matrix::violation_rates(std::size_t workload, std::size_t load,
                                            std::size_t policy) const {
  std::vector<double> rates;
  for (int seed = 0; seed < options_.seeds; ++seed)
    rates.push_back(run(workload, load, policy, seed).violation_rate);
  return rates;
}

std::size_t Matrix::best_policy(std::size_t workload, std::size_t load) const {
  std::vector<std::pair<double, double>> keys;
  for (std::size_t policy = 0; policy < options_.policies.size(); ++policy) {
    std::pair<double, double> sums;
    for (int seed = 0; seed < options_.seeds; ++seed) {
      const MatrixRun& one = run(workload, load, policy, seed);
      sums.first += one.violation_rate;
      sums.second += latency_for_order(one.latency_mean_s);
    }
    keys.push_back(sums);
  }
  return static_cast<std::size_t>(std::ranges::min_element(keys) - keys.begin());
}

std::vector<MatrixEntry> Matrix::entries(std::size_t workload, std::size_t load) const {
  const std::size_t best = best_policy(workload, load);
  const std::vector<double> best_rates = violation_rates(workload, load, best);
  std::vector<MatrixEntry> entries;
  for (std::size_t policy = 0; policy < options_.policies.size(); ++policy) {
    MatrixEntry entry;
    const std::vector<double> rates = violation_rates(workload, load, policy);
    std::vector<double> differences, above_bound, latencies_s, p95s_s;
    for (int seed = 0; seed < options_.seeds; ++seed) {
      const MatrixRun& one = run(workload, load, policy, seed);
      entry.requests += one.requests;
      differences.push_back(rates[differences.size()] - best_rates[differences.size()]);
      above_bound.push_back(one.violation_rate - bound(workload, load, seed));
      latencies_s.push_back(one.latency_mean_s);
      p95s_s.push_back(one.latency_p95_s);
    }
    entry.violation_rate = student_mean(rates);
    entry.latency_mean_s = student_mean(latencies_s);
    entry.latency_p95_s = student_mean(p95s_s).mean;
    entry.behind = student_mean(differences);
    entry.above_bound = student_mean(above_bound);
    entry.best = policy == best || entry.behind.may_be_zero();
    entries.push_back(entry);
  }
  const auto mean = [](const MatrixEntry& entry) {
    return latency_for_order(entry.latency_mean_s.mean);
  };
  const double slowest = mean(*std::ranges::max_element(entries, {}, mean));
  const double fastest = mean(*std::ranges::min_element(entries, {}, mean));
  for (MatrixEntry& entry : entries) entry.slowest = mean(entry) == slowest && slowest > fastest;
  return entries;
}

Matrix run_matrix(MatrixOptions options) {
  const std::size_t policies = options.policies.size();
  const auto seeds = static_cast<std::size_t>(options.seeds);
  const std::size_t trace_count = options.workloads.size() * options.loads.size() * seeds;
  const auto cell_name = [&](std::size_t trace) {
    const std::size_t cell = trace / seeds;
    return fmt::format("{}, load {}, seed {}", options.workloads[cell / options.loads.size()],
                       options.loads[cell % options.loads.size()], trace % seeds);
  };

  // Parameters that a policy refuses are found before anything runs.
  for (const PolicyForm& form : options.policies)
    PolicyHandle(find_policy(form.policy, kBuiltinPolicies), PolicyParams(form.params));

  std::vector<WorkloadTrace> workloads(trace_count);
  const auto experiment_on = [&](std::size_t trace) {
    Experiment experiment = options.base;
    const WorkloadTrace& workload = workloads[trace];
    experiment.workload = [&workload] {
      return traces::list_reader(workload.requests, "the workload");
    };
    experiment.slo = workload.slo;
    return experiment;
  };
  std::vector<double> bounds(trace_count);
  for_each_index(trace_count, options.jobs, [&](std::size_t i) {
    named(cell_name(i), [&] {
      models::PlatformOptions costs = options.base.platform;
      costs.cluster = options.base.cluster;
      models::Platform platform(costs);
      const std::size_t cell = i / seeds;
      workloads[i] = published_workload(options.workloads[cell / options.loads.size()],
                                        options.loads[cell % options.loads.size()], i % seeds,
                                        options.requests, platform);
      bounds[i] = 1 - attainment_bound(experiment_on(i)).attainment();
    });
  });

  std::vector<MatrixRun> runs(trace_count * policies);
  std::mutex mutex;
  std::size_t done = 0;
  for_each_index(runs.size(), options.jobs, [&](std::size_t i) {
    Experiment experiment = experiment_on(i / policies);
    experiment.policy = options.policies[i % policies].policy;
    experiment.params = options.policies[i % policies].params;
    named(fmt::format("{}, policy {}", cell_name(i / policies),
                      name_of(options.policies[i % policies])),
          [&] { runs[i] = numbers_of(tools::run(experiment).summary); });
    const std::lock_guard lock(mutex);
    ++done;
    if (options.progress) options.progress(done, runs.size());
  });
  return {std::move(options), std::move(bounds), std::move(runs)};
}

}  // namespace regroup::tools
