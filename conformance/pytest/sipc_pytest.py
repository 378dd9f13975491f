"""Conformance cases as pytest items: one for each expanded case of each .sx file.

    pytest conformance/suite --sut=udp:127.0.0.1:9000
    pytest -p sipc_pytest my-cases --sut='exec:./my-adapter' --sipc-known=known.txt

All selected cases are run in one go by `sipc conform run`, at the first of them; each item then
reports its own result, so -k, node ids and plugins work as ever. Known failures are strict xfails;
unsupported and inconclusive cases are skipped with their reason. Without --sut nothing is
collected.

SPDX-License-Identifier: MIT
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

EXIT_USAGE = 2  # of sipc, see `sipc conform run --help`
FAILED = {"fail", "crash", "hang", "error"}
SKIPPED = {"unsupported", "inconclusive"}


def pytest_addoption(parser):
    group = parser.getgroup("sipc", "conformance cases (.sx)")
    group.addoption("--sut", metavar="SPEC",
                    help="system under test, as `sipc conform run` wants it: exec:COMMAND, "
                         "udp:HOST:PORT, ...")
    group.addoption("--sipc-known", metavar="FILE",
                    help="known failures, lines of `case-glob [RULE|crash|hang]  # reason`: "
                         "strict xfails")
    group.addoption("--sipc-arg", metavar="ARG", action="append", default=[],
                    help="a further argument for `sipc conform run`, such as "
                         "--sipc-arg=--time-scale=2 (repeatable)")
    group.addoption("--sipc-bin", metavar="FILE",
                    help="the program sipc (default: $SIPC_BIN, the build folders, the PATH)")


def option(config, name, default=None):
    """An option's value; the default where a conftest.py loaded this too late for options."""
    return config.getoption(name, default)


def find_binary(config):
    root = Path(__file__).resolve().parents[2]
    named = option(config, "sipc_bin") or os.environ.get("SIPC_BIN")
    if named:
        candidates = [Path(named)]
    else:
        builds = [root / "build" / "release", root / "build" / "dev"]
        if "SIPC_BUILD_DIR" in os.environ:
            builds.insert(0, Path(os.environ["SIPC_BUILD_DIR"]))
        candidates = [build / "bin" / "sipc" for build in builds]
        candidates += [Path(found) for found in [shutil.which("sipc")] if found]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise pytest.UsageError(f"the program sipc was not found ({looked}): set SIPC_BIN")


def read_known(path):
    """The known failures as a list of (pattern, blame, reason)."""
    known = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = re.fullmatch(r"(\S+)(?:\s+([A-Z]+-\d+a?|crash|hang))?\s+#\s*(\S.*)", text)
        if not found:
            raise pytest.UsageError(f"{path}:{number}: expected "
                                    "`case-glob [RULE|crash|hang]  # reason`")
        known.append((found[1], found[2], found[3].strip()))
    return known


def short_path(path):
    """A path for people, and for command lines they copy."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def glob_regex(pattern):
    """* and ? are special, all other characters stand for themselves, as in sipc."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def pytest_configure(config):
    if option(config, "sut"):
        config.stash[RUN_KEY] = Run(config)


def pytest_collect_file(file_path, parent):
    run = parent.config.stash.get(RUN_KEY, None)
    if run is not None and file_path.suffix == ".sx":
        return SxFile.from_parent(parent, path=file_path)
    return None


class Run:
    """What all items of a session share: the listed cases, the known failures, the results."""

    def __init__(self, config):
        self.binary = find_binary(config)
        self.sut = option(config, "sut")
        self.arguments = option(config, "sipc_arg", [])
        known_path = option(config, "sipc_known")
        self.known = [(glob_regex(pattern), blame, reason)
                      for pattern, blame, reason in (read_known(known_path) if known_path else [])]
        self.listed = {}   # resolved path -> cases
        self.folders = set()
        self.results = None  # name -> case record
        self.texts = {}    # name -> what sipc prints about it
        self.error = None  # why the run ended early

    def sipc(self, *arguments):
        return subprocess.run([self.binary, "conform", *map(str, arguments)], text=True,
                              capture_output=True, check=False, errors="replace")

    def take_list(self, path):
        """Lists a file or folder; the text of the errors, or None."""
        run = self.sipc("list", "--json", path)
        if run.returncode != 0:
            return run.stderr
        for case in json.loads(run.stdout):
            cases = self.listed.setdefault(Path(case["path"]).resolve(), {})
            cases[case["name"]] = case
        return None

    def cases(self, path):
        """The cases of a script. Its whole folder is listed at once; if that has errors, which may
        be another script's, the script alone."""
        path = path.resolve()
        if path.parent not in self.folders:
            self.folders.add(path.parent)
            self.take_list(path.parent)
        if path not in self.listed:
            errors = self.take_list(path)
            if errors:
                raise SxError(errors)
        return list(self.listed[path].values())

    def known_of(self, case):
        """(blame, reason) of each line that names the case."""
        return [(blame, reason) for pattern, blame, reason in self.known
                if pattern.fullmatch(case["name"]) or pattern.fullmatch(case["id"])]

    def result(self, session, name):
        """The record of a case; the first call runs all that the session selected."""
        if self.results is None:
            self.results = {}
            self.run_all([item for item in session.items if isinstance(item, SxItem)])
        return self.results.get(name)

    def run_all(self, items):
        with tempfile.TemporaryDirectory(prefix="sipc-pytest-") as folder:
            lines, junit = Path(folder, "results.jsonl"), Path(folder, "junit.xml")
            paths = dict.fromkeys(short_path(item.path) for item in items)
            only = [f"--only={item.case['name']}" for item in items]
            run = self.sipc("run", f"--jsonl={lines}", f"--junit={junit}", *only, *self.arguments,
                            f"--sut={self.sut}", *paths)
            if run.returncode == EXIT_USAGE or not lines.exists():
                raise SxError(run.stderr)
            for line in lines.read_text().splitlines():
                record = json.loads(line)
                if record["type"] == "case":
                    self.results[record["name"]] = record
                self.error = record.get("error", self.error)
            self.take_texts(junit)

    def take_texts(self, junit):
        for case in ElementTree.parse(junit).getroot().iter("testcase"):
            for tag in ("failure", "error", "system-out"):
                if case.findtext(tag):
                    self.texts[case.get("name")] = case.findtext(tag)


RUN_KEY = pytest.StashKey[Run]()


class SxError(Exception):
    """Scripts, or arguments, that sipc does not take."""


class SxFailure(Exception):
    """A case that failed; the text is what sipc prints about it."""


class SxKnownFailure(SxFailure):
    """One that is known, and failed over what its line names, if that names anything."""


class SxFile(pytest.File):
    def collect(self):
        run = self.config.stash[RUN_KEY]
        for case in run.cases(self.path):
            yield SxItem.from_parent(self, name=case["name"], case=case)

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, SxError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class SxItem(pytest.Item):
    def __init__(self, *, case, **kwargs):
        super().__init__(**kwargs)
        self.case = case
        self.user_properties += [("rules", " ".join(case["rules"])), ("role", case["role"])]
        self.known = self.config.stash[RUN_KEY].known_of(case)
        if self.known:
            self.add_marker(pytest.mark.xfail(reason=self.known[0][1], strict=True,
                                              raises=SxKnownFailure))

    def runtest(self):
        run = self.config.stash[RUN_KEY]
        record = run.result(self.session, self.name)
        if record is None:
            raise SxError(f"{self.name} was not run: {run.error or 'an earlier error'}")
        verdict = record["verdict"]
        text = run.texts.get(self.name, record.get("reason", ""))
        self.user_properties.append(("verdict", verdict))
        if verdict in SKIPPED:
            pytest.skip(f"{verdict}: {record.get('reason', '')}")
        if verdict == "error":
            raise SxError(text)
        if verdict in FAILED:
            blame = record.get("rule") if verdict == "fail" else verdict
            known = any(named in (None, blame) for named, _ in self.known)
            raise (SxKnownFailure if known else SxFailure)(text)
        if verdict == "advisory":
            self.add_report_section("call", "advisory", text)

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, (SxFailure, SxError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, self.name
