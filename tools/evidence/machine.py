"""What the machine is: its GPU, its driver, the libraries on it, and the commit that was built."""

import os
import pathlib
import platform
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]

# Always there; without one of them there is nothing to measure on.
_NEEDED = ["name", "driver_version", "memory.total", "memory.free"]
# Not every driver knows, or may tell, all of these.
_WANTED = [
    "uuid",
    "clocks.max.sm",
    "clocks.max.mem",
    "clocks.applications.graphics",
    "power.limit",
    "mig.mode.current",
    "compute_mode",
    "persistence_mode",
]
_SAMPLED = ["clocks.sm", "clocks.mem", "power.draw", "temperature.gpu"]


class MachineError(Exception):
    """The machine cannot do what was asked for: one line for a person."""


def _output(command):
    """What a command prints, stripped; None if it is not there, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _ask_smi(fields, gpu):
    text = _output(
        [
            "nvidia-smi",
            "--id=" + str(gpu),
            "--query-gpu=" + ",".join(fields),
            "--format=csv,noheader,nounits",
        ]
    )
    if not text:
        return None
    values = [value.strip() for value in text.splitlines()[0].split(",")]
    return dict(zip(fields, values)) if len(values) == len(fields) else None


def gpu_facts(gpu):
    """What nvidia-smi says of a GPU. MachineError: there is none, or no driver."""
    facts = _ask_smi(_NEEDED, gpu)
    if facts is None:
        raise MachineError(f"nvidia-smi knows no GPU {gpu} here; a dry run without one: --on host")
    for field in _WANTED:  # one by one, for an unknown one spoils a whole query
        value = _ask_smi([field], gpu)
        if value and not value[field].startswith("["):
            facts[field] = value[field]
    return facts


def free_gib(gpu):
    return float((_ask_smi(["memory.free"], gpu) or {"memory.free": "0"})["memory.free"]) / 1024


def clock_sample(gpu):
    """Clocks (MHz), power (W) and temperature (C) now; {} if they cannot be read."""
    sample = {}
    for field, value in (_ask_smi(_SAMPLED, gpu) or {}).items():
        try:
            sample[field] = float(value)
        except ValueError:
            pass
    return sample


def host_facts():
    return {
        "name": "host ranks",
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


def wheel_folders():
    """Where Python's wheels of NVIDIA's libraries (cuBLAS, cuDNN, NCCL) lie, if there are any."""
    prefixes = [os.environ.get("VIRTUAL_ENV", ""), sys.prefix]
    asked = _output(["python3", "-c", "import sys; print(sys.prefix)"])
    prefixes.append(asked or "")
    folders = []
    for prefix in dict.fromkeys(filter(None, prefixes)):
        for folder in sorted(pathlib.Path(prefix).glob("lib/python3*/*-packages/nvidia/*/lib")):
            if str(folder) not in folders:
                folders.append(str(folder))
    return folders


def library_environment(build, on):
    """The environment in which programs of `build` find their libraries."""
    folders = [str(build / "lib")] if (build / "lib").is_dir() else []
    if on == "cuda":
        folders += wheel_folders()
    before = os.environ.get("LD_LIBRARY_PATH", "")
    return dict(os.environ, LD_LIBRARY_PATH=":".join(folders + ([before] if before else [])))


def commit_of(build):
    """Of the programs in `build`: what was packed with them, else that of this source tree."""
    packed = build / "COMMIT"
    if packed.is_file():
        return packed.read_text(encoding="utf-8").strip()
    commit = _output(["git", "-C", str(SOURCE), "rev-parse", "HEAD"])
    if commit is None:
        return None
    changed = _output(["git", "-C", str(SOURCE), "status", "--porcelain", "--untracked-files=no"])
    return commit + ("+changes" if changed else "")
