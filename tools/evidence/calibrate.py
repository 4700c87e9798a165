"""The stage that measures step times, fits a calibration on half of them, tests it on the rest."""

import statistics

from folder import read_json, write_gz, write_json
from runner import PartFailed
from stage import Gate, Part
from stages import Stage

# Of a GPU that is sliced; what `regroup bench dit --plan 8` says, rounded up.
_MEMORY_GIB = {"FLUX.1-dev": 36, "Wan2.1-T2V-1.3B": 14}
MEDIAN_ALLOWED, WORST_ALLOWED = 0.02, 0.05


def calibration_file(run, model, neighbours):
    return run.folder / "calibration" / f"{model}-{neighbours}.json"


class Calibrate(Stage):
    """FLUX at three resolutions and Wan, at every degree that a policy may choose, alone and with
    neighbours that do the same. A part is one degree, so that what fails loses no other."""

    SHAPES = {"FLUX.1-dev": ["256x256", "512x512", "1024x1024"], "Wan2.1-T2V-1.3B": ["480x480x9"]}
    DEGREES = {"FLUX.1-dev": [1, 2, 3, 4, 6, 8], "Wan2.1-T2V-1.3B": [1, 2, 4]}
    # Of one rank: two steps of seven requests a shape at a third of what such a slice could do.
    WORK_S = {"FLUX.1-dev": 60, "Wan2.1-T2V-1.3B": 30}
    SETUP_S = 20

    def parts(self, run):
        if run.on == "host":
            ways = (("alone", 1), ("alone", 2), ("busy", 1))
            return [self._part(run, "FLUX.1-dev", *way) for way in ways]
        return [
            self._part(run, model, neighbours, degree)
            for model in self.SHAPES
            for neighbours in ("alone", "busy")
            for degree in self.DEGREES[model]
            if degree * (2 if neighbours == "busy" else 1) <= run.ranks
        ]

    def _part(self, run, model, neighbours, degree):
        return Part(
            f"{model} x{degree} {neighbours}",
            5 if run.on == "host" else self.SETUP_S + self.WORK_S[model] / degree,
            lambda: self._measure(run, model, neighbours, degree),
            memory_gib=_MEMORY_GIB[model],
        )

    def _flags(self, run, model, neighbours, degree):
        if run.on == "host":
            busy = ["--busy", "--devices", "host:2"] if neighbours == "busy" else []
            if run.tiny:
                return ["--shape", "64x64", "--repeat", 20, "--steps", 1, *busy]
            return ["--shape", "128x128", "--shape", "256x256", "--shape", "512x512", *busy]
        flags = ["--repeat", 6, "--steps", 2]
        for shape in self.SHAPES[model]:
            flags += ["--shape", shape]
        if neighbours == "busy":
            return [*flags, "--busy"]
        if degree == 8:
            return [*flags, "--exchanges-out", run.work("exchanges.json")]
        return flags

    def _measure(self, run, model, neighbours, degree):
        name = f"{model}-{neighbours}-x{degree}"
        merged = calibration_file(run, model, neighbours)
        out = merged.with_name(name + ".json")
        out.parent.mkdir(parents=True, exist_ok=True)
        for stale in (out, exchanges := run.work("exchanges.json")):
            stale.unlink(missing_ok=True)
        samples = run.work(f"samples-{name}.json")
        seconds, clocks = run.call(
            f"calibrate-{name}",
            "regroup",
            "calibrate",
            *run.on_devices(),
            "--model",
            model,
            "--degree",
            degree,
            "--out",
            out,
            "--samples-out",
            samples,
            *self._flags(run, model, neighbours, degree),
        )
        write_json(
            merged,
            _merge(
                [
                    read_json(path)
                    for path in sorted(out.parent.glob(f"{model}-{neighbours}-x*.json"))
                ]
            ),
        )
        measured = read_json(samples)
        write_gz(run.folder / "samples" / f"calibrate-{name}.csv.gz", _csv(measured))
        for cell in measured["cells"]:
            cell["errors"] = [abs(cell["seconds"] / each - 1) for each in cell.pop("held_out")]
            del cell["fitted"]
        outcome = {"took_s": round(seconds, 1), "clocks": clocks, "measured": measured}
        if exchanges.is_file():
            outcome["exchanges"] = read_json(exchanges)
        return outcome

    def summary(self, run, done):
        errors = [
            error
            for part in done.values()
            for cell in part["measured"]["cells"]
            if cell["denoise"]
            for error in cell["errors"]
        ]
        slower = {cell: busy / alone - 1 for cell, (alone, busy) in _pairs(done).items()}
        median, worst = statistics.median(errors), max(errors)
        summary = {
            "held_out_samples": len(errors),
            "held_out_median": median,
            "held_out_worst": worst,
            "slower_with_neighbours": slower,
        }
        if run.on == "host":  # threads of a shared machine: nothing to hold them to
            return summary, []
        return summary, [
            Gate("held-out step error, median", median, MEDIAN_ALLOWED),
            Gate("held-out step error, worst", worst, WORST_ALLOWED),
        ]


def _merge(calibrations):
    """One file of several degrees: stages as the first has them, overheads as medians."""
    merged = dict(calibrations[0])
    merged["steps"] = [step for each in calibrations for step in each["steps"]]
    overheads = [each["overheads"] for each in calibrations if "overheads" in each]
    merged["overheads"] = {
        key: statistics.median(each[key] for each in overheads if key in each)
        for key in sorted({key for each in overheads for key in each})
    }
    return merged


def _csv(measured):
    """Every sample, in the order of its cell."""
    lines = ["model,stage,shape,layout,busy,use,seconds"]
    for cell in measured["cells"]:
        for use in ("fitted", "held_out"):
            lines += [
                f"{measured['model']},{cell['stage']},{cell['shape']},{cell['layout']},"
                f"{int(measured['busy'])},{use},{seconds!r}"
                for seconds in cell[use]
            ]
    return "\n".join(lines) + "\n"


def _pairs(done):
    """Step times alone and with neighbours: {"FLUX.1-dev 512x512 x2": (alone, busy)}."""
    times = {}
    for part in done.values():
        measured = part["measured"]
        for cell in measured["cells"]:
            if cell["denoise"]:
                name = f"{measured['model']} {cell['shape']} x{cell['degree']}"
                times.setdefault(name, {})[measured["busy"]] = cell["seconds"]
    return {name: (each[False], each[True]) for name, each in times.items() if len(each) == 2}


def between(alone, busy, share):
    """A calibration for ranks whose neighbours work `share` of the time: on a straight line."""
    mixed = dict(
        alone,
        derivation=alone.get("derivation", "")
        + f"; steps moved {100 * share:.0f} % of the way to those with busy neighbours",
    )
    with_neighbours = {_cell(step): step["seconds"] for step in busy["steps"]}
    mixed["steps"] = [
        dict(
            step,
            seconds=step["seconds"]
            + share * (with_neighbours.get(_cell(step), step["seconds"]) - step["seconds"]),
        )
        for step in alone["steps"]
    ]
    return mixed


def _cell(step):
    return (step["width"], step["height"], step["frames"], str(step["layout"]), step["forwards"])


def write_between(run, model, share, path):
    fitted = calibration_file(run, model, "alone")
    if not fitted.is_file():
        raise PartFailed(f"there is no {fitted.name}: the stage calibrate comes first")
    alone = read_json(fitted)
    busy = calibration_file(run, model, "busy")
    write_json(path, between(alone, read_json(busy), share) if busy.is_file() else alone)
