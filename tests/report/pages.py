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


CASES = ("images", "videos", "faulty", "empty", "one", "no_schedule", "markup", "many")
