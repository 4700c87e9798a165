#!/usr/bin/env python3
"""picture.py PAGE FILE

The top of a page of `regroup report` as a PNG, its schedule at two minutes of the sample and
one request followed. Without a Chromium it says so and leaves the file alone.
"""
import sys

import browser


def main(page_file, picture):
    path = browser.chromium()
    if path is None:
        print("picture: there is no Chromium here; the picture stays as it is", file=sys.stderr)
        return
    with browser.Browser(path) as page:
        page.open(page_file, 1240, 1010)
        page.run("views[0].follow(views[0].requests.ids.indexOf('r000086')), views[0].show({from: 340, to: 460})")
        page.run("views[0].details.replaceChildren()")
        page.settle()
        page.picture(picture, whole=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
