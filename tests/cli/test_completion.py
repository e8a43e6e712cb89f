"""Completion in the shells themselves, and the manual page."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from harness import PROGRAM, ROOT, CliTest

# Sets what bash sets when Tab is pressed at the end of a line, and prints the answer.
BASH = r"""
source completion.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_nightwatt nightwatt
printf '%s\n' "${COMPREPLY[@]}"
"""

# A shell with a terminal of its own, in which the keys are really pressed.
ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
send() { zpty -w shell "$1"; }
send "PROMPT='' ; fpath=($PWD \$fpath) ; PATH=$PWD:\$PATH"
send 'autoload -Uz compinit && compinit -D -u'
send 'LISTMAX=10000; setopt no_beep'
send 'print READ""Y'
while zpty -r shell line; do [[ $line == *READY* ]] && break; done
zpty -w -n shell "$1"$'\t'
# Not before it has answered: where keys wait, a list is not shown.
while [[ ! -e answered ]] && ((tries++ < 300)); do sleep 0.1; done
sleep 2
zpty -w shell ' no such command'
zpty -w shell 'print EN""D'
while zpty -r shell line; do print -r -- "$line"; [[ $line == *END* ]] && break; done
zpty -d shell
"""


def subcommands_of(help_text):
    return help_text.split("Subcommands:")[1].split("Example:")[0]


class Bash(CliTest):
    def setUp(self):
        super().setUp()
        self.write("completion.bash", self.expect(0, "completion", "bash").stdout)
        self.write("a run.h5", "")
        self.write("notes.txt", "")
        (self.folder / "runs").mkdir()

    def complete(self, *words):
        # The program of this name is the one that is asked.
        (self.folder / "bin").mkdir(exist_ok=True)
        link = self.folder / "bin/nightwatt"
        if not link.is_symlink():
            link.symlink_to(PROGRAM)
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", "nightwatt", *words],
                              cwd=self.folder, text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL,
                              env=dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return sorted(filter(None, done.stdout.split("\n")))

    def test_subcommands(self):
        self.assertEqual(self.complete("sch"), ["schema"])
        self.assertIn("run", self.complete(""))
        self.assertEqual(self.complete("trace", ""), ["convert", "info"])
        self.assertEqual(self.complete("--quiet", "trace", "c"), ["convert"])
        self.assertEqual(self.complete("--log-level", "error", "che"), ["check"])
        self.assertEqual(self.complete("no-such", "x"), [])

    def test_every_subcommand_and_option_of_the_help(self):
        for path in ([], ["run"], ["trace"], ["trace", "convert"], ["estimate"], ["compare"],
                     ["study"], ["list"], ["list", "models"]):
            options = set()  # of this level and those above, and none that help does not show
            for depth in range(len(path) + 1):
                text = self.expect(0, *path[:depth], "--help").stdout
                options |= set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", text, re.MULTILINE))
            self.assertEqual(set(self.complete(*path, "--")), options, path)
            if "Subcommands:" in text:
                below = re.findall(r"^  ([\w-]+) ", subcommands_of(text), re.MULTILINE)
                self.assertEqual(self.complete(*path, ""), sorted(below))

    def test_options_of_the_levels_above(self):
        self.assertEqual(self.complete("run", "--q"), ["--quiet"])
        self.assertEqual(self.complete("trace", "info", "--log"), ["--log-level"])
        # Only the subcommand's own help.
        self.assertEqual(self.complete("trace", "info", "--he"), ["--help"])

    def test_options_are_offered_once_unless_they_may_be_repeated(self):
        self.assertEqual(self.complete("run", "--json", "--js"), [])
        self.assertEqual(self.complete("run", "--set", "a=b", "--se"), ["--seed", "--set"])

    def test_values_that_are_one_of_several(self):
        self.assertEqual(self.complete("--log-level", "o"), ["off"])
        self.assertEqual(self.complete("export", "--format", ""), ["batsim", "csv"])
        # Bash splits at '='.
        self.assertEqual(self.complete("export", "--format", "=", "b"), ["batsim"])
        self.assertEqual(self.complete("export", "--format", "="), ["batsim", "csv"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh"])
        self.assertEqual(self.complete("estimate", "--phase", "p"), ["prefill"])

    def test_values_with_signs_at_which_bash_splits(self):
        self.assertEqual(self.complete("run", "--set", "policies.cap", "=", "none", "three"),
                         ["three.yaml"])
        self.assertEqual(self.complete("compare", "--horizon", "2022-10-03T00", ":", "00", ":",
                                       "00Z", "a"), ["a run.h5"])

    def test_names_of_the_catalogue(self):
        devices = self.complete("estimate", "--gpu", "v100-pcie")
        self.assertEqual(devices, ["v100-pcie-16gb", "v100-pcie-32gb"])
        self.assertEqual(self.complete("estimate", "--model", "bert-l"), ["bert-large"])
        self.assertIn("dgx-a100", self.complete("estimate", "--node", ""))
        self.assertIn("swf", self.complete("trace", "info", "--format", "s"))
        self.assertIn("electricity-maps", self.complete("signal", "info", "--format", "e"))

    def test_files_that_fit_and_folders(self):
        self.assertEqual(self.complete("run", ""), ["bin", "runs", "three.yaml"])
        self.assertEqual(self.complete("statement", ""), ["a run.h5", "bin", "runs"])
        self.assertEqual(self.complete("compare", "a run.h5", ""), ["a run.h5", "bin", "runs"])
        self.assertEqual(self.complete("run", "three.yaml", "-o", "a"), ["a run.h5"])
        self.assertEqual(self.complete("calibrate", "-o", ""), ["bin", "runs"])
        # Another file where none of the usual begins so.
        self.assertEqual(self.complete("run", "no"), ["notes.txt"])
        self.assertIn("jobs.swf", self.complete("trace", "info", ""))

    def test_an_option_that_may_do_without_its_value(self):
        self.assertIn("--json", self.complete("run", "--bound", "--"))
        self.assertIn("three.yaml", self.complete("run", "--bound", "--json", ""))

    def test_options_where_nothing_else_may_come(self):
        self.assertIn("--canonical", self.complete("check", "three.yaml", ""))


class Zsh(CliTest):
    def setUp(self):
        super().setUp()
        if shutil.which("zsh") is None:
            self.skipTest("zsh is not installed")
        self.write("_nightwatt", self.expect(0, "completion", "zsh").stdout)

    def test_syntax(self):
        subprocess.run(["zsh", "-n", "_nightwatt"], cwd=self.folder, check=True, timeout=60)

    def type(self, line):
        """What the terminal shows after Tab."""
        self.write("nightwatt", f"#!/bin/sh\n'{PROGRAM}' \"$@\"\n: > answered\n")
        (self.folder / "nightwatt").chmod(0o755)
        done = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", line], cwd=self.folder, text=True,
                              capture_output=True, timeout=120, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, TERM="dumb", COLUMNS="200"))
        self.assertEqual(done.returncode, 0, done.stderr)
        # A slow terminal draws the line again, from its last word on.
        return done.stdout.replace("\n", "")

    def test_subcommands_with_what_they_do(self):
        shown = self.type("nightwatt trace ")
        self.assertIn("convert", shown)
        self.assertIn("Write a trace in another format", shown)

    def test_one_answer_is_put_in(self):
        self.assertIn("nightwatt export --format=batsim", self.type("nightwatt export --format=b"))

    def test_files(self):
        self.assertIn("nightwatt run three.yaml", self.type("nightwatt run "))

    def test_one_option(self):
        self.assertIn("nightwatt run --quiet", self.type("nightwatt run --qu"))


class Manual(CliTest):
    def setUp(self):
        super().setUp()
        self.page = self.expect(0, "man").stdout
        self.write("nightwatt.1", self.page)

    def test_no_warnings(self):
        if shutil.which("man") is None:
            self.skipTest("man is not installed")
        done = subprocess.run(["man", "--warnings", "-l", "nightwatt.1"], cwd=self.folder, text=True,
                              capture_output=True, timeout=60,
                              env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80", MANROFFSEQ="",
                                       PAGER="cat"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        text = re.sub(".\b", "", done.stdout)
        self.assertIn("NIGHTWATT(1)", text)
        self.assertIn("--allow-unequal", text)
        self.assertIn("NIGHTWATT_CATALOG", text)

    def test_lint(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "error", "nightwatt.1"],
                              cwd=self.folder, text=True, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_holds_every_command_and_option(self):
        plain = self.page.replace("\\-", "-")

        def visit(path):
            text = self.expect(0, *path, "--help").stdout
            for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", text, re.MULTILINE):
                self.assertIn(f"\\fB{option}\\fR", plain, path)
            if path:
                self.assertRegex(plain, rf"(?m)^\.SS {' '.join(path)}( |$)")
            if "Subcommands:" in text:
                below = re.findall(r"^  ([\w-]+) ", subcommands_of(text), re.MULTILINE)
                for name in below:
                    visit([*path, name])
        visit([])


if __name__ == "__main__":
    unittest.main()
