"""The folder of an evidence run: a JSON file for each stage, samples, calibrations, logs.

    DIR/<stage>.json       what the stage came to, part by part
    DIR/samples/*.gz       every single measurement
    DIR/calibration/*.json what the simulator was given
    DIR/work/              logs and folders of runs; not to be kept
"""

import gzip
import json
import os

FORMAT, VERSION = "regroup-evidence", 1
MEASURED_PATH = ("models", "data", "measured")


def write_text(path, text):
    """Under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def write_json(path, data):
    write_text(path, json.dumps(data, indent=1) + "\n")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_gz(path, text):
    """The same bytes for the same text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.encode())
    os.replace(part, path)


def under_measured(path):
    """Whether results there would count as measured on a GPU."""
    parts = path.resolve().parts
    return any(parts[i : i + 3] == MEASURED_PATH for i in range(len(parts)))


class Record:
    """The file of one stage. A part, once it is done, is kept as long as `key` is the same:
    commit, GPU, driver and what else the stage depends on."""

    def __init__(self, folder, stage, key, made_by):
        self.path = folder / f"{stage}.json"
        self.data = {"format": FORMAT, "version": VERSION, "stage": stage, "key": key}
        if self.path.is_file():
            before = read_json(self.path)
            if before.get("key") == key:
                self.data = before
        self.data["made_by"] = made_by
        self.data.setdefault("parts", {})

    @property
    def parts(self):
        return self.data["parts"]

    def is_done(self, part):
        return self.parts.get(part, {}).get("result") == "done"

    def put(self, part, outcome):
        self.parts[part] = outcome
        self.save()

    def save(self):
        write_json(self.path, self.data)
