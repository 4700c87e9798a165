#include "tools/sweep/sweep_folder.hpp"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/errors.hpp"
#include "core/output_file.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;
using std::filesystem::path;

constexpr const char* kSpec = "spec.json";
constexpr const char* kInputs = "inputs.json";

std::string contents(const path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad()) fail<ConfigError>("{}: cannot be read", file.string());
  return text;
}

// FNV-1a (Fowler, Noll, Vo), 64 bits: notices a changed file; nobody forges one.
class Fingerprint {
 public:
  void add(const char* bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      hash_ = (hash_ ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3ULL;
  }
  void add_file(const path& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<char> block(1 << 16);
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0)
      add(block.data(), static_cast<std::size_t>(in.gcount()));
    if (!in.is_open() || in.bad()) fail<ConfigError>("{}: cannot be read", file.string());
  }
  std::string text() const { return fmt::format("{:016x}", hash_); }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

std::string fingerprint(const path& file) {
  Fingerprint fingerprint;
  if (!std::filesystem::is_directory(file)) {
    fingerprint.add_file(file);
    return fingerprint.text();
  }
  std::vector<path> files;
  for (const auto& entry : std::filesystem::directory_iterator(file))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const path& each : files) {
    const std::string name = each.filename().string();
    fingerprint.add(name.data(), name.size() + 1);
    fingerprint.add_file(each);
  }
  return fingerprint.text();
}

std::string inputs_of(const SweepSpec& spec, const path& folder) {
  Json json = Json::object();
  for (const path& file : spec.files)
    json[file.lexically_proximate(folder).generic_string()] = fingerprint(file);
  return json.dump(2) + '\n';
}

// "replaced /loads/1: 1.2 is now 1.5"
std::vector<std::string> differences(const Json& before, const Json& now) {
  std::vector<std::string> lines;
  for (const Json& step : Json::diff(before, now)) {
    const std::string at = step.at("path").get<std::string>(), what = step.at("op");
    if (what == "replace")
      lines.push_back(fmt::format("{}: was {}, is now {}", at,
                                  before.at(Json::json_pointer(at)).dump(),
                                  step.at("value").dump()));
    else if (what == "add")
      lines.push_back(fmt::format("{}: {} is new", at, step.at("value").dump()));
    else
      lines.push_back(fmt::format("{}: {} is gone", at, before.at(Json::json_pointer(at)).dump()));
  }
  return lines;
}

void expect_same(const path& folder, const char* name, const std::string& now, const char* what) {
  const auto lines = differences(Json::parse(contents(folder / name)), Json::parse(now));
  if (lines.empty()) return;
  fail<ConfigError>("{}: the sweep in this folder has {}; take another folder\n  {}",
                    folder.string(), what, fmt::join(lines, "\n  "));
}

// Gives `name` its contents unless it has some: of processes that start together one wins, and the
// others then compare. A link appears at once and whole, and not over another.
void write_once(const path& folder, const char* name, const std::string& text) {
  if (std::filesystem::exists(folder / name)) return;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  OutputFile file(folder, fmt::format("{}.{}.{}", name, host, getpid()));
  file.write(text);
  file.commit();
  std::error_code error;
  std::filesystem::create_hard_link(file.path(), folder / name, error);
  std::filesystem::remove(file.path());
  if (error && error != std::errc::file_exists)
    fail<SystemError>("{}: {}", (folder / name).string(), error.message());
}

}  // namespace

path runs_folder(const path& folder) { return folder / "runs"; }

SweepSpec open_sweep(const path& folder, const path& spec_file) {
  const std::string text = contents(spec_file);
  SweepSpec spec = parse_sweep_spec(text, spec_file);
  const std::string inputs = inputs_of(spec, spec_file.parent_path());
  std::error_code error;
  std::filesystem::create_directories(runs_folder(folder), error);
  if (error) fail<SystemError>("{}: {}", folder.string(), error.message());
  write_once(folder, kSpec, text);
  write_once(folder, kInputs, inputs);
  expect_same(folder, kSpec, text, "another specification");
  expect_same(folder, kInputs, inputs, "other contents of its input files");
  return spec;
}

SweepSpec read_sweep(const path& folder) {
  const path file = folder / kSpec;
  if (!std::filesystem::exists(file))
    fail<ConfigError>("{}: holds no sweep; start one with regroup sweep --spec FILE --out {}",
                      folder.string(), folder.string());
  return parse_sweep_spec(contents(file), file);
}

}  // namespace regroup::tools
