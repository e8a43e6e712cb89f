"""Builds the site of the documents with mkdocs, and looks at every link, anchor and thing that its pages load.

Skipped where mkdocs is not installed.
"""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"])
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(html.parser.HTMLParser):
    """The ids, links and loaded things of a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if given.get(LOADS.get(tag)):
            self.loaded.append(given[LOADS[tag]])


def is_outside(url):
    return re.match(r"[a-z]+:|//", url) is not None and not url.startswith("data:")


def faults_of(site):
    """What is wrong with a built site; and how many links were followed."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    faults, followed = [], 0
    for path, page in pages.items():
        name = path.relative_to(site)
        for url in page.links + page.loaded:
            if is_outside(url):
                if url in page.loaded:
                    faults.append(f"{name}: loads {url}")
                continue
            target, fragment = urllib.parse.urldefrag(urllib.parse.unquote(url))
            leads_to = (path.parent / target.split("?")[0]).resolve() if target else path
            followed += 1
            if not leads_to.is_file():
                faults.append(f"{name}: '{url}' leads nowhere")
            elif fragment and leads_to in pages and fragment not in pages[leads_to].ids:
                faults.append(f"{name}: '{url}': there is no such heading")
        if re.search(r"<p>[^<]*(```|\| ?---)|<code>(sh|yaml|text|python)\n", path.read_text(encoding="utf-8")):
            faults.append(f"{name}: a table or block of code is shown as text")
    for path in site.rglob("*.css"):
        faults += [f"{path.relative_to(site)}: loads {url}" for url in re.findall(
            r"(?:@import\s+(?:url\()?|url\()[\"']?([^\"')]+)", path.read_text(encoding="utf-8")) if is_outside(url)]
    return faults, followed


def check_the_check():
    """A page with one fault of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "page.html").write_text(
            '<h1 id="here">x</h1><a href="#here"></a><a href="page.html#there"></a><a href="none.html"></a>'
            '<script src="https://example.org/x.js"></script><p>| --- |</p>')
        (folder / "style.css").write_text("@import url(//example.org/font.css)")
        faults, followed = faults_of(folder)
        assert len(faults) == 5 and followed == 3, (faults, followed)


def main():
    check_the_check()
    if shutil.which("mkdocs") is None:
        print("skipped: no mkdocs (scripts/setup.sh test installs it)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        site = pathlib.Path(folder).resolve() / "site"
        done = subprocess.run(["mkdocs", "build", "--strict", "--site-dir", site], cwd=ROOT, timeout=300,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            print(done.stdout)
            return 1
        faults, followed = faults_of(site)
        # Decisions have a table of their own.
        faults += [f"mkdocs.yml: {page} is not in the navigation" for page in re.findall(r"^  - (\S+\.md)$", done.stdout, re.M)
                   if not page.startswith(("adr/", "repository/"))]
        pages = len(list(site.rglob("*.html")))
    print("\n".join(faults))
    print(f"{pages} pages, {followed} links, {len(faults)} faults")
    return 1 if faults or pages < 30 else 0


sys.exit(main())
