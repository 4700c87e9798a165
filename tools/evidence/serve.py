"""The stage that serves the same traces in simulation and on ranks, policy by policy."""

import csv
import hashlib
import io
import json

import claims
from calibrate import calibration_file, write_between
from folder import read_json, write_gz, write_json
from runner import PartFailed
from stage import Part
from stages import Stage

MODEL = "FLUX.1-dev"
POLICIES = {
    "fixed": ["fcfs", "--param", "degree=2"],
    "srtf": ["srtf"],
    "edf": ["edf"],
    "edf-best-fit": ["edf-best-fit"],
    "elastic": ["elastic"],
}
LOADS = [0.6, 0.75, 0.9]
ALPHA = 1.5
# So few shapes and steps because policies that decide at every step differ by more than the bounds
# when a step takes 0.2 % more or less on many other workloads, in simulation alone. What remains of
# that is in every cell: _DRAWS simulations with such steps.
_MIX = {"256x256": 50, "512x512": 50}
_STEPS = {"cuda": 3, "host": 10}
_REQUESTS = (180, 140, 100)
_JITTER, _DRAWS = 0.002, 6
_SETUP_S = {"cuda": 30, "host": 2}  # of a run: weights, plans and graphs
# All cells together, without set-ups: on a GPU they leave room for these in one call.
_SERVING_S = {"cuda": 330, "host": 420}
# What a published H100 takes, for host ranks to keep time by.
_BUILT_IN_STEPS = [
    {"width": 1024, "height": 1024, "frames": 1, "layout": {}, "forwards": 1, "seconds": 0.13897}
]


class Serve(Stage):
    """Every policy at every load."""

    def depends_on(self, run):
        """A cell holds for the calibration it was simulated with."""
        digest = hashlib.sha256()
        for neighbours in ("alone", "busy"):
            path = calibration_file(run, MODEL, neighbours)
            if path.is_file():
                digest.update(path.read_bytes())
        return {"calibration": digest.hexdigest()[:16]}

    def parts(self, run):
        _require_calibration(run)
        self.plan = Plan(run)
        return [
            Part(
                f"{policy} at {load:g}",
                _SETUP_S[run.on] + 1.1 * (0 if run.tiny else self.plan.makespan_s[policy, load]),
                lambda policy=policy, load=load: self.plan.cell(policy, load),
                memory_gib=42,
            )
            for load in LOADS
            for policy in POLICIES
        ]

    def summary(self, run, done):
        cells = {
            name: {key: part[key] for key in ("policy", "load", "simulated", "measured")}
            for name, part in done.items()
        }
        return {"plan": self.plan.as_json(), **claims.sum_up(cells)}, claims.gates(cells)


class Plan:
    """Which requests come how fast: as many as let all cells fit into the stage's time, by what the
    simulator says of them. It depends on the calibration alone, so that a stage that goes on later
    has the same."""

    def __init__(self, run):
        self.run = run
        self.mix = {"64x64": 100} if run.tiny else _MIX
        self.steps = _STEPS[run.on]
        alone = {shape: self._seconds_alone(shape) for shape in self.mix}
        self.work_s = sum(share * alone[shape] for shape, share in self.mix.items()) / 100
        for self.requests in _REQUESTS:
            self.makespan_s = {
                (policy, load): self._simulate(policy, load, "simulated")["makespan_s"]
                for load in LOADS
                for policy in POLICIES
            }
            if sum(self.makespan_s.values()) <= _SERVING_S[run.on]:
                break

    def _seconds_alone(self, shape):
        """A request of this shape, on one rank."""
        log = f"costs-{shape}"
        self.run.call(
            log,
            "regroup",
            "costs",
            MODEL,
            shape,
            "--cluster",
            self._cluster(),
            "--format",
            "json",
            "--calibration",
            self._calibration(1.0),
        )
        text = self.run.work("logs", log + ".log").read_text(encoding="utf-8")
        fixed, step = 0.0, None
        for row in json.loads(text[text.index("\n[") :]):
            if row["GPUs"] != 1:
                continue
            if row["stage"] == "denoise step":
                step = _seconds(row["time"])
            else:
                fixed += _seconds(row["time"])
        if step is None:
            raise PartFailed(f"regroup costs {MODEL} {shape}: no step on one GPU")
        return fixed + self.steps * step

    def _cluster(self):
        return f"{self.run.ranks}xH100"

    def _folder(self, policy, load):
        return self.run.work("cells", f"{policy}-{load:g}")

    def _common(self, policy, load):
        return [
            "--trace",
            self._trace(load),
            "--cluster",
            self._cluster(),
            "--calibration",
            self._calibration(load),
            "--slo",
            f"alpha={ALPHA}",
            "--policy",
            *POLICIES[policy],
            "--no-timeline",
            "--no-report",
        ]

    def _simulate(self, policy, load, name, *flags):
        out = self._folder(policy, load) / name
        common = [*self._common(policy, load), *flags]
        log = f"{policy}-{load:g}-{name}"
        self.run.call(log, "regroup", "replay", *common, "--on", "sim", "--out", out)
        return _figures(out)

    def _spread(self, policy, load, simulated):
        """How far the simulator's figures move when its steps take 0.2 % more or less."""
        flags = ["--jitter", _JITTER, "--no-journal", "--no-tasks", "--seed"]
        draws = [
            self._simulate(policy, load, "draw", *flags, seed)
            for seed in range(1, (2 if self.run.tiny else _DRAWS) + 1)
        ]
        return claims.spread(simulated, draws)

    def _calibration(self, load):
        """What the simulator and the deadlines go by: neighbours are busy as much as the load says.
        On the host only overheads are taken from the measurement: its ranks keep the time that the
        built-in cost model says."""
        path = self.run.folder / "calibration" / f"serve-{load:g}.json"
        write_between(self.run, MODEL, min(load, 1.0), path)
        if self.run.on == "host" and not self.run.tiny:
            fitted = read_json(path)
            write_json(
                path,
                dict(
                    fitted,
                    steps=_BUILT_IN_STEPS,
                    stages=[],
                    derivation="steps as published, overheads as measured here",
                ),
            )
        return path

    def _trace(self, load):
        path = self.run.work("traces", f"load-{load:g}.csv")
        mix = ",".join(f"{MODEL}:{shape}:{self.steps}:{share}" for shape, share in self.mix.items())
        per_minute = 60 * load * self.run.ranks / self.work_s
        self.run.call(
            f"trace-{load:g}",
            "regroup",
            "trace",
            "generate",
            "--workload",
            "mix",
            "--mix",
            mix,
            "--count",
            self.requests,
            "--per-minute",
            f"{per_minute:.3f}",
            "--seed",
            8,
            "-o",
            path,
        )
        return path

    def cell(self, policy, load):
        folder, name = self._folder(policy, load), f"{policy}-{load:g}"
        # All requests can wait with their states at the same time.
        real = (
            ["--compute", "real", "--states", 200]
            if self.run.on == "cuda"
            else ["--clock", "virtual" if self.run.tiny else "wall"]
        )
        _, clocks = self.run.call(
            f"{name}-{self.run.on}",
            "regroup",
            "replay",
            *self._common(policy, load),
            *self.run.on_devices(),
            *real,
            "--out",
            folder / "measured",
        )
        compared = folder / "compare.json"
        self.run.call(
            f"{name}-compare",
            "regroup",
            "compare",
            folder / "simulated",
            folder / "measured",
            "--calibration",
            self._calibration(load),
            "--max-slo-gap",
            1,
            "--format",
            "json",
            "--out",
            compared,
        )
        comparison = read_json(compared)
        samples = self.run.folder / "samples"
        write_gz(samples / f"serve-{name}-compare.json.gz", json.dumps(comparison) + "\n")
        write_gz(samples / f"serve-{name}-requests.csv.gz", _requests(folder))
        return {
            "policy": policy,
            "load": load,
            "clocks": clocks,
            "simulated": _figures(folder / "simulated"),
            "measured": _figures(folder / "measured"),
            "spread": self._spread(policy, load, _figures(folder / "simulated")),
            "steps_error": comparison["steps"].get("error"),
            "attribution": comparison["attribution"],
            "provenance": {
                key: value
                for key, value in read_json(folder / "measured" / "provenance.json").items()
                if key not in ("trace", "calibrations", "host")
            },
        }

    def as_json(self):
        return {
            "model": MODEL,
            "mix": self.mix,
            "steps": self.steps,
            "requests": self.requests,
            "deadlines": f"alpha={ALPHA}",
            "work_of_a_request_s": self.work_s,
            "loads": LOADS,
            "policies": {name: " ".join(p) for name, p in POLICIES.items()},
        }


def _require_calibration(run):
    """What is still to be measured would change the costs, and make all cells worthless."""
    path = run.folder / "calibrate.json"
    parts = read_json(path)["parts"] if path.is_file() else {}
    for name, part in parts.items():
        if name.startswith(MODEL) and part["result"] == "refused":
            raise PartFailed(f"calibrate is not through ({name}): it comes first")


def _requests(folder):
    """Every request, simulated and measured."""
    columns = ["id", "class", "arrival_s", "finish_s", "deadline_s", "violated"]
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["on", *columns])
    for on in ("simulated", "measured"):
        with open(folder / on / "requests.csv", encoding="utf-8", newline="") as text:
            rows.writerows([on, *map(row.get, columns)] for row in csv.DictReader(text))
    return table.getvalue()


def _seconds(text):
    number, unit = text.split()
    return float(number) * {"s": 1, "ms": 1e-3, "us": 1e-6}[unit]


def _figures(folder):
    summary = read_json(folder / "summary.json")
    return {
        key: summary[key]
        for key in (
            "requests",
            "finished",
            "slo_violation_rate",
            "latency_mean_s",
            "latency_p95_s",
            "throughput_rps",
            "utilisation",
            "makespan_s",
        )
    }
