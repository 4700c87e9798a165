"""A stage is a list of parts; each is tried, recorded and, once done, not done again."""

import dataclasses
import datetime
import time
from typing import Callable

import machine
from folder import Record, under_measured
from runner import PartFailed, run_program

# Beside what a part is expected to take, for it to end by itself rather than by its limit.
_SLACK = 1.5


@dataclasses.dataclass
class Part:
    name: str
    expected_s: float  # on a GPU that nobody else uses; generous
    action: Callable[[], dict]  # what it came to; PartFailed
    memory_gib: float = 0  # of the GPU, free


@dataclasses.dataclass
class Gate:
    """A bound that the evidence must keep to."""

    name: str
    value: float
    allowed: float

    def as_json(self):
        return {
            "name": self.name,
            "value": self.value,
            "allowed": self.allowed,
            "kept": self.value <= self.allowed + 1e-12,
        }


@dataclasses.dataclass
class Run:
    """What all stages of one call of the script share."""

    on: str  # "cuda" or "host"
    devices: str  # the ranks, as `regroup --devices` takes them
    build: "pathlib.Path"  # where regroup and the test programs are
    folder: "pathlib.Path"  # of results
    commit: str
    facts: dict  # of the machine
    tiny: bool  # as little of everything as shows that it works
    again: bool
    ends: float  # on time.monotonic(): the budget is spent
    stage_limit_s: float
    flags: tuple = ()  # of regroup, wherever it measures on a GPU
    environment: dict = None
    stage_ends: float = 0

    def __post_init__(self):
        self.environment = machine.library_environment(self.build, self.on)

    @property
    def ranks(self):
        return int(self.devices.split(":")[1].split("x")[0])

    @property
    def gpu(self):
        """Its number, "gpu1:8x16sm" -> 1; None on the host."""
        return int(self.devices.split(":")[0].removeprefix("gpu")) if self.on == "cuda" else None

    def key(self):
        names = ["name", "driver_version"] if self.on == "cuda" else ["name", "processor"]
        return {
            "on": self.on,
            "commit": self.commit,
            "devices": self.devices,
            "tiny": self.tiny,
            "flags": list(self.flags),
            **{name: self.facts[name] for name in names},
        }

    def made_by(self):
        return {
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": self.commit,
            "on": self.on,
            "devices": self.devices,
            "machine": self.facts,
        }

    def left_s(self):
        return min(self.ends, self.stage_ends) - time.monotonic()

    def work(self, *names):
        path = self.folder.joinpath("work", *names)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def program(self, name):
        """A program of the build, wherever it lies in it."""
        for pattern in (name, f"*/{name}", f"*/*/{name}", f"*/*/*/{name}"):
            for path in sorted(self.build.glob(pattern)):
                if path.is_file():
                    return str(path)
        raise PartFailed(f"no program {name} under {self.build}: see docs/gpu-evidence.md")

    def call(self, log, name, *arguments):
        """Runs a program for as long as there is time. Returns (seconds, clocks)."""
        command = [self.program(name), *map(str, arguments)]
        log = log.replace(",", "").replace(" ", "-") + ".log"
        return run_program(
            command, self.work("logs", log), max(1, self.left_s()), self.environment, self.gpu
        )

    def on_devices(self):
        """The flags that say where to measure."""
        if self.on == "host":
            return ["--on", "host"]
        return ["--on", "cuda", "--devices", self.devices, *self.flags]


def _attempt(run, part):
    """What is recorded of a part."""
    refusal = None
    if run.left_s() < part.expected_s:
        refusal = f"needs about {part.expected_s:.0f} s, {max(0, run.left_s()):.0f} s are left"
    elif run.gpu is not None and part.memory_gib > (free := machine.free_gib(run.gpu)):
        refusal = f"needs {part.memory_gib:.0f} GiB of the GPU, {free:.1f} GiB are free"
    if refusal:
        return {"result": "refused", "why": refusal}
    begun, outer = time.monotonic(), run.stage_ends
    run.stage_ends = min(outer, begun + max(60, _SLACK * part.expected_s))
    try:
        return {"result": "done", **part.action()}
    except PartFailed as failure:
        return {"result": "failed", "why": str(failure)}
    except Exception as error:  # whatever it was, say a file not as expected: the others go on
        return {"result": "failed", "why": f"{type(error).__name__}: {error}"}
    finally:
        run.stage_ends = outer


def run_stage(run, name, stage):
    """`stage.parts(run)` in order, then `stage.summary(run, done)`: (summary, gates). Returns the
    record's data."""
    record = Record(run.folder, name, {**run.key(), **stage.depends_on(run)}, run.made_by())
    if run.on != "cuda" and under_measured(record.path):
        raise machine.MachineError(f"{record.path}: only what a GPU made may lie there")
    run.stage_ends = time.monotonic() + run.stage_limit_s
    try:
        parts = stage.parts(run)
    except PartFailed as failure:
        record.data.update(result="failed", why=str(failure), seconds=0, gates=[], summary={})
        record.save()
        return record.data
    for part in parts:
        if record.is_done(part.name) and not run.again:
            print(f"  {part.name}: kept from before", flush=True)
            continue
        print(f"  {part.name} ...", end="", flush=True)
        begun = time.monotonic()
        outcome = _attempt(run, part)
        outcome["seconds"] = round(time.monotonic() - begun, 1)
        record.put(part.name, outcome)
        print(
            f" {outcome['result']}, {outcome['seconds']} s"
            + (f": {outcome['why']}" if "why" in outcome else ""),
            flush=True,
        )
    _sum_up(run, stage, parts, record)
    return record.data


def _sum_up(run, stage, parts, record):
    """A stage passed if all its parts are done and all gates kept."""
    data = record.data
    results = {part.name: record.parts.get(part.name, {}).get("result") for part in parts}
    done = {name: record.parts[name] for name, result in results.items() if result == "done"}
    data["seconds"] = round(sum(record.parts[part.name]["seconds"] for part in parts), 1)
    data["summary"], gates, not_summed_up = {}, [], []
    try:
        if done:
            data["summary"], gates = stage.summary(run, done)
    except Exception as error:  # a part that it needs is not done
        not_summed_up = [f"not summed up: {type(error).__name__}: {error}"]
    data["gates"] = [gate.as_json() for gate in gates]
    if "failed" in results.values() or len(done) == len(parts) and not_summed_up:
        data["result"] = "failed"
    elif len(done) < len(parts):
        data["result"] = "unfinished"
    else:
        data["result"] = "passed" if all(g["kept"] for g in data["gates"]) else "missed"
    data["why"] = "; ".join(
        [
            f"{part.name}: {record.parts[part.name]['why']}"
            for part in parts
            if "why" in record.parts[part.name]
        ]
        + [
            f"{g['name']}: {g['value']:.4g}, at most {g['allowed']:g} allowed"
            for g in data["gates"]
            if not g["kept"]
        ]
        + not_summed_up
    )
    record.save()
