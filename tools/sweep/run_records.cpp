#include "tools/sweep/run_records.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRun = "run";

[[noreturn]] void refuse(const std::filesystem::path& path) {
  fail<SystemError>("{}: {}", path.string(), std::strerror(errno));
}

std::string line_of(const std::string& id, const RunNumbers& numbers) {
  Json json;
  json[kRun] = id;
  // JSON has no NaN; nlohmann writes null. Other numbers read back as they were.
  for (const Metric& metric : kMetrics) json[metric.name] = numbers.*metric.value;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::pair<std::string, RunNumbers> parse(const std::string& line) {
  const Json json = Json::parse(line);
  RunNumbers numbers;
  for (const Metric& metric : kMetrics) {
    const Json& value = json.at(metric.name);
    numbers.*metric.value =
        value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  }
  return {json.at(kRun).get<std::string>(), numbers};
}

bool same(const RunNumbers& one, const RunNumbers& other) {
  return std::ranges::all_of(kMetrics, [&](const Metric& metric) {
    const double a = one.*metric.value, b = other.*metric.value;
    return a == b || (std::isnan(a) && std::isnan(b));
  });
}

void read_file(const std::filesystem::path& path, RunRecords& records) {
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse(path);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (in.eof()) break;  // the line has no end
    std::pair<std::string, RunNumbers> record;
    try {
      record = parse(line);
    } catch (const nlohmann::json::exception&) {
      fail<CheckFailed>("{}:{}: no record of a run; remove the line, and its run is done again",
                        path.string(), number);
    }
    const auto [known, fresh] = records.insert(record);
    if (!fresh && !same(known->second, record.second))
      fail<CheckFailed>(
          "{}:{}: run '{}' has other results here than in another line: was regroup changed "
          "between "
          "them?",
          path.string(), number, record.first);
  }
}

}  // namespace

RunRecords read_run_records(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  if (error) fail<SystemError>("{}: {}", folder.string(), error.message());
  std::ranges::sort(files);
  RunRecords records;
  for (const auto& file : files) read_file(file, records);
  return records;
}

RunRecorder::RunRecorder(std::filesystem::path folder, std::string name)
    : folder_(std::move(folder)), name_(std::move(name)) {}

RunRecorder::~RunRecorder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RunRecorder::create() {
  for (int i = 0;; ++i) {
    path_ = folder_ / fmt::format("{}.{}.jsonl", name_, i);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) break;
    if (errno != EEXIST) refuse(path_);
  }
  synced_ = std::chrono::steady_clock::now();
}

void RunRecorder::append(const std::string& id, const RunNumbers& numbers) {
  const std::string line = line_of(id, numbers);
  const std::lock_guard lock(mutex_);
  if (path_.empty()) create();
  if (descriptor_ < 0) fail<SystemError>("{}: is closed after an error", path_.string());
  // One call: what is there of a line after a kill is its beginning.
  const ssize_t written = ::write(descriptor_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    if (written >= 0) errno = ENOSPC;
    const int reason = errno;
    ::close(descriptor_);
    descriptor_ = -1;
    errno = reason;
    refuse(path_);
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ < std::chrono::seconds(1)) return;
  if (::fsync(descriptor_) != 0) refuse(path_);
  synced_ = now;
}

void RunRecorder::close() {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  const bool good = ::fsync(descriptor_) == 0;
  const int reason = errno;
  ::close(descriptor_);
  descriptor_ = -1;
  errno = reason;
  if (!good) refuse(path_);
}

}  // namespace regroup::tools
