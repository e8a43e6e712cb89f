"""Runs every ```sh and ```python block of README.md and docs/, and compares what they print.

- The blocks of one document are run in order, in one scratch folder that looks like the checkout
  (its entries are links) and takes what they write. `nightwatt` and `python3` are on the PATH.
- A ```python block is saved as the file that its first line names (`# power.py`), and run. Pictures that it saves
  (`savefig("power.png")`) must show something; with NIGHTWATT_RENEW_DOCS=1 they replace those of the document.
- A ```yaml block whose first line names a file (`# cluster.yaml`) is saved as that file.
- A block whose first line is `# not run by the tests: REASON` is left out, and counted.
- A ```text block right after one of these is what it prints; `...` stands for any text.
- A C++ block that says where it comes from, as "This is `FILE`, whole:", must equal that file.
- What the README of a scenario says in figures must be what its files hold (figures.py).
- Links to files of the repository must lead somewhere.

Arguments: the documents to run, from the root; default: all.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import figures

ROOT = pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"])
BINARY = pathlib.Path(os.environ["NIGHTWATT_BINARY_DIR"])
NOT_RUN = "# not run by the tests: "


def blocks_of(text):
    """(line, language, content, text between this block and the one before) of each block."""
    last = 0
    for match in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$", text, re.M | re.S):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match.group(1), match.group(2), text[last:match.start()]
        last = match.end()


def matches(expected, printed):
    parts = [re.escape(part.rstrip()) for part in "\n".join(
        line.rstrip() for line in expected.strip().splitlines()).split("...")]
    shown = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch("(?s:.*?)[ \t]*".join(parts), shown) is not None


def scratch_folder(folder):
    """A folder in which the commands of a document work as in a checkout that was built."""
    for entry in ROOT.iterdir():
        if entry.name not in ("build", ".git"):
            (folder / entry.name).symlink_to(entry)
    (folder / "build").mkdir()
    for preset in ("release", "dev"):
        (folder / "build" / preset).symlink_to(BINARY)
    programs = folder / ".programs"
    programs.mkdir()
    (programs / "nightwatt").symlink_to(os.environ["NIGHTWATT"])
    (programs / "python3").symlink_to(sys.executable)
    return dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", LC_ALL="C.UTF-8", MPLBACKEND="Agg")


def command_of(language, content, folder):
    """What runs a block."""
    if language == "sh":
        return ["bash", "-eu", "-o", "pipefail", "-c", content]
    named = re.match(r"# (\w+\.py)\n", content)
    if named is None:
        return ["python3", "-c", content]
    (folder / named.group(1)).write_text(content, encoding="utf-8")
    return ["python3", named.group(1)]


def is_drawn(picture):
    """Whether a picture shows something: a blank one has one colour, and empty axes hardly any ink."""
    from matplotlib.image import imread
    rgb = imread(picture)[:, :, :3]
    ink = abs(rgb - rgb[0, 0]).max(axis=2) > 0.1
    return 0.005 < ink.mean() < 0.9


def check_pictures(document, text, content, folder):
    """Faults of the pictures that a block saves."""
    for name in re.findall(r'savefig\("([^"]+)"\)', content):
        if not (folder / name).exists() or not is_drawn(folder / name):
            yield f"{name} was not drawn"
            continue
        shown = re.search(rf"\]\(([^)\s]*/)?{re.escape(name)}\)", text)
        if shown and os.environ.get("NIGHTWATT_RENEW_DOCS"):
            shutil.copy(folder / name, document.parent / (shown.group(1) or "") / name)


def check_links(document, text, faults):
    for match in re.finditer(r"\]\(([^)#\s]+)(#[^)]*)?\)", text):
        target = match.group(1)
        if "://" in target or (document.parent / target).exists():
            continue
        line = text.count("\n", 0, match.start()) + 1
        faults.append(f"{document.relative_to(ROOT)}:{line}: the link '{target}' leads nowhere")


def run_document(document, faults):
    text = document.read_text(encoding="utf-8")
    name = document.relative_to(ROOT)
    ran = left_out = 0
    check_links(document, text, faults)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        environment = scratch_folder(folder)
        printed = None
        for line, language, content, before in blocks_of(text):
            if language == "cpp":
                source = re.search(r"This is `([^`]+)`, whole:\s*$", before)
                if source and (ROOT / source.group(1)).read_text(encoding="utf-8") != content:
                    faults.append(f"{name}:{line}: is not what {source.group(1)} holds")
            elif language == "text" and printed is not None and not before.strip():
                if not matches(content, printed):
                    faults.append(f"{name}:{line}: expected\n{content}\ngot\n{printed}")
            named = re.match(r"# (\w+\.yaml)\n", content) if language == "yaml" else None
            if named:
                (folder / named.group(1)).write_text(content, encoding="utf-8")
            if language not in ("sh", "python"):
                printed = None
                continue
            if content.startswith(NOT_RUN):
                left_out += 1
                printed = None
                continue
            done = subprocess.run(command_of(language, content, folder), cwd=folder,
                                  env=environment, stdin=subprocess.DEVNULL, timeout=600,
                                  capture_output=True, text=True, errors="replace")
            printed = done.stdout
            ran += 1
            if done.returncode != 0:
                faults.append(f"{name}:{line}: exit status {done.returncode}\n{done.stdout}"
                              f"{done.stderr}")
            faults += [f"{name}:{line}: {fault}"
                       for fault in check_pictures(document, text, content, folder)]
        faults += [f"{name}: does not say '{phrase}', which its runs do"
                   for phrase in figures.missing(document, text, folder, environment)]
    if ran or left_out:
        print(f"{name}: {ran} blocks run, {left_out} left out", flush=True)
    return ran


def main():
    faults = []
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")),
                 *sorted((ROOT / "scenarios").glob("*/README.md"))]
    if sys.argv[1:]:
        documents = [ROOT / name for name in sys.argv[1:]]
    ran = sum(run_document(document, faults) for document in documents)
    print("\n".join(faults))
    print(f"{ran} blocks, {len(faults)} faults")
    return 1 if faults or ran == 0 else 0


sys.exit(main())
