#!/usr/bin/env python3
"""page_test.py REGROUP SOURCE [--pictures FOLDER] [CASE...]

Opens pages of `regroup report` in headless Chromium, at two widths, light and dark: nothing on the
console, no request to anywhere, every chart drawn, hover, click and keys work, no sideways
scrolling, everything also there as text. --pictures keeps a PNG of each. Exit code 77: no Chromium.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import browser
import pages

WIDTHS = (1280, 390)

# Every canvas shows more than one colour; what is wrong, as a list.
BLANK = """
[...document.querySelectorAll("canvas")].filter(canvas => {
  if (canvas.width === 0 || canvas.height === 0) return true;
  const data = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return data.every(pixel => pixel === data[0]);
}).map(canvas => canvas.getAttribute("aria-label") || canvas.className)
"""
WITHOUT_WORDS = """
[...document.querySelectorAll("figure")].filter(figure => !figure.querySelector("details, table")).map(f => f.textContent)
  .concat([...document.querySelectorAll("canvas:not([aria-hidden])")].filter(c => !c.getAttribute("aria-label")).map(c => c.className))
  .concat([...document.querySelectorAll("button")].filter(b => !b.textContent && !b.getAttribute("aria-label")).map(b => b.outerHTML))
"""
# What is wider than the window and does not scroll within something.
TOO_WIDE = """
document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll"))
    .map(e => e.tagName + "." + e.className).slice(0, 5)
"""


class Checks:
    def __init__(self):
        self.failures = []

    def that(self, good, what):
        if not good:
            self.failures.append(what)
            print(f"FAILED: {what}", file=sys.stderr)


def look(page, name, check):
    """What holds for every page."""
    check.that(not page.complaints, f"{name}: the console is silent, not {page.complaints[:3]}")
    for script, what in ((BLANK, "every canvas is drawn"), (WITHOUT_WORDS, "every picture has words"),
                         (TOO_WIDE, "nothing is too wide")):
        wrong = page.run(script)
        check.that(not wrong, f"{name}: {what}, but {wrong}")
    page.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.settle()
    empty = page.run("[...document.querySelectorAll('details .scroll')].filter(e => !e.querySelector('td')).length")
    check.that(empty == 0, f"{name}: {empty} tables have no rows")
    bad = page.run("(document.querySelector('main').innerText.match(/NaN|undefined|null|Infinity/g) || [])")
    check.that(not bad, f"{name}: no words of the machine, but {bad}")
    page.run("document.querySelectorAll('details').forEach(each => { each.open = false; })")


def walk(page, name, check):
    """Through the schedule, as a person would."""
    box = page.run("views[0].canvas.scrollIntoView({block: 'center'}),"
                   "(({left, top, width, height}) => [left, top, width, height])(views[0].canvas.getBoundingClientRect())")
    place = page.run("""(() => {  // the middle of the longest placement
      const view = views[0], s = view.schedule;
      let i = 0;
      for (let n = 1; n < s.count; ++n) if (s.finish[n] - s.start[n] > s.finish[i] - s.start[i]) i = n;
      const gpu = s.groups[s.group[i]][0];
      const x = kLeft + ((s.start[i] + s.finish[i]) / 2 - view.view.from) / (view.view.to - view.view.from) * (view.host.clientWidth - kLeft);
      return [x, (gpu + 0.5) * row_height(s.gpus), s.requests.ids[s.request_of(i)]];
    })()""")
    x, y = box[0] + place[0], box[1] + place[1]
    page.mouse("mouseMoved", x, y)
    tip = page.run("views[0].tip.hidden ? '' : views[0].tip.innerText")
    for words in (place[2], "took", "expected", "decision"):
        check.that(words in tip, f"{name}: hovering tells '{words}', not '{tip}'")
    tip_box = page.run("(({left, right}) => [left, right])(views[0].tip.getBoundingClientRect())")
    check.that(tip_box[0] >= 0 and tip_box[1] <= box[0] + box[2] + 1, f"{name}: the tooltip is within the page")
    page.click(x, y)
    followed = page.run("views[0].selected < 0 ? '' : views[0].details.innerText")
    check.that(place[2] in followed, f"{name}: a click follows request {place[2]}, not '{followed[:80]}'")
    whole = page.run("views[0].view.to - views[0].view.from")
    page.key("+", "+")
    near = page.run("views[0].view.to - views[0].view.from")
    check.that(near < whole, f"{name}: the + key zooms")
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-200)
    nearer = page.run("views[0].view.to - views[0].view.from")
    check.that(nearer < near, f"{name}: the wheel zooms while the view has the focus")
    before = page.run("views[0].view.from")
    page.key("ArrowRight")
    check.that(page.run("views[0].view.from") > before, f"{name}: the arrow moves")
    before = page.run("views[0].view.from")
    page.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    page.mouse("mouseMoved", x + 60, y, buttons=1, button="left")
    page.mouse("mouseReleased", x + 60, y, button="left", clickCount=1)
    check.that(page.run("views[0].view.from") < before, f"{name}: dragging moves")
    page.key("Escape")
    check.that(page.run("views[0].selected") == -1, f"{name}: Escape stops following")
    page.key("0", "0")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("regroup")
    parser.add_argument("source")
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("cases", nargs="*")
    given = parser.parse_intermixed_args()
    path = browser.chromium()
    if path is None:
        print("SKIPPED: there is no Chromium here (Debian: apt-get install chromium); no page was looked at")
        return 77
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    check = Checks()
    with tempfile.TemporaryDirectory() as scratch, browser.Browser(path) as page:
        maker = pages.Maker(given.regroup, pathlib.Path(given.source), pathlib.Path(scratch))
        for case in given.cases or pages.CASES:
            file, extra = maker.make(case)
            for width in WIDTHS:
                shades = set()
                for dark in (False, True):
                    name = f"{case}-{width}-{'dark' if dark else 'light'}"
                    page.complaints.clear()
                    page.open(file, width, 900, dark)
                    shades.add(page.run("getComputedStyle(document.body).backgroundColor"))
                    look(page, name, check)
                    if page.run("views.length > 0 && views[0].schedule.count > 0"):
                        walk(page, name, check)
                    if extra:
                        extra(page, name, check)
                    check.that(not page.complaints, f"{name}: still silent, not {page.complaints[:3]}")
                    if given.pictures:
                        page.settle()
                        page.picture(given.pictures / f"{name}.png")
                check.that(len(shades) == 2, f"{case}-{width}: light and dark differ")
    print(f"{len(given.cases or pages.CASES)} pages, {len(check.failures)} failures")
    return 1 if check.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr}")
