"""Programs and the libraries they need in one folder, for a machine with a driver and no more."""

import pathlib
import shutil
import subprocess

import machine

PROGRAMS = [
    "regroup",
    "cuda_open_machine_test",
    "cuda_ops_gpu_test",
    "cuda_math_test",
    "cuda_real_nccl_test",
]
# Every Linux with a driver has these; their own would not suit another loader.
_OF_THE_SYSTEM = (
    "linux-vdso",
    "ld-linux",
    "libc.",
    "libm.",
    "libgcc_s.",
    "libstdc++.",
    "libdl.",
    "libpthread.",
    "librt.",
)


def _libraries(program):
    """Of a program: {name: path}, without those of the system."""
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        name, _, rest = line.strip().partition(" => ")
        if rest and not name.startswith(_OF_THE_SYSTEM):
            if "not found" in rest:
                raise machine.MachineError(f"{program}: {name} is not here")
            found[name] = rest.split(" (")[0]
    return found


def pack(flags):
    commit = machine.commit_of(flags.build)
    if commit is None:
        raise machine.MachineError("which commit was built? There is no git here")
    if flags.folder.exists():
        shutil.rmtree(flags.folder)
    (flags.folder / "lib").mkdir(parents=True)
    libraries = {}
    for name in PROGRAMS:
        found = [path for path in flags.build.rglob(name) if path.is_file()]
        if not found:
            raise machine.MachineError(f"no program {name} under {flags.build}; build it first")
        subprocess.run(["strip", "-o", flags.folder / name, found[0]], check=True)
        libraries.update(_libraries(found[0]))
    if any(name.startswith("libmpi") for name in libraries):
        raise machine.MachineError(f"{flags.build}: built with MPI; configure -DREGROUP_MPI=OFF")
    for name, path in sorted(libraries.items()):
        shutil.copy(path, flags.folder / "lib" / name)
    (flags.folder / "COMMIT").write_text(commit + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in flags.folder.rglob("*") if path.is_file())
    print(
        f"{flags.folder}: {len(PROGRAMS)} programs, {len(libraries)} libraries, "
        f"{size / 2**20:.0f} MiB, commit {commit[:20]}"
    )
    return 0


def add_verb(verbs):
    verb = verbs.add_parser("pack", help="programs and libraries in one folder")
    verb.add_argument("build", type=pathlib.Path, help="a build folder, with CUDA and without MPI")
    verb.add_argument("folder", type=pathlib.Path, help="is replaced")
    verb.set_defaults(action=pack)
