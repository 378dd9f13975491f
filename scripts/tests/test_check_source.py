"""check-source sees what it should, and the project keeps its rules."""

import shutil
import subprocess
import sys

import pytest


def sizes(check_source, text, suffix=".c"):
    return list(check_source.check_sizes("f", text, check_source.FUNCTIONS[suffix]))


def function(lines):
    """A C function of that many lines."""
    return "int f(void)\n{\n" + "    ;\n" * (lines - 3) + "}\n"


def python_function(lines):
    return "def f():\n" + "    pass\n" * (lines - 1)


def lua_function(lines):
    return "local function f()\n" + "    if f then f() end\n" * (lines - 2) + "end\n"


def lua_method(lines):
    return lua_function(lines).replace("local function f()", "function f(a)")


@pytest.mark.parametrize("make, suffix", [
    (function, ".c"), (python_function, ".py"), (lua_function, ".lua"), (lua_method, ".lua"),
])
def test_functions_may_have_70_lines(check_source, make, suffix):
    assert sizes(check_source, make(70) * 2, suffix) == []
    assert sizes(check_source, "\n" + make(71), suffix) == ["f:2: f has 71 lines, 70 allowed"]


def test_what_is_between_lua_functions_is_none(check_source):
    table = "t = {\n" + "    1,\n" * 90 + "}\nif t then\nend\n"
    text = lua_function(5) + table + "local function g() return 1 end\n" + table + lua_function(5)
    assert sizes(check_source, text, ".lua") == []


def test_a_signature_over_several_lines_counts(check_source):
    text = function(70).replace("int f(void)\n", "static int *f(int a,\n              int b)\n")
    assert sizes(check_source, text) == ["f:1: f has 71 lines, 70 allowed"]


def test_tables_and_types_are_no_functions(check_source):
    assert sizes(check_source, "struct s {\n" + "    int a;\n" * 90 + "};\n") == []
    assert sizes(check_source, "int t[] = {\n" + "    1,\n" * 90 + "};\n" + function(5)) == []


@pytest.mark.parametrize("suffix, comment", [(".c", "//"), (".py", "##"), (".lua", "--")])
def test_files_may_have_800_lines_and_100_columns(check_source, suffix, comment):
    assert sizes(check_source, "\n" * 800, suffix) == []
    assert sizes(check_source, "\n" * 801, suffix) == ["f:801: the file has 801 lines, 800 allowed"]
    assert sizes(check_source, comment + "ä" * 98 + "\n", suffix) == []
    assert sizes(check_source, comment + "ä" * 99 + "\n", suffix) == [
        "f:1: 101 columns, 100 allowed"
    ]


@pytest.mark.parametrize(
    "line, is_private, complaint",
    [
        ("#include <string.h>", True, None),
        ('#include "sipc/pdu.h"', True, None),
        ("#include <stdio.h>", True, "includes <stdio.h>"),
        ("# include <time.h>", False, "includes <time.h>"),
        ("#ifdef __linux__", True, "conditional compilation"),
        ("#if SIPC_BIG", True, "conditional compilation"),
        ("#ifndef SIPC_WIRE_H", True, None),
        ("#ifdef __cplusplus", False, None),
    ],
)
def test_engine_files_stay_embeddable(check_source, line, is_private, complaint):
    messages = list(check_source.check_engine_source("f", line + "\n", is_private))
    assert len(messages) == (0 if complaint is None else 1)
    assert complaint is None or complaint in messages[0]


def archive(folder, body):
    source = folder / "a.c"
    source.write_text("#include <string.h>\n#include <stdlib.h>\n" + body, encoding="utf-8")
    subprocess.run(["gcc", "-O0", "-fPIC", "-c", source, "-o", folder / "a.o"], check=True)
    subprocess.run(["ar", "rcs", folder / "a.a", folder / "a.o"], check=True)
    return folder / "a.a"


def test_symbols_beyond_the_four_are_told(check_source, tmp_path):
    good = archive(tmp_path, "void f(char *a, char *b, size_t n) { memmove(a, b, n); }\n")
    assert list(check_source.check_engine_symbols(good)) == []
    bad = archive(tmp_path, "void *f(void) { return malloc(1); }\n")
    assert list(check_source.check_engine_symbols(bad)) == [
        f"{bad}: the engine needs malloc from outside"
    ]


@pytest.mark.parametrize("name, make", [
    ("long.c", function), ("long.h", function), ("long.py", python_function),
    ("long.lua", lua_function),
])
def test_the_program_fails_where_a_file_is_bad(project_dir, tmp_path, name, make):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for program in ("check-source", "source_tree.py"):
        shutil.copy(project_dir / "scripts" / program, scripts)
    command = [sys.executable, scripts / "check-source"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / name).write_text(make(80), encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"{name}:1: f has 80 lines, 70 allowed\n"
    assert done.stdout == "3 source files, 1 complaints\n"


def test_the_project_keeps_its_house_rules(project_dir, build_dir):
    command = [sys.executable, project_dir / "scripts" / "check-source"]
    command += ["--library", build_dir / "engine" / "libsipc-engine.a"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
