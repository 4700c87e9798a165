// How far long work is, for whoever waits at a terminal.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace regroup::tools {

// `done` of `all` pieces; 0 of all: nobody knows how many there are.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

// A line on standard error that is overwritten a few times a second, from the third second on, and
// gone when the function is destroyed. Empty where standard error is no terminal. One call at a
// time. `pieces` is their name: "cells".
Progress progress_bar(const std::string& pieces);

// "[######              ] 12 of 40 cells, 3.1 a second, about 9 s left"
std::string progress_text(const std::string& pieces, std::size_t done, std::size_t all,
                          double elapsed_s);

// Whether a stream is a terminal that shows colours: see no-color.org.
bool shows_colours(int descriptor);

}  // namespace regroup::tools
