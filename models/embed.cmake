# Writes OUTPUT, a C++ source that holds every file of LIST (paths separated by |, relative to ROOT).
# Run at build time: cmake -DROOT=... -DLIST=... -DOUTPUT=... -P embed.cmake
string(REPLACE "|" ";" paths "${LIST}")
set(entries "")
foreach(path IN LISTS paths)
  file(READ ${ROOT}/${path} text)
  string(APPEND entries "    {\"${path}\", R\"__json__(${text})__json__\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Written by models/embed.cmake.
#include \"models/embedded.hpp\"

namespace regroup::models {
namespace {
constexpr EmbeddedFile kFiles[] = {
${entries}};
}  // namespace

std::span<const EmbeddedFile> embedded_files() { return kFiles; }

}  // namespace regroup::models
")
