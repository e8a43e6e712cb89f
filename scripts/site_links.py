"""Hooks of mkdocs.yml: what the documents link to outside docs/ becomes part of the site, under repository/.

The links in the documents stay those that work in a checkout. Markdown files become pages, other files are
copied; a link to a folder leads to its README, or becomes plain text where there is none. Headings get
the anchors that GitHub gives them.
"""

import pathlib
import posixpath
import re

from markdown.extensions.toc import TocExtension
from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")  # without its text, which may be a picture
SHOWN = {".md", ".png", ".gz", ".csv", ".txt"}  # as they are; browsers would save others instead of showing them


def anchor(heading, _separator):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def site_path(path):
    """Where a file of the checkout lies in the site."""
    if path.is_relative_to(ROOT / "docs"):
        return path.relative_to(ROOT / "docs").as_posix()
    copied = "repository/" + path.relative_to(ROOT).as_posix()
    return copied if path.suffix in SHOWN else copied + ".txt"


def target_of(document, link):
    """The file of the checkout that a link means; None: it leads out of it."""
    if "://" in link:
        return None
    path = (document.parent / link).resolve()
    return path / "README.md" if (path / "README.md").exists() else path


def on_config(config):
    config["markdown_extensions"].append(TocExtension(slugify=anchor, permalink=False))
    config["markdown_extensions"].remove("toc")
    return config


def on_files(files, config):
    """Adds what the pages link to, and what those link to in turn."""
    waiting = [pathlib.Path(file.abs_src_path) for file in files.documentation_pages()]
    while waiting:
        document = waiting.pop()
        for link, _ in LINK.findall(document.read_text(encoding="utf-8")):
            path = target_of(document, link)
            if path is None or not path.is_file() or files.get_file_from_path(site_path(path)):
                continue
            file = File(site_path(path), str(ROOT), config["site_dir"], config["use_directory_urls"])
            file.abs_src_path = str(path)
            files.append(file)
            if path.suffix == ".md":
                waiting.append(path)
    return files


def on_page_markdown(markdown, page, config, files):
    document = pathlib.Path(page.file.abs_src_path)
    here = posixpath.dirname(page.file.src_uri)

    def moved(match):
        path = target_of(document, match[1])
        return match[0] if path is None else f"]({posixpath.relpath(site_path(path), here or '.')}{match[2] or ''})"

    def without_folder(match):
        path = target_of(document, match[2])
        return match[1] if path and path.is_dir() else match[0]

    markdown = LINK.sub(moved, re.sub(r"\[([^\[\]]*)\]\(([^)#\s]+)\)", without_folder, markdown))
    return re.sub(r"^```(\w+) .*$", r"```\1", markdown, flags=re.M)  # words after the language
