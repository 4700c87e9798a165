#!/usr/bin/env python3
"""A rule that cannot be broken checks nothing. Builds a small tree that keeps every rule, then breaks
them one at a time."""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the source tree stays as it is
import house_test  # noqa: E402

FOLDERS = [*house_test.FOLDERS, "tests"]
POLICY = "#include <regroup/policy/policy.hpp>"
# rule, file, what it is then, why that is wrong; None: the file is gone
BREAKS = [
    ("arrows", "runtime/b.cpp", '#include "sim/backend.hpp"', "runtime sees sim"),
    ("arrows", "sim/b.cpp", '#include "runtime/backend.hpp"', "sim sees runtime"),
    ("arrows", "core/b.hpp", '#include "models/catalog.hpp"', "core sees models"),
    ("arrows", "policies/builtin/b.cpp", '#include "core/errors.hpp"', "a policy sees core"),
    ("arrows", "traces/b.cpp", '#include "b.hpp"', "an include not written from the top"),
    ("arrows", "runtime/b.cu", "#include <sim/backend.hpp>", "an arrow in angle brackets"),
    ("heavy_headers", "models/b.hpp", "#include <Eigen/Dense>", "Eigen in a header"),
    ("clocks", "core/b.cpp", "auto t = std::chrono::steady_clock::now();", "a clock in core"),
    ("clocks", "traces/b.cpp", "std::random_device seed;", "unseeded randomness"),
    ("seam", "core/b.hpp", "virtual bool is_simulated() const = 0;", "a backend that tells"),
    ("floating_point", "sim/CMakeLists.txt", "add_compile_options(-march=native)", "native code"),
    ("readmes", "sim/README.md", None, "no README"),
    ("readmes", "core/README.md", "\n".join(map(str, range(61))), "a long README"),
    ("lengths", "tests/b.cpp", "\n".join(map(str, range(451))), "a long file"),
    ("first_policy", "policies/template/narrowest_in_time.cpp", POLICY + "\nint x;",
     "README lags behind"),
]


def write(path, text):
    file = pathlib.Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")


def good_tree():
    for folder in FOLDERS:
        write(f"{folder}/README.md", folder)
    write("policies/include/regroup/policy/policy.hpp", "// no steady_clock here")
    write("policies/template/narrowest_in_time.cpp", POLICY)
    write("README.md", f"```cpp\n{POLICY}\n```")
    for folder in ("core", "models", "traces", "sim", "runtime", "tools"):
        write(f"{folder}/a.cpp", '#include "core/errors.hpp"  // not "sim/x.hpp"')
    write("tools/clock.cpp",
          "#include <chrono>\nauto start = std::chrono::steady_clock::now();")
    write("CMakeLists.txt", "target_compile_options(x PRIVATE -O2)  # never -ffast-math")


class Rules(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.mkdtemp()
        os.chdir(self.tree)
        good_tree()

    def tearDown(self):
        os.chdir("/")
        shutil.rmtree(self.tree)

    def test_a_good_tree_keeps_all(self):
        for rule in house_test.RULES:
            with self.subTest(rule=rule.__name__):
                self.assertEqual(list(rule()), [])

    def test_what_breaks_one_is_noticed(self):
        for rule, path, text, why in BREAKS:
            with self.subTest(rule=rule, why=why):
                os.unlink(path) if text is None else write(path, text)
                self.assertTrue(list(getattr(house_test, rule)()))
                self.tearDown()
                self.setUp()

    def test_every_rule_is_broken_once(self):
        self.assertEqual({rule.__name__ for rule in house_test.RULES}, {rule for rule, *_ in BREAKS})


if __name__ == "__main__":
    unittest.main()
