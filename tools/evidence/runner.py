"""Runs a program of the build: with a limit, with its log kept, with the GPU's clocks watched."""

import os
import signal
import subprocess
import threading
import time

import machine

SAMPLE_EVERY_S = 5


class PartFailed(Exception):
    """Why a part came to nothing: one line for a person."""


class _Clocks(threading.Thread):
    """Samples a GPU until stop(). A sample takes the driver some milliseconds, so they are few."""

    def __init__(self, gpu):
        super().__init__(daemon=True)
        self.gpu, self.samples, self.ended = gpu, [], threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_EVERY_S):
            sample = machine.clock_sample(self.gpu)
            if sample:
                self.samples.append(sample)

    def stop(self):
        """The range of each figure."""
        self.ended.set()
        self.join()
        fields = self.samples[0] if self.samples else {}
        return {
            field: {"least": min(values), "most": max(values), "samples": len(values)}
            for field in fields
            if (values := [each[field] for each in self.samples if field in each])
        }


def _end(process):
    """The program with all that it started."""
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 30)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
            return
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _last_words(log):
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it printed nothing"


def run_program(command, log, limit_s, environment, gpu=None):
    """Both outputs go to `log`. Returns (seconds, clocks). PartFailed: exit code, signal, limit."""
    log.parent.mkdir(parents=True, exist_ok=True)
    clocks = _Clocks(gpu) if gpu is not None else None
    begun = time.monotonic()
    with open(log, "w", encoding="utf-8") as output:
        output.write("$ " + " ".join(command) + "\n")
        output.flush()
        try:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, process_group=0
            )
        except OSError as error:
            raise PartFailed(f"{command[0]}: {error.strerror}") from error
        if clocks:
            clocks.start()
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise PartFailed(f"not done after its limit of {limit_s:.0f} s; see {log}") from None
        finally:
            if process.poll() is None:  # also when this script is interrupted
                _end(process)
            watched = clocks.stop() if clocks else {}
    seconds = time.monotonic() - begun
    if code < 0:
        raise PartFailed(f"ended by signal {signal.Signals(-code).name}; see {log}")
    if code > 0:
        raise PartFailed(f"exit code {code}: {_last_words(log)}")
    return seconds, watched
