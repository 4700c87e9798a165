#!/usr/bin/env python3
"""house_test.py RULE ROOT

Checks one rule of the house over the tree at ROOT. Prints what breaks it; exit code 1 if anything.
"""

import os
import pathlib
import re
import sys

FOLDERS = ["policies", "core", "models", "traces", "sim", "runtime", "tools"]
SOURCES = (".hpp", ".cpp", ".cu", ".cuh")
MOST_LINES = 450
MOST_README_LINES = 60


def files(folders, is_wanted):
    """Their paths below these folders, in order. Build trees and results are nobody's."""
    for folder in folders:
        for path, below, names in os.walk(folder):
            below[:] = sorted(name for name in below if name not in ("build", "out", ".git"))
            yield from (pathlib.Path(path, name) for name in sorted(names) if is_wanted(name))


def sources(*folders):
    return files(folders, lambda name: name.endswith(SOURCES))


def lines(path):
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def code_lines(pattern, paths):
    """file:line:code of the lines that match outside of // comments."""
    wanted = re.compile(pattern)
    for path in paths:
        for number, line in enumerate(lines(path), 1):
            if wanted.search(code := line.split("//", 1)[0]):
                yield f"{path}:{number}:{code}"


def wrong_includes(allowed, *folders):
    """Quoted includes that begin with none of `allowed`."""
    right = re.compile(rf'"({allowed})|\.pb\.h"')
    return (line for line in code_lines(r'^ *# *include *"', sources(*folders))
            if not right.search(line))


def arrows():
    """An include may only point at the folder itself or those before it; sim and runtime never meet.
    Angle brackets are no way around: all of ours are caught by name."""
    contract, builtin = "regroup/policy/", r"policies/builtin_policies\.hpp"
    yield from wrong_includes(contract, "policies/include", "policies/template")
    yield from wrong_includes(f"{contract}|policies/builtin/", "policies/builtin")
    yield from wrong_includes(f"{contract}|{builtin}|core/", "core")
    yield from wrong_includes(f"{contract}|core/|models/", "models")
    yield from wrong_includes(f"{contract}|core/|models/|traces/", "traces")
    yield from wrong_includes(f"{contract}|core/|models/|traces/|sim/", "sim")
    yield from wrong_includes(f"{contract}|core/|models/|traces/|runtime/", "runtime")
    yield from wrong_includes(
        f"{contract}|{builtin}|core/|models/|traces/|sim/|runtime/|tools/", "tools")
    ours = "|".join(FOLDERS + ["tests"])
    yield from code_lines(rf"^ *# *include *<({ours})/", sources(*FOLDERS))


def heavy_headers():
    """JSON, Boost.Graph and Eigen stay in the .cpp files that need them."""
    headers = files(FOLDERS, lambda name: name.endswith(".hpp"))
    return code_lines(r'# *include *[<"](nlohmann/|boost/|Eigen/)', headers)


def clocks():
    """A run is a function of its inputs: real clocks, sleeping and unseeded randomness belong to what
    touches the machine (runtime/) and to the command line (tools/)."""
    clock = r"(system|steady|high_resolution|utc|file)_clock|gettimeofday|clock_gettime"
    other = r"\btime\((0|NULL|nullptr)\)|\bclock\(\)|sleep_(for|until)|random_device|\bs?rand\("
    return code_lines(f"{clock}|{other}", sources("policies", "core", "models", "traces", "sim"))


def seam():
    """Nothing may ask whether time is simulated."""
    return code_lines(r"[iI]s_?[sS]imulat", sources(*FOLDERS))


def floating_point():
    """Results are the same on every machine."""
    flags = "-ffast-math|-Ofast|-march=native|-funsafe-math|--use_fast_math"
    scripts = files(".", lambda name: name in ("CMakeLists.txt", "CMakePresets.json")
                    or name.endswith(".cmake"))
    for path in scripts:
        for number, line in enumerate(lines(path), 1):
            if re.search(f"^[^#]*({flags})", line):
                yield f"{path}:{number}:{line}"


def readmes():
    """Every folder says what it is for, on one screen; the rows of tables do not count."""
    for folder in FOLDERS + ["tests"]:
        readme = pathlib.Path(folder, "README.md")
        if not readme.is_file():
            yield f"{readme}: missing"
        elif (count := sum(not line.startswith("|") for line in lines(readme))) > MOST_README_LINES:
            yield f"{readme}: {count} lines, more than a screen of {MOST_README_LINES}"


def lengths():
    """A file that cannot be read in one sitting has more than one purpose."""
    for path in sources(*FOLDERS, "tests"):
        if (count := len(lines(path))) > MOST_LINES:
            yield f"{path}: {count} lines, more than {MOST_LINES}"


def first_policy():
    """The policy shown in README.md (its one block of C++) is the template, to the letter."""
    shown, inside = [], False
    for line in lines(pathlib.Path("README.md")):
        if line.startswith("```"):
            inside = line == "```cpp"
        elif inside:
            shown.append(line)
    template = pathlib.Path("policies/template/narrowest_in_time.cpp")
    if shown != lines(template):
        yield f"README.md: its policy is not that of {template}"


RULES = [arrows, heavy_headers, clocks, seam, floating_point, readmes, lengths, first_policy]


def main(rule, root):
    os.chdir(root)
    broken = list({each.__name__: each for each in RULES}[rule]())
    print(*broken, sep="\n", end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
