#!/usr/bin/env python3
"""claims_test.py SOURCE: the bounds on served cells, and calibrations between two, by hand."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True  # the source tree stays as it is
sys.path.insert(0, str(pathlib.Path(sys.argv.pop(1)) / "tools" / "evidence"))

import calibrate  # noqa: E402
import claims  # noqa: E402


def cell(policy, load, simulated, measured):
    """Of each side: violation rate, mean and P95 latency."""
    keys = ("slo_violation_rate", "latency_mean_s", "latency_p95_s")
    return {
        "policy": policy,
        "load": load,
        **{
            on: {**dict(zip(keys, figures)), "throughput_rps": 2.0}
            for on, figures in (("simulated", simulated), ("measured", measured))
        },
    }


def kept(cells):
    return [gate.as_json()["kept"] for gate in claims.gates(dict(enumerate(cells)))]


class Claims(unittest.TestCase):
    def test_bounds_are_kept_where_they_are_reached(self):
        self.assertEqual(
            kept(
                [
                    cell("a", 1, (0.10, 1, 2), (0.13, 1.03, 2.1)),
                    cell("b", 1, (0.20, 1, 2), (0.20, 1, 2)),
                    cell("c", 1, (0.30, 1, 2), (0.30, 1, 2)),
                ]
            ),
            [True] * 5,
        )

    def test_each_bound_is_broken_by_itself(self):
        near = (0.5, 1, 2)
        for measured, broken in (
            ((0.54, 1, 2), 0),
            ((0.5, 1.04, 2), 2),
            ((0.5, 1, 1.88), 3),
            ((0.5, None, 2), 2),
        ):
            cells = [cell("a", 1, near, measured)] + [cell(x, 2, near, near) for x in "bcde"]
            self.assertEqual(kept(cells), [gate != broken for gate in range(5)], measured)
        self.assertEqual(kept([cell("a", 1, near, (0.52, 1, 2))]), [True, False, True, True, True])

    def test_ranking(self):
        first, second = cell("a", 1, (0.1, 1, 2), (0.14, 1, 2)), cell(
            "b", 1, (0.12, 1, 2), (0.12, 1, 2)
        )
        self.assertEqual(claims.swapped({1: first, 2: second}), ["a and b at 1"])
        second["load"] = 2
        self.assertEqual(claims.swapped({1: first, 2: second}), [])
        close = cell("b", 1, (0.105, 1, 2), (0.12, 1, 2))
        self.assertEqual(claims.swapped({1: first, 2: close}), [])

    def test_a_cell_that_the_simulator_itself_does_not_determine(self):
        base = cell("a", 1, (0.10, 1, 2), (0, 0, 0))["simulated"]
        draws = [cell("a", 1, x, x)["measured"] for x in ((0.15, 1, 2), (0.10, 0.9, 2.2))]
        spread = claims.spread(base, draws)
        self.assertAlmostEqual(spread["slo_gap"], 0.05)
        self.assertAlmostEqual(spread["latency_mean_error"], 0.1)
        near = claims.sum_up({1: cell("a", 1, (0.10, 1, 2), (0.14, 1, 2))})["cells"][1]
        far = claims.sum_up({1: cell("a", 1, (0.10, 1, 2), (0.17, 1, 2))})["cells"][1]
        self.assertFalse(claims.kept(near) or claims.kept(far))
        self.assertTrue(claims.undetermined(near, spread))
        self.assertFalse(claims.undetermined(far, spread))

    def test_elastic_over_fixed(self):
        rows = claims.elastic_over_fixed(
            {
                1: cell("fixed", 1, (0.9, 4, 5), (0.8, 4, 5)),
                2: cell("elastic", 1, (0.1, 1, 2), (0.2, 2, 3)),
            }
        )
        self.assertEqual(
            [(row["on"], row["latency_mean"], row["violations_elastic"]) for row in rows],
            [("simulated", 0.25, 0.1), ("measured", 0.5, 0.2)],
        )

    def test_calibration_between_alone_and_busy(self):
        def step(ulysses, seconds):
            return {
                "width": 8,
                "height": 8,
                "frames": 1,
                "layout": {"ulysses": ulysses},
                "forwards": 1,
                "seconds": seconds,
            }

        mixed = calibrate.between(
            {"steps": [step(2, 1.0), step(8, 1.0)]}, {"steps": [step(2, 2.0)]}, 0.5
        )
        self.assertEqual([each["seconds"] for each in mixed["steps"]], [1.5, 1.0])


if __name__ == "__main__":
    unittest.main()
