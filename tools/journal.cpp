// regroup journal: the journal of a run as text.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "core/errors.hpp"
#include "core/journal_reader.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

// Of a journal that is cut short all that there is, before the error is thrown.
void print_journal(const std::filesystem::path& path) {
  const std::filesystem::path file = std::filesystem::is_directory(path) ? path / "journal" : path;
  std::ifstream bytes(file, std::ios::binary);
  if (!bytes) fail<ConfigError>("{}: cannot be opened", file.string());
  JournalReader reader(bytes, file.string());
  std::puts(kJournalHeading);
  std::string line;
  for (JournalEntry entry; reader.next(entry);) {
    line.clear();
    append(line, entry);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
}

}  // namespace

void add_journal(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "journal",
      "Prints a run's journal as text, a line for each event (e) and decision (d); times are in "
      "nanoseconds.");
  auto path = std::make_shared<std::string>();
  verb->add_option("PATH", *path, "a folder written by replay --out, or a journal")->required();
  verb->callback([path] { print_journal(*path); });
}

}  // namespace regroup::tools
