// The formats that open_trace and open_import choose from. Only they include this.
#pragma once

#include <memory>
#include <string>

#include "traces/import.hpp"
#include "traces/reader.hpp"

namespace regroup::traces {

// The first line of a trace in our own format, and the columns of the second.
inline constexpr std::string_view kCsvMagic = "# regroup trace v1";
inline constexpr std::string_view kCsvColumns[] = {"id",     "arrival_us", "model",      "width",
                                                   "height", "frames",     "steps",      "guidance",
                                                   "class",  "priority",   "deadline_us"};

// With a name in options.shown_as.
std::unique_ptr<Reader> open_csv(const std::string& path, const OpenOptions& options);
std::unique_ptr<Reader> open_hetu(const std::string& path, const OpenOptions& options);
std::unique_ptr<Reader> open_gfdit(const std::string& path, const OpenOptions& options);

std::unique_ptr<Reader> open_azure(const std::string& path, const ImportOptions& options);
std::unique_ptr<Reader> open_mooncake(const std::string& path, const ImportOptions& options);

}  // namespace regroup::traces
