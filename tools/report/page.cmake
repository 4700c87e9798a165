# Writes OUTPUT, a C++ source that holds page/index.html with everything it needs inside it: the style,
# the scripts (SCRIPTS: names in page/, separated by |, in the order in which they are read), and
# CHART_JS with its LICENCE.
# Run at build time: cmake -DROOT=... -DSCRIPTS=... -DCHART_JS=... -DLICENCE=... -DOUTPUT=... -P page.cmake
cmake_minimum_required(VERSION 3.25)
file(READ ${ROOT}/page/index.html page)
file(READ ${ROOT}/page/style.css style)
file(READ ${CHART_JS} charts)
file(READ ${LICENCE} licence)
set(script "")
string(REPLACE "|" ";" names "${SCRIPTS}")
foreach(name IN LISTS names)
  file(READ ${ROOT}/page/${name} text)
  string(APPEND script "${text}")
endforeach()
string(REPLACE "&" "&amp;" licence "${licence}")
string(REPLACE "<" "&lt;" licence "${licence}")
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@LICENCE@" "${licence}" page "${page}")
string(REPLACE "@CHARTS@" "${charts}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
file(WRITE ${OUTPUT} "// Written by tools/report/page.cmake.
#include \"tools/report/page_text.hpp\"

namespace regroup::tools {

std::string_view page_text() {
  static constexpr char kText[] = R\"__page__(${page})__page__\";
  return {kText, sizeof kText - 1};
}

}  // namespace regroup::tools
")
