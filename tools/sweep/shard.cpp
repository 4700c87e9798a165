#include "tools/sweep/shard.hpp"

#include <charconv>
#include <cstdlib>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

std::optional<int> whole_number(const std::string& text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || next != end) return std::nullopt;
  return value;
}

std::optional<int> number(const Environment& environment, const char* name) {
  const std::optional<std::string> text = environment(name);
  if (!text) return std::nullopt;
  const std::optional<int> value = whole_number(*text);
  if (!value || *value < 0)
    fail<ConfigError>("environment: {} is '{}', expected a whole number", name, *text);
  return value;
}

// Both must be there: either alone is somebody else's.
std::optional<Shard> from(const Environment& environment, const char* index, const char* count) {
  const std::optional<int> i = number(environment, index), n = number(environment, count);
  if (!i || !n) return std::nullopt;
  if (*i >= *n)
    fail<ConfigError>("environment: {} is {} and {} is {}, expected less", index, *i, count, *n);
  return Shard{*i, *n};
}

}  // namespace

std::string Shard::name() const { return fmt::format("{}-of-{}", index + 1, count); }

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto index = whole_number(text.substr(0, slash));
  const auto count = slash == text.npos ? std::nullopt : whole_number(text.substr(slash + 1));
  if (!index || !count || *index < 1 || *index > *count)
    fail<ConfigError>("--shard {}: expected I/N with I from 1 to N, such as 1/4", text);
  return {*index - 1, *count};
}

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Shard job_array_shard(const Environment& environment) {
  const auto id = number(environment, "SLURM_ARRAY_TASK_ID");
  const auto count = number(environment, "SLURM_ARRAY_TASK_COUNT");
  if (!id || !count) return {};
  const int first = number(environment, "SLURM_ARRAY_TASK_MIN").value_or(0);
  const int step = number(environment, "SLURM_ARRAY_TASK_STEP").value_or(1);
  const int index = step > 0 ? (*id - first) / step : -1;
  if (index < 0 || index >= *count || first + index * step != *id)
    fail<ConfigError>(
        "job array: task {} of {} from {} in steps of {} has no share; allowed: evenly spaced "
        "tasks, or --shard I/N",
        *id, *count, first, step);
  return {index, *count};
}

Shard launched_shard(const Environment& environment) {
  if (const auto ours = from(environment, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"))
    return *ours;
  return from(environment, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS").value_or(Shard{});
}

}  // namespace regroup::tools
