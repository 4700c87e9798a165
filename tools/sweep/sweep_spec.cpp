#include "tools/sweep/sweep_spec.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

using Options = models::PlatformOptions;

// Reads one specification. `raw_` is the same document once more, for the one place that takes
// values of several kinds.
class SpecReader {
 public:
  SpecReader(const std::string& text, const std::filesystem::path& file)
      : json_(models::Json::parse(text, file.string())),
        raw_(nlohmann::json::parse(text)),
        folder_(file.parent_path()) {}

  SweepSpec read() {
    json_.expect_format("regroup-sweep");
    json_.allow({"format", "version", "policies", "workloads", "clusters", "slo_scales", "loads",
                 "seeds", "baseline", "capacity", "calibrations", "semantics", "costs", "groups",
                 "jitter", "failures"});
    read_runs();
    read_policies();
    for (const models::Json& item : filled("workloads")) {
      const SweepWorkload& added =
          spec_.workloads.emplace_back(SweepWorkload::parse(item, folder_));
      expect_new(item, "workload " + added.name());
      if (!added.file().empty()) spec_.files.emplace_back(added.file());
    }
    for (const models::Json& item : filled("clusters")) {
      spec_.clusters.push_back(located(item.string()));
      expect_new(item, "cluster " + std::filesystem::path(item.string()).filename().string());
    }
    read_numbers("slo_scales", spec_.slo_scales);
    read_numbers("loads", spec_.loads);
    if (json_.has("capacity"))
      read_search(json_.at("capacity"));
    else
      spec_.seeds = json_.has("seeds") ? json_.integer("seeds", 1) : 1;
    check_clusters();
    return std::move(spec_);
  }

 private:
  std::vector<models::Json> filled(const char* key) const {
    std::vector<models::Json> items = json_.at(key).items();
    if (items.empty()) json_.at(key).complain("expected at least one entry");
    return items;
  }

  // Two of a name could not be told apart in the results.
  void expect_new(const models::Json& item, const std::string& what) {
    if (!seen_.insert(what).second)
      item.complain(fmt::format("{} is there twice{}", what,
                                what.starts_with("workload") ? "; give one a 'name'" : ""));
  }

  // A path from the specification's folder, or a name as it is.
  std::string located(const std::string& text) {
    const std::filesystem::path path = folder_ / text;
    const bool word = text.find_first_of("./") == std::string::npos;
    if (word || !std::filesystem::exists(path)) return text;
    spec_.files.push_back(path);
    return path.string();
  }

  void read_numbers(const char* key, std::vector<double>& values) {
    if (!json_.has(key)) return;
    values.clear();
    for (const models::Json& item : filled(key)) {
      values.push_back(item.positive());
      expect_new(item, fmt::format("{} {}", key, values.back()));
    }
  }

  std::string choice(const char* key, const char* usual, const char* other) const {
    const std::string word = json_.has(key) ? json_.string(key) : usual;
    if (word != usual && word != other)
      json_.at(key).complain(fmt::format("'{}'; allowed: {}, {}", word, usual, other));
    return word;
  }

  void read_runs() {
    Experiment& base = spec_.base;
    if (json_.has("calibrations"))
      for (const std::string& name : json_.strings("calibrations"))
        base.platform.calibrations.emplace_back(located(name));
    if (json_.has("semantics")) base.platform.semantics = located(json_.string("semantics"));
    if (choice("costs", "best", "analytic") == "analytic")
      base.platform.costs = Options::Costs::kAnalytic;
    if (choice("groups", "group-free", "nccl") == "nccl")
      base.platform.groups = Options::Groups::kNccl;
    if (json_.has("jitter")) base.jitter = json_.positive("jitter");
    if (json_.has("failures"))
      for (const std::string& text : json_.strings("failures"))
        base.failures.push_back(parse_failure(text));
  }

  void read_policies() {
    for (const models::Json& item : filled("policies")) {
      item.allow({"policy", "params"});
      std::vector<PolicyForm> forms = {{.policy = located(item.string("policy")), .params = {}}};
      if (item.has("params"))
        for (const std::string& key : item.at("params").keys())
          forms = with_each(forms, key, values_of(item.at("params").at(key), item, key));
      for (PolicyForm& form : forms) {
        Experiment named;
        named.policy = form.policy;
        named.params = form.params;
        spec_.policy_names.push_back(run_name(named));
        expect_new(item, "policy " + spec_.policy_names.back());
        spec_.policies.push_back(std::move(form));
      }
      ++policies_read_;
    }
    if (!json_.has("baseline")) return;
    const auto& names = spec_.policy_names;
    const auto found = std::ranges::find(names, json_.string("baseline"));
    if (found == names.end())
      json_.at("baseline")
          .complain(fmt::format("'{}' is no policy of this sweep; allowed: {}",
                                json_.string("baseline"), fmt::join(names, ", ")));
    spec_.baseline = static_cast<std::size_t>(found - names.begin());
  }

  // Every way to extend `forms` by one of the values.
  static std::vector<PolicyForm> with_each(const std::vector<PolicyForm>& forms,
                                           const std::string& key,
                                           const std::vector<std::string>& values) {
    std::vector<PolicyForm> extended;
    for (const PolicyForm& form : forms)
      for (const std::string& value : values) {
        extended.push_back(form);
        extended.back().params[key] = value;
      }
    return extended;
  }

  // The values of a parameter: one, or a list of them, each a text, a number, or true or false.
  std::vector<std::string> values_of(const models::Json& json, const models::Json& policy,
                                     const std::string& key) const {
    const nlohmann::json& value = raw_.at("policies").at(policies_read_).at("params").at(key);
    const auto text_of = [&](const nlohmann::json& one) {
      if (one.is_string()) return one.get<std::string>();
      if (!one.is_number() && !one.is_boolean())
        json.complain("expected text, a number, true, false, or a list of these");
      return one.dump();
    };
    if (!value.is_array()) return {text_of(value)};
    if (value.empty()) policy.complain(fmt::format("parameter '{}' has no values", key));
    std::vector<std::string> values;
    for (const nlohmann::json& one : value) values.push_back(text_of(one));
    return values;
  }

  void read_search(const models::Json& json) {
    json.allow({"target_violation_rate", "search", "low", "high", "tolerance", "confidence",
                "min_seeds", "max_seeds"});
    if (json_.has("baseline")) json_.at("baseline").complain("has no effect on a capacity search");
    if (json_.has("seeds"))
      json_.at("seeds").complain("a capacity search adds seeds; allowed: 'max_seeds' in it");
    SweepSpec::Search search;
    search.axis = axis_of(json.at("search"));
    const double low = json.positive("low"), high = json.positive("high");
    if (low > high) json.at("low").complain(fmt::format("{} is above 'high', {}", low, high));
    // More GPUs and later deadlines are easier; more requests are harder.
    const bool high_is_hard = search.axis == SweepSpec::Axis::kRate;
    search.easy = high_is_hard ? low : high;
    search.hard = high_is_hard ? high : low;
    search.target = share(json.at("target_violation_rate"));
    search.whole = search.axis == SweepSpec::Axis::kGpus;
    if (search.whole) {
      json.integer("low", 1);
      json.integer("high", 1);
      if (json.has("tolerance"))
        json.at("tolerance").complain("has no effect: a search for GPUs ends at neighbours");
    }
    if (json.has("tolerance")) search.tolerance = share(json.at("tolerance"));
    if (json.has("confidence")) search.confidence = share(json.at("confidence"));
    if (json.has("max_seeds")) search.max_seeds = json.integer("max_seeds", 1);
    search.min_seeds = std::min(search.min_seeds, search.max_seeds);
    if (json.has("min_seeds")) search.min_seeds = json.integer("min_seeds", 1);
    if (search.min_seeds > search.max_seeds)
      json.at("min_seeds").complain(fmt::format("is above 'max_seeds', {}", search.max_seeds));
    spec_.seeds = search.max_seeds;
    spec_.search = search;
  }

  SweepSpec::Axis axis_of(const models::Json& json) const {
    const std::string word = json.string();
    const auto searched = [&](const char* key) {
      if (json_.has(key))
        json_.at(key).complain(fmt::format("has no effect: \"search\": \"{}\" varies it", word));
    };
    if (word == "rate") return searched("loads"), SweepSpec::Axis::kRate;
    if (word == "slo_scale") return searched("slo_scales"), SweepSpec::Axis::kSloScale;
    if (word != "gpus") json.complain(fmt::format("'{}'; allowed: rate, gpus, slo_scale", word));
    for (std::size_t i = 0; i < spec_.workloads.size(); ++i)
      if (spec_.workloads[i].load_is_relative())
        json_.at("workloads")
            .items()[i]
            .complain(
                "its rate follows the GPUs, so their number cannot be searched; allowed: 'trace', "
                "'generate'");
    return SweepSpec::Axis::kGpus;
  }

  // Strictly between 0 and 1.
  static double share(const models::Json& json) {
    const double value = json.number();
    if (!(value > 0 && value < 1))
      json.complain(fmt::format("{}; allowed: above 0, below 1", value));
    return value;
  }

  void check_clusters() const {
    const bool searched = spec_.search && spec_.search->whole;
    for (std::size_t i = 0; i < spec_.clusters.size(); ++i)
      if ((std::ranges::count(spec_.clusters[i], '*') == 1) != searched)
        json_.at("clusters")
            .items()[i]
            .complain(searched ? "expected one * for the number that is searched: *xH100, *x8xH100"
                               : "* is for a capacity search for GPUs");
  }

  models::Json json_;
  nlohmann::json raw_;
  std::filesystem::path folder_;
  std::set<std::string> seen_;
  std::size_t policies_read_ = 0;
  SweepSpec spec_;
};

}  // namespace

SweepSpec parse_sweep_spec(const std::string& text, const std::filesystem::path& file) {
  return SpecReader(text, file).read();
}

}  // namespace regroup::tools
