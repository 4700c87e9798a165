"""The stages but for calibration and serving: what the machine is, and whether parts of it work."""

import machine
from folder import read_json
from runner import PartFailed
from stage import Part


class Stage:
    """Parts do not depend on other stages, and keep to no bounds, unless one says so."""

    def depends_on(self, run):
        return {}

    def summary(self, run, done):
        return {}, []


def _bench(run, log, *arguments):
    """`regroup bench ...`: its JSON, with how long it took and the clocks meanwhile."""
    out = run.work(log + ".json")
    seconds, clocks = run.call(log, "regroup", "bench", *arguments, "--out", out, *run.flags)
    return {"took_s": round(seconds, 2), "clocks": clocks, "measured": read_json(out)}


def _gtest(run, program, *filters):
    """A test program: how many of its tests passed, and which were skipped."""
    out = run.work(program + ".json")
    seconds, clocks = run.call(program, program, f"--gtest_output=json:{out}", *filters)
    report = read_json(out)
    tests = [(suite["name"], test) for suite in report["testsuites"] for test in suite["testsuite"]]
    skipped = [f"{suite}.{test['name']}" for suite, test in tests if test["result"] == "SKIPPED"]
    if len(skipped) == len(tests):
        raise PartFailed(f"{program}: all of its {len(tests)} tests were skipped")
    return {
        "took_s": round(seconds, 2),
        "clocks": clocks,
        "skipped": skipped,
        "passed": len(tests) - len(skipped),
    }


class Probe(Stage):
    """The machine as it says it is, and as regroup finds it."""

    def parts(self, run):
        return [
            Part("machine", 5, lambda: self._machine(run)),
            Part("regroup", 60, lambda: self._regroup(run), memory_gib=2),
        ]

    def _machine(self, run):
        facts = dict(run.facts)
        if facts.get("mig.mode.current") == "Enabled":
            raise PartFailed("MIG is on: a GPU is sliced by green contexts here; use a whole one")
        if run.on == "cuda":
            facts["library_folders"] = machine.wheel_folders()
            facts["clocks_idle"] = machine.clock_sample(run.gpu)
        return {"facts": facts}

    def _regroup(self, run):
        if run.on == "cuda":
            return _bench(run, "probe", "soak", "--devices", run.devices, "--operations", 100)
        seconds, _ = run.call("probe", "regroup", "--version")
        return {"took_s": round(seconds, 2)}

    def summary(self, run, done):
        return {
            "machine": done.get("regroup", {}).get("measured", {}).get("machine", run.facts)
        }, []


class SelfTest(Stage):
    """How ranks can wait for each other: what the start-up test chooses, and each way by itself."""

    def parts(self, run):
        if run.on == "host":
            return [
                Part(
                    "collectives",
                    30,
                    lambda: _gtest(run, "collectives_test", "--gtest_filter=World*"),
                )
            ]
        parts = [Part("as chosen", 60, lambda: self._soak(run, []), memory_gib=2)]
        if any(flag.startswith("--sync") for flag in run.flags):
            return parts
        return parts + [
            Part(mode, 60, lambda mode=mode: self._try(run, mode), memory_gib=2)
            for mode in ("spin", "memop", "event")
        ]

    def _soak(self, run, flags):
        return _bench(
            run,
            "self-test" + "".join(flags).replace("--sync", "-"),
            "soak",
            "--devices",
            run.devices,
            "--operations",
            300,
            *flags,
        )

    def _try(self, run, mode):
        """A mode that does not work here is a result, not a failure."""
        try:
            return {"works": True, **self._soak(run, ["--sync", mode])}
        except PartFailed as refusal:
            return {"works": False, "refusal": str(refusal)}

    def summary(self, run, done):
        chosen = done.get("as chosen", {}).get("measured", {}).get("machine", {}).get("sync", "")
        return {
            "sync": chosen or "threads",
            "works": {mode: part["works"] for mode, part in done.items() if "works" in part},
        }, []


class Soak(Stage):
    """Collectives of random groups, every byte checked; and an inversion that is noticed."""

    def parts(self, run):
        if run.on == "host":
            return [Part("programs", 30, lambda: _gtest(run, "collectives_test"))]
        return [
            Part(
                "100000",
                150,
                memory_gib=2,
                action=lambda: _bench(
                    run, "soak", "soak", "--devices", run.devices, "--operations", 100_000
                ),
            )
        ]

    def summary(self, run, done):
        return {
            name: part.get("measured", {}).get("soak", {"tests": part.get("passed")})
            for name, part in done.items()
        }, []


class Numerics(Stage):
    """Kernels against the CPU, libraries against kernels, every degree against one rank."""

    def parts(self, run):
        if run.on == "host":
            return [Part("dit_test", 60, lambda: _gtest(run, "dit_test"))]
        programs = [
            Part(program, 90, lambda program=program: _gtest(run, program), memory_gib=4)
            for program in (
                "cuda_open_machine_test",
                "cuda_ops_gpu_test",
                "cuda_math_test",
                "cuda_real_nccl_test",
            )
        ]
        return programs + [
            Part(
                f"degrees of {model}",
                120,
                memory_gib=36,
                action=lambda model=model, shape=shape: _bench(
                    run,
                    f"degrees-{model}",
                    "dit",
                    "--check",
                    "--devices",
                    run.devices,
                    "--model",
                    model,
                    "--shape",
                    shape,
                    "--steps",
                    4,
                ),
            )
            for model, shape in (("FLUX.1-dev", "512x512"), ("Wan2.1-T2V-1.3B", "480x480x9"))
        ]

    def summary(self, run, done):
        errors = [
            layout["error"]
            for part in done.values()
            for layout in part.get("measured", {}).get("layouts", [])
        ]
        machines = [part.get("measured", {}).get("machine", {}) for part in done.values()]
        return {
            "tests": sum(part.get("passed", 0) for part in done.values()),
            "largest_error_of_a_degree": max(errors, default=None),
            "math": next((each["math"] for each in machines if "math" in each), ""),
        }, []


class BenchGroups(Stage):
    """What a new group costs: ours, and NCCL's communicators."""

    def parts(self, run):
        if run.on == "host":
            return [Part("barriers", 30, lambda: self._host(run))]
        return [
            Part(
                "groups",
                120,
                memory_gib=4,
                action=lambda: _bench(
                    run, "groups", "groups", "--devices", run.devices, "--samples", 50
                ),
            )
        ]

    def _host(self, run):
        out = run.work("groups.json")
        run.call(
            "groups",
            "regroup",
            "calibrate",
            "--on",
            "host",
            "--shape",
            "64x64",
            "--repeat",
            2,
            "--steps",
            1,
            "--out",
            run.work("groups-calibration.json"),
            "--samples-out",
            out,
        )
        return {"measured": {"barriers": read_json(out)["barriers"]}}

    def summary(self, run, done):
        if run.on == "host":
            barriers = done["barriers"]["measured"]["barriers"]
            return {
                "median_us": {
                    f"a barrier of {each['degree']}": 1e6 * each["seconds"] for each in barriers
                }
            }, []
        measured = done["groups"]["measured"]
        return {
            "median_us": {
                f"{way['way']}, {way['ranks']}": 1e6 * way["formation"]["median_s"]
                for way in measured["ways"]
            },
            "note": measured["note"],
        }, []


class BenchDit(Stage):
    """A step of a whole GPU beside the published one, and what the libraries are worth."""

    PUBLISHED_S = 0.13897  # models/data/calibrations/SGLang-FLUX.1-dev-H100.json, one H100

    def parts(self, run):
        if run.on == "host":
            return [Part("small", 30, lambda: self._host(run))]
        whole = f"gpu{run.gpu}"
        flux = ["--model", "FLUX.1-dev", "--shape", "1024x1024"]
        wan = ["--model", "Wan2.1-T2V-1.3B", "--shape", "832x480x17"]
        return [
            Part(
                name,
                60,
                memory_gib=memory,
                action=lambda name=name, flags=flags: _bench(
                    run, f"dit-{name}", "dit", "--devices", whole, *flags
                ),
            )
            for name, memory, flags in (
                ("FLUX.1-dev", 30, [*flux, "--steps", 20]),
                ("FLUX.1-dev, own kernels", 30, [*flux, "--steps", 5, "--own-kernels"]),
                ("FLUX.1-dev, without graphs", 30, [*flux, "--steps", 10, "--eager"]),
                ("Wan2.1-T2V-1.3B", 12, [*wan, "--steps", 10]),
            )
        ]

    def _host(self, run):
        out = run.work("dit.json")
        run.call(
            "dit",
            "regroup",
            "calibrate",
            "--on",
            "host",
            "--shape",
            "256x256",
            "--degree",
            1,
            "--repeat",
            2,
            "--steps",
            2,
            "--out",
            run.work("dit-calibration.json"),
            "--samples-out",
            out,
        )
        return {"measured": {"cells": read_json(out)["cells"]}}

    def summary(self, run, done):
        if run.on == "host":
            cells = done["small"]["measured"]["cells"]
            return {"small_step_s": next(c["seconds"] for c in cells if c["denoise"])}, []
        steps = {
            name: {"step_s": layout["median_s"], "tflops_per_s": layout["tflops_per_s"]}
            for name, part in done.items()
            for layout in part["measured"].get("steps", [])[:1]
        }
        summary = {"whole_gpu": steps, "published_flux_step_s": self.PUBLISHED_S}
        if "FLUX.1-dev" in steps:
            summary["flux_over_published"] = steps["FLUX.1-dev"]["step_s"] / self.PUBLISHED_S
        return summary, []
