// regroup picture: the schedules of runs, drawn one below the other.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "tools/schedule_svg.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct PictureFlags {
  std::vector<std::string> folders;
  PictureOptions options;
  std::string out;
};

void draw(const PictureFlags& f) {
  const std::string svg = schedule_svg(f.folders, f.options);
  if (f.out.empty()) {
    fmt::print("{}", svg);
    return;
  }
  write_file(f.out, svg);
}

}  // namespace

void add_picture(CLI::App& program) {
  CLI::App* verb =
      program.add_subcommand("picture", "Draws the schedules of runs as SVG: GPUs by time.");
  auto f = std::make_shared<PictureFlags>();
  verb->add_option("DIR", f->folders, "folders written by replay --out")->required();
  verb->add_option("--from", f->options.from_s, "seconds of the run at the left edge (default 0)");
  verb->add_option("--to", f->options.to_s, "and at the right edge (default: the end)");
  verb->add_option("--width", f->options.width, "pixels (default 1000)")
      ->check(CLI::Range(300, 10000));
  verb->add_option("-o,--out", f->out, "file to write (default: standard output)");
  verb->callback([f] { draw(*f); });
}

}  // namespace regroup::tools
