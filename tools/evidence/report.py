"""What the files of evidence runs come to, as Markdown; and where they are kept."""

import argparse
import pathlib
import re
import shutil

import machine
from claims import CELL_POINTS, LATENCY_MEAN, LATENCY_P95, MEAN_POINTS, kept, undetermined
from folder import MEASURED_PATH, read_json

_BEGIN, _END = "<!-- evidence: begin -->", "<!-- evidence: end -->"
_ORDER = [
    "probe",
    "self-test",
    "soak",
    "numerics",
    "calibrate",
    "serve",
    "bench-groups",
    "bench-dit",
]


def _stages_of(folder):
    """The stages in a folder, in their order."""
    return {
        name: read_json(folder / f"{name}.json")
        for name in _ORDER
        if (folder / f"{name}.json").is_file()
    }


def _percent(share):
    return f"{100 * share:.1f} %"


def _findings(name, summary):
    """A stage in a few words."""
    if name == "probe":
        return summary["machine"].get("gpus") or f"{summary['machine'].get('cores', '')} cores"
    if name == "soak" and "100000" in summary:
        soak = summary["100000"]
        return (
            f"{soak['operations']} collectives, {soak['checked_bytes'] / 1e9:.0f} GB checked, "
            f"{soak['wrong_bytes']} bytes wrong; an inversion noticed after "
            f"{1e3 * soak['inversion']['seconds']:.1f} ms"
        )
    if name == "soak":
        return f"{sum(part['tests'] for part in summary.values())} tests of collectives"
    if name == "self-test":
        return summary["sync"].split(";")[0]
    if name == "numerics" and summary["largest_error_of_a_degree"] is not None:
        return (
            f"{summary['tests']} tests; a degree is off by "
            f"{_percent(summary['largest_error_of_a_degree'])} at most; "
            + re.sub(r" \([^)]*\)", "", summary["math"])  # without files
        )
    if name == "numerics":
        return f"{summary['tests']} tests"
    if name == "calibrate":
        return (
            f"held-out steps: {summary['held_out_samples']}, error median "
            f"{_percent(summary['held_out_median'])}, worst {_percent(summary['held_out_worst'])}"
        )
    if name == "serve":
        cells = summary["cells"].values()
        gaps = [cell["slo_gap"] for cell in cells]
        return (
            f"{len(gaps)} cells: SLO gap {100 * max(gaps):.1f} points at most, "
            f"{100 * sum(gaps) / len(gaps):.1f} on average"
        )
    if name == "bench-groups" and summary["median_us"]:
        return "; ".join(f"{way}: {us:.1f} us" for way, us in summary["median_us"].items())
    if name == "bench-dit" and "small_step_s" in summary:
        return f"a small transformer {1e3 * summary['small_step_s']:.1f} ms a step"
    if name == "bench-dit" and "flux_over_published" in summary:
        step = summary["whole_gpu"]["FLUX.1-dev"]["step_s"]
        return (
            f"FLUX 1024x1024 {1e3 * step:.1f} ms a step, {summary['flux_over_published']:.2f} of "
            f"the published {1e3 * summary['published_flux_step_s']:.0f} ms"
        )
    return ""


def _stage_table(stages):
    lines = ["| stage | result | seconds | |", "|---|---|---:|---|"]
    for name, data in stages.items():
        said = _findings(name, data["summary"]) if data["summary"] else ""
        if data["result"] != "passed":
            said = "; ".join(filter(None, [said, data["why"][:200].replace("|", "/")]))
        lines.append(f"| {name} | {data['result']} | {data['seconds']:.0f} | {said} |")
    return lines


def _pair(cell, key, scale, digits):
    """Simulated / measured; a dash where there is no figure, because nobody finished."""
    figures = [cell[on][key] for on in ("simulated", "measured")]
    return " / ".join("-" if f is None else f"{scale * f:.{digits}f}" for f in figures)


def _spread(spread):
    return (
        f"{100 * spread['slo_gap']:.1f}, {_percent(spread['latency_mean_error'])}, "
        f"{_percent(spread['latency_p95_error'])}"
    )


def _attribution(cell, errors):
    """Where the gap of a cell that misses comes from, by `regroup compare`."""
    if kept(errors):
        return ""
    if undetermined(errors, cell["spread"]):
        return "undetermined"
    return cell["attribution"].get("largest", "not known")


def _cell_table(serve):
    lines = [
        "Simulated / measured:",
        "",
        "| policy | load | violations % | mean s | P95 s | error of mean, P95 | simulation's own "
        "spread: points, mean, P95 | missed for |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name, errors in serve["summary"].get("cells", {}).items():
        cell = serve["parts"][name]
        lines.append(
            f"| {cell['policy']} | {cell['load']:g} "
            f"| {_pair(cell, 'slo_violation_rate', 100, 1)} "
            f"| {_pair(cell, 'latency_mean_s', 1, 3)} | {_pair(cell, 'latency_p95_s', 1, 3)} "
            f"| {_percent(errors['latency_mean_error'])}, {_percent(errors['latency_p95_error'])} "
            f"| {_spread(cell['spread'])} | {_attribution(cell, errors)} |"
        )
    return lines


def _claim_table(serve):
    lines = [
        "Elastic over fixed:",
        "",
        "| load | on | throughput | mean latency | violations %, fixed / elastic |",
        "|---:|---|---:|---:|---:|",
    ]
    for row in serve["summary"].get("elastic_over_fixed", []):
        lines.append(
            f"| {row['load']:g} | {row['on']} | x {row['throughput']:.2f} "
            f"| x {row['latency_mean']:.2f} | {100 * row['violations_fixed']:.1f} / "
            f"{100 * row['violations_elastic']:.1f} |"
        )
    return lines


def section(folder, stages):
    """What one folder shows."""
    made = next(iter(stages.values()))["made_by"]
    commit, _, changed = made["commit"].partition("+")
    what = f"`gpu-evidence run --on {made['on']}`, {made['date'][:10]}, commit {commit[:12]}"
    if changed:
        what += " with changes"
    if made["on"] == "cuda":
        title = (
            f"{made['machine']['name']}, {made['devices']}, driver "
            f"{made['machine']['driver_version']} ({what})"
        )
    else:
        title = f"Dry run without a GPU, {made['devices']} ({what})"
    lines = [f"{title}:", "", *_stage_table(stages)]
    if "serve" in stages and stages["serve"]["summary"]:
        lines += ["", *_cell_table(stages["serve"]), "", *_claim_table(stages["serve"])]
    return lines


def block(measured, dry_run):
    """Of all GPUs; of the dry run only where there is none."""
    folders = [folder for folder in sorted(measured.glob("*")) if _stages_of(folder)]
    lines = []
    for folder in folders:
        lines += [*section(folder, _stages_of(folder)), ""]
    if not folders:
        dry = _stages_of(dry_run)
        lines = ["No GPU results yet."]
        if dry:
            lines[0] += " The procedure was dry-run on host ranks: it works, and no more is said."
            lines += ["", *section(dry_run, dry)]
        lines.append("")
    lines.append(
        "The simulation's own spread is what six simulations differ by whose steps take 0.2 % more "
        "or less; a cell that misses by no more than that is undetermined. "
        f"Allowed: SLO-violation rates {100 * CELL_POINTS:.0f} points apart in a cell and "
        f"{100 * MEAN_POINTS:.0f} on average, mean latency {100 * LATENCY_MEAN:.0f} %, P95 "
        f"{100 * LATENCY_P95:.0f} %, no two policies ranked otherwise."
    )
    return "\n".join(lines)


def table(flags):
    text = block(flags.measured, flags.dry_run)
    if flags.write is None:
        print(text)
        return 0
    page = flags.write.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
    if not pattern.search(page):
        raise machine.MachineError(f"{flags.write}: no lines {_BEGIN} and {_END}")
    flags.write.write_text(
        pattern.sub(lambda _: f"{_BEGIN}\n{text}\n{_END}", page), encoding="utf-8"
    )
    return 0


def publish(flags):
    stages = _stages_of(flags.folder)
    if not stages:
        raise machine.MachineError(f"{flags.folder}: no stages of an evidence run")
    made = [data["made_by"] for data in stages.values()]
    if any(each["on"] != "cuda" for each in made):
        raise machine.MachineError(f"{flags.folder}: made without a GPU, so it is not kept")
    names = {(each["machine"]["name"], each["commit"]) for each in made}
    if len(names) > 1:
        raise machine.MachineError(f"{flags.folder}: stages of several GPUs or commits")
    name = re.sub(r"[^A-Za-z0-9.]+", "-", made[0]["machine"]["name"])
    target = flags.root.joinpath(*MEASURED_PATH, name)
    shutil.copytree(
        flags.folder, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("work", "*.part")
    )
    print(
        f"{target}: {len(stages)} stages; add and commit it, then gpu-evidence table --write "
        "runtime/README.md"
    )
    return 0


def add_verbs(verbs, root):
    verb = verbs.add_parser("table", help="what the files come to, as Markdown")
    verb.add_argument(
        "measured",
        nargs="?",
        type=pathlib.Path,
        default=root.joinpath(*MEASURED_PATH),
        help="a folder of folders, one a GPU (default models/data/measured)",
    )
    verb.add_argument(
        "--dry-run",
        type=pathlib.Path,
        default=root / "docs" / "gpu-evidence",
        help="what stands there while there is none",
    )
    verb.add_argument(
        "--write",
        type=pathlib.Path,
        metavar="README",
        help="between the two marks of this file, instead of printing it",
    )
    verb.set_defaults(action=table)
    verb = verbs.add_parser("publish", help="keeps a GPU's files in models/data/measured")
    verb.add_argument("folder", type=pathlib.Path)
    verb.add_argument("--root", type=pathlib.Path, default=root, help=argparse.SUPPRESS)
    verb.set_defaults(action=publish)
