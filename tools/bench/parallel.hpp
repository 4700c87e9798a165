// Many independent pieces of work on a few threads.
#pragma once

#include <cstddef>
#include <functional>

namespace regroup::tools {

// Calls work(0) to work(count - 1), each once, on `jobs` threads, and returns when all are done.
// They are begun in order. After an exception no more are begun; the one with the lowest index
// leaves this call, so which one that is does not depend on `jobs`.
void for_each_index(std::size_t count, int jobs, const std::function<void(std::size_t)>& work);

}  // namespace regroup::tools
