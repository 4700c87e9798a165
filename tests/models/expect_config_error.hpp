// Checks that something is refused, and that the message names what a user needs to know.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "core/errors.hpp"

namespace regroup::models {

template <class E = ConfigError, class Action>
void expect_refused(Action action, std::initializer_list<std::string> named) {
  try {
    action();
    FAIL() << "was not refused";
  } catch (const E& error) {
    for (const std::string& word : named)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
          << "'" << word << "' is not in: " << error.what();
  }
}

}  // namespace regroup::models
