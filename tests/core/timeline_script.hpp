// The timeline of what a script plays.
#pragma once

#include <string>

#include "core/timeline.hpp"
#include "tests/core/observer_script.hpp"

namespace regroup::script {

// Its bytes; also in `dir`.
template <class Play>
std::string written_timeline(const TempDir& dir, Script& script, Play play) {
  TimelineLog log(dir.path(), script.catalog, script.classes);
  script.observers = {&log};
  play(script);
  log.commit();
  script.observers.clear();
  return dir.read("timeline.pftrace");
}

}  // namespace regroup::script
