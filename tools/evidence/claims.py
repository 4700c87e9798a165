"""What served cells show: how far simulation and ranks are apart, and elastic against fixed.

A cell is {"policy", "load", "simulated", "measured"}; the last two are figures of a run's summary.
"""

import itertools

from stage import Gate

CELL_POINTS, MEAN_POINTS = 0.03, 0.01  # of the SLO-violation rate
LATENCY_MEAN, LATENCY_P95 = 0.03, 0.05  # relative
# Two policies are ranked where their violation rates differ by more: one request in a hundred.
RANKED = 0.01


def _gap(cell):
    return abs(cell["measured"]["slo_violation_rate"] - cell["simulated"]["slo_violation_rate"])


def _relative(cell, key):
    """No latency on one side only: as far apart as can be."""
    simulated, measured = cell["simulated"][key], cell["measured"][key]
    if simulated is None or measured is None:
        return 0.0 if simulated == measured else float("inf")
    return abs(measured / simulated - 1)


def swapped(cells):
    """Pairs of policies that simulation ranks one way and ranks the other, by load."""
    pairs = []
    for a, b in itertools.combinations(cells.values(), 2):
        if a["load"] != b["load"]:
            continue
        simulated, measured = (
            a[on]["slo_violation_rate"] - b[on]["slo_violation_rate"]
            for on in ("simulated", "measured")
        )
        if min(abs(simulated), abs(measured)) > RANKED and simulated * measured < 0:
            pairs.append(f"{a['policy']} and {b['policy']} at {a['load']:g}")
    return pairs


def gates(cells):
    gaps = [_gap(cell) for cell in cells.values()]
    means = [_relative(cell, "latency_mean_s") for cell in cells.values()]
    p95s = [_relative(cell, "latency_p95_s") for cell in cells.values()]
    return [
        Gate("SLO-violation rate, worst cell", max(gaps), CELL_POINTS),
        Gate("SLO-violation rate, mean of cells", sum(gaps) / len(gaps), MEAN_POINTS),
        Gate("mean latency, worst cell", max(means), LATENCY_MEAN),
        Gate("P95 latency, worst cell", max(p95s), LATENCY_P95),
        Gate("pairs of policies ranked otherwise", len(swapped(cells)), 0),
    ]


def spread(base, draws):
    """The largest difference of several simulations of a cell from the one that counts."""
    cells = [{"simulated": base, "measured": draw} for draw in draws]
    return _largest(cells)


def _largest(cells):
    return {
        "slo_gap": max(map(_gap, cells)),
        "latency_mean_error": max(_relative(cell, "latency_mean_s") for cell in cells),
        "latency_p95_error": max(_relative(cell, "latency_p95_s") for cell in cells),
    }


def undetermined(errors, of_simulator):
    """Whether a cell is off by no more than its simulation is by itself."""
    return all(errors[key] <= of_simulator[key] for key in errors)


def kept(errors):
    """Of one cell, as sum_up() has it."""
    return (
        errors["slo_gap"] <= CELL_POINTS
        and errors["latency_mean_error"] <= LATENCY_MEAN
        and errors["latency_p95_error"] <= LATENCY_P95
    )


def sum_up(cells):
    return {
        "cells": {name: _largest([cell]) for name, cell in cells.items()},
        "ranked_otherwise": swapped(cells),
        "elastic_over_fixed": elastic_over_fixed(cells),
    }


def elastic_over_fixed(cells):
    """By load and where it ran: throughput and mean latency as ratios, violations as they are."""
    by_place = {(cell["policy"], cell["load"]): cell for cell in cells.values()}
    rows = []
    for load in sorted({cell["load"] for cell in cells.values()}):
        fixed, elastic = by_place.get(("fixed", load)), by_place.get(("elastic", load))
        if not fixed or not elastic:
            continue
        for on in ("simulated", "measured"):
            f, e = fixed[on], elastic[on]
            rows.append(
                {
                    "load": load,
                    "on": on,
                    "throughput": e["throughput_rps"] / f["throughput_rps"],
                    "latency_mean": e["latency_mean_s"] / f["latency_mean_s"],
                    "violations_fixed": f["slo_violation_rate"],
                    "violations_elastic": e["slo_violation_rate"],
                }
            )
    return rows
