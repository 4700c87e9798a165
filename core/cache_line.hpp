// What memory is fetched by. On a large cluster what is live does not fit into the caches next to
// the core, and an event takes as long as the lines that it touches.
#pragma once

#include <cstddef>

namespace regroup {

inline constexpr std::size_t kCacheLine = 64;  // bytes

// Has the lines of the first `bytes` of an object, which begins with a line of its own, brought
// near while other work is done.
inline void fetch(const void* object, std::size_t bytes) {
  const char* const begin = static_cast<const char*>(object);
  for (std::size_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(begin + at, 1);
}

}  // namespace regroup
