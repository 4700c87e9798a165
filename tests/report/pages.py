"""The pages that are looked at: how each is made, and what else must hold on it."""
import subprocess

HEADER = ("# regroup trace v1\n"
          "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us\n")
MARKUP = "</script><img src=x onerror=alert(1)>"


class Maker:
    def __init__(self, regroup, source, scratch):
        self.regroup, self.source, self.scratch = regroup, source, scratch

    def make(self, case):
        """The page's file, and a check of its own or None."""
        return getattr(self, case)()

    def run(self, *arguments):
        return subprocess.run([self.regroup, *map(str, arguments)], cwd=self.scratch, check=True,
                              capture_output=True, text=True).stdout

    def replay(self, name, *arguments):
        self.run("replay", "--out", name, "--no-timeline", *arguments)
        return self.scratch / name / "report.html"

    def sample(self, name, policy, *arguments):
        return self.replay(name, "--trace", self.source / "traces/samples/flux_mixed_8gpu.csv", "--slo",
                           "alpha=1.5", "--policy", policy, *arguments)

    def trace(self, name, *rows):
        file = self.scratch / name
        file.write_text(HEADER + "".join(row + "\n" for row in rows))
        return file

    def images(self):
        return self.sample("images", "elastic"), None

    def videos(self):
        return self.replay("videos", "--trace", self.source / "traces/samples/wan_short_8gpu.csv", "--slo",
                           "class:S=1.5,M=2,L=6", "--policy", "edf-best-fit"), None

    def faulty(self):
        """GPUs break, one for good; the page shows where and what was lost."""
        def marks(page, name, check):
            check.that(page.run("views[0].schedule.failures.length") == 2, f"{name}: both failures are marked")
            check.that(page.run("views[0].schedule.failed.some(each => each === 1)"), f"{name}: lost work is marked")
        return self.sample("faulty", "edf", "--param", "degree=4", "--fail", "3@100:300", "--fail", "6@500"), marks

    def empty(self):
        def words(page, name, check):
            check.that("no requests" in page.run("document.body.innerText"), f"{name}: says that there is nothing")
        return self.replay("empty", "--trace", self.trace("empty.csv"), "--policy", "fcfs"), words

    def one(self):
        return self.replay("one", "--trace", self.trace("one.csv", "only,5,FLUX.1-dev,512,512,1,4,1,small,0,"),
                           "--policy", "fcfs", "--slo", "none"), None

    def no_schedule(self):
        def words(page, name, check):
            check.that("--no-tasks" in page.run("document.body.innerText"), f"{name}: says why there is no schedule")
        return self.sample("no_schedule", "srtf", "--no-tasks"), words

    def markup(self):
        """Names from traces are text."""
        def text(page, name, check):
            check.that(page.run("document.querySelectorAll('img, main script').length") == 0, f"{name}: no markup came in")
            check.that(MARKUP in page.run("document.body.textContent"), f"{name}: the class is named as it is")
        rows = [f"<b>{i}</b>,{i},FLUX.1-dev,512,512,1,4,1,{MARKUP},0,{i + 900000}" for i in range(5)]
        return self.replay("markup", "--trace", self.trace("markup.csv", *rows), "--policy", "fcfs"), text

    def many(self):
        """Ten thousand requests on 64 GPUs stay a small page."""
        self.run("trace", "generate", "--count", 10000, "--per-minute", 400, "-o", "many.csv")
        file = self.replay("many", "--trace", "many.csv", "--cluster", "8x8xH100", "--policy", "elastic", "--slo",
                           "tetriserve=1.5")

        def size(page, name, check):
            check.that(file.stat().st_size < 5e6, f"{name}: {file.stat().st_size} bytes are under 5 MB")
        return file, size


    def policies(self):
        """Two policies: linked schedules, and no attribution to cost models."""
        self.sample("first", "elastic")
        self.sample("second", "edf-best-fit")

        def linked(page, name, check):
            page.run("views[0].show({from: 100, to: 160})")
            check.that(page.run("views[1].view.from") == 100, f"{name}: both schedules move together")
            page.run("views[1].find('r000058')")
            check.that(page.run("views[0].selected >= 0 && views[0].requests.ids[views[0].selected]") == "r000058",
                       f"{name}: both follow a request")
            page.run("views[0].follow(-1)")
            words = page.run("document.querySelector('main').innerText")
            for part in ("the first that differs is at", "Requests that fared most differently", "Mean time of a request"):
                check.that(part in words, f"{name}: says '{part}'")
            check.that("From simulated to measured" not in words, f"{name}: no attribution between policies")
        return self.report("policies", "first", "second"), linked

    def measured(self):
        """A simulated run and one of the real runtime, given in the other order."""
        self.sample("simulated", "edf", "--limit", 120)
        self.sample("host", "edf", "--limit", 120, "--on", "host", "--jitter", 0.05)

        def attributed(page, name, check):
            words = page.run("document.querySelector('main').innerText")
            for part in ("From simulated to measured", "cost model", "overheads", "Step times against the cost model"):
                check.that(part in words, f"{name}: says '{part}'")
            check.that(page.run("page_data.runs[0].on") == "sim", f"{name}: the simulated run comes first")
        return self.report("measured", "host", "simulated"), attributed

    def three(self):
        """More than two, of different workloads: side by side, without pairing."""
        self.sample("wide", "fcfs", "--param", "degree=8")
        self.sample("narrow", "fcfs", "--param", "degree=1")
        self.sample("none", "srtf", "--limit", 50)
        return self.report("three", "wide", "narrow", "none"), None

    def unlike(self):
        """Two runs of different requests are not paired, and the page says why."""
        self.sample("all", "edf")
        self.sample("some", "edf", "--limit", 50)

        def why(page, name, check):
            check.that("Not compared request by request" in page.run("document.body.innerText"), f"{name}: says why not")
        return self.report("unlike", "all", "some"), why

    def sweep(self):
        return self.sweep_of("sweep", self.source / "tools/sweep/sample.json"), None

    def capacity(self):
        def found(page, name, check):
            check.that("Capacity" in page.run("document.querySelector('main').innerText"), f"{name}: says what was found")
        return self.sweep_of("capacity", self.source / "tools/sweep/sample_capacity.json"), found

    def sweep_of(self, name, spec):
        self.run("sweep", "--spec", spec, "--out", name, "--jobs", 1)
        return self.report(name, name)

    def report(self, name, *folders):
        self.run("report", *folders, "-o", f"{name}.html")
        return self.scratch / f"{name}.html"


CASES = ("images", "videos", "faulty", "empty", "one", "no_schedule", "markup", "many", "policies", "measured", "three",
         "unlike", "sweep", "capacity")
