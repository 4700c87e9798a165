// regroup policy: what policies there are, what they can be told, a new one, and its check.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "core/policy_handle.hpp"
#include "policies/builtin_policies.hpp"
#include "tools/check/check_cases.hpp"
#include "tools/check/policy_check.hpp"
#include "tools/policy_template.hpp"
#include "tools/run_flags.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

void list() {
  std::vector<std::vector<std::string>> rows;
  for (const PolicyPlugin* plugin : kBuiltinPolicies)
    rows.push_back({plugin->name, plugin->summary});
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row[0].size());
  for (const auto& row : rows) fmt::print("{:<{}}  {}\n", row[0], width, row[1]);
}

void show(const std::string& name) {
  const PolicyPlugin& plugin = find_policy(name, kBuiltinPolicies);
  const PolicyParams params;
  const PolicyHandle policy(plugin, params);
  fmt::print("{}: {}\n", plugin.name, plugin.summary);
  if (*plugin.source != '\0') fmt::print("Source: {}\n", plugin.source);
  if (params.asked().empty()) {
    fmt::print("It has no parameters.\n");
    return;
  }
  fmt::print("\nParameters (--param key=value):\n");
  for (const PolicyParams::Question& q : params.asked())
    fmt::print("  {} ({}, default {}): {}\n", q.key, q.type, q.otherwise, q.meaning);
}

// "my_policy" -> "MyPolicy"
std::string class_name(const std::string& name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

void create(const std::string& name, const std::string& directory) {
  const bool good = !name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
  if (!good)
    fail<ConfigError>("policy name '{}': small letters, digits and '_', beginning with a letter",
                      name);
  const std::filesystem::path folder = directory.empty() ? name : directory;
  if (std::filesystem::exists(folder) && !std::filesystem::is_empty(folder))
    fail<ConfigError>("{}: exists and is not empty; give another folder with --dir",
                      folder.string());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail<SystemError>("{}: {}", folder.string(), error.message());

  const auto write = [&](const std::string& file, std::string_view text) {
    std::string filled = replaced(std::string(text), kTemplateName, name);
    filled = replaced(filled, class_name(std::string(kTemplateName)), class_name(name));
    filled =
        replaced(filled, replaced(std::string(kTemplateName), "_", "-"), replaced(name, "_", "-"));
    OutputFile output(folder, file);
    output.write(filled);
    output.commit();
  };
  write(name + ".cpp", kTemplateSource);
  write("CMakeLists.txt", kTemplateCMake);
  fmt::print(
      "{0}/{1}.cpp and {0}/CMakeLists.txt written. Then:\n"
      "  cmake -S {0} -B {0}/build -DCMAKE_PREFIX_PATH=<where regroup is installed>\n"
      "  cmake --build {0}/build\n"
      "  regroup policy check {0}/build/lib{1}.so\n",
      folder.string(), name);
}

void check(const std::string& policy, const std::vector<std::string>& params,
           const std::string& traces) {
  if (!traces.empty()) write_check_traces(traces);
  RunFlags flags;
  flags.params = params;
  const auto results = check_policy(policy, experiment_of(flags).params);
  std::size_t failed = 0;
  for (const CheckResult& result : results) {
    fmt::print("{}  {}\n", result.problem.empty() ? "PASS" : "FAIL", result.check);
    if (result.problem.empty()) continue;
    ++failed;
    fmt::print("      found:     {}\n      reproduce: {}\n", result.problem, result.reproduce);
  }
  fmt::print("{} checks, {} failed\n", results.size(), failed);
  if (failed == 0) return;
  if (traces.empty())
    fmt::print("The traces to reproduce with: regroup policy check {} --traces DIR\n", policy);
  throw CheckFailed(fmt::format("policy '{}' failed {} checks", policy, failed));
}

}  // namespace

void add_policy(CLI::App& program) {
  CLI::App* verb = program.add_subcommand("policy", "Lists, shows, makes and checks policies.");
  verb->require_subcommand(1);

  verb->add_subcommand("list", "The built-in policies.")->callback(list);

  auto name = std::make_shared<std::string>();
  CLI::App* show_verb = verb->add_subcommand("show", "What a policy does, and its parameters.");
  show_verb->add_option("POLICY", *name, "a built-in policy's name, or the path of a .so")
      ->required();
  show_verb->callback([name] { show(*name); });

  auto directory = std::make_shared<std::string>();
  CLI::App* new_verb =
      verb->add_subcommand("new", "Writes a small policy to start from, ready to be built.");
  new_verb->add_option("NAME", *name, "its name: small letters, digits and '_'")->required();
  new_verb->add_option("--dir", *directory, "where to (default: a folder of that name)");
  new_verb->callback([name, directory] { create(*name, *directory); });

  auto params = std::make_shared<std::vector<std::string>>();
  CLI::App* check_verb =
      verb->add_subcommand("check", "Checks that a policy keeps its contract; exit code 1 if not.");
  check_verb->add_option("POLICY", *name, "a built-in policy's name, or the path of a .so")
      ->required();
  check_verb->add_option("--param", *params, "a parameter, key=value")->allow_extra_args(false);
  auto traces = std::make_shared<std::string>();
  check_verb->add_option("--traces", *traces, "folder to write the traces of the checks to");
  check_verb->callback([name, params, traces] { check(*name, *params, *traces); });
}

}  // namespace regroup::tools
