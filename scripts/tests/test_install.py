"""What is installed serves somebody else's project, and an installed sipc finds its data."""

import os
import shutil
import subprocess

import pytest

TRANSCRIPT = [
    "   0 ms  alice  session is opening",
    "   0 ms  bob    session is opening",
    "   0 ms  alice  session is opened",
    "   0 ms  bob    session is opened",
    '   0 ms  bob    received "hello, bob"',
    "   0 ms  alice  send: ok",
    "   0 ms  alice  session is closing",
    "   0 ms  bob    session is awaiting_disposal",
    "   0 ms  alice  close: ok",
    "   0 ms  alice  session is awaiting_disposal",
    "8000 ms  bob    session is disposed",
]


def run(*command, **kwargs):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **kwargs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(project_dir, tmp_path_factory):
    """The engine alone, built where no library can be found, installed and moved elsewhere."""
    folder = tmp_path_factory.mktemp("engine")
    nothing = dict(os.environ, PKG_CONFIG_LIBDIR="/nonexistent", PKG_CONFIG_PATH="")
    options = ["-G", "Ninja", "-DSIPC_ENGINE_ONLY=ON", "-DCMAKE_BUILD_TYPE=Release"]
    run("cmake", "-S", project_dir, "-B", folder / "build", *options, env=nothing)
    run("cmake", "--build", folder / "build", "-j", os.cpu_count())
    run("cmake", "--install", folder / "build", "--prefix", folder / "installed")
    shutil.rmtree(folder / "build")
    return (folder / "installed").rename(folder / "moved")


@pytest.fixture
def example(project_dir, tmp_path):
    """The example's files by themselves, as in somebody's own project."""
    folder = project_dir / "engine" / "examples" / "embed"
    return shutil.copytree(folder, tmp_path / "embed")


def only(prefix, pattern):
    (path,) = prefix.rglob(pattern)
    return path


def test_engine_embeds_by_pkg_config(prefix, example):
    pkg_config_path = only(prefix, "sipc-engine.pc").parent
    run("make", "-C", example, f"PKG_CONFIG_PATH={pkg_config_path}", "CFLAGS=-Wall -Wextra -Werror")
    assert run(example / "embed").splitlines() == TRANSCRIPT


def test_engine_embeds_by_cmake_package(prefix, example):
    run("cmake", "-S", example, "-B", example / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", example / "build")
    assert run(example / "build" / "embed").splitlines() == TRANSCRIPT


def test_cmake_package_refuses_another_version(prefix, example):
    lists = example / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("sipc-engine 0.1", "sipc-engine 0.999"))
    command = ["cmake", "-S", example, "-B", example / "build", f"-DCMAKE_PREFIX_PATH={prefix}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "0.999" in done.stderr


def test_every_public_header_is_installed_and_compiles_alone_as_c_and_cpp(prefix, project_dir):
    names = {path.name for path in (project_dir / "engine" / "include" / "sipc").iterdir()}
    include = only(prefix, "include")
    assert {path.name for path in (include / "sipc").iterdir()} == names
    for header in sorted(name for name in names if name.endswith(".h")):
        for compiler in (["gcc", "-std=c11"], ["g++", "-std=c++17"]):
            run(*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", include,
                "-include", f"sipc/{header}", "-x", "c" if compiler[0] == "gcc" else "c++",
                "/dev/null")


@pytest.fixture(scope="module")
def sipc(build_dir, tmp_path_factory):
    """The program of the build under test, installed and moved elsewhere."""
    folder = tmp_path_factory.mktemp("sipc")
    run("cmake", "--install", build_dir, "--prefix", folder / "installed")
    return (folder / "installed").rename(folder / "moved") / "bin" / "sipc"


def test_installed_sipc_explains_from_its_own_rules(sipc, tmp_path):
    rules = sipc.parent.parent / "share" / "sipc" / "RULES.md"
    text = rules.read_text(encoding="utf-8")
    marked = text.replace("### WID-3\n", "### WID-3\n\nRead from here.\n")
    assert marked != text
    rules.write_text(marked, encoding="utf-8")
    assert "Read from here." in run(sipc, "conform", "explain", "WID-3", cwd=tmp_path)


def test_installed_sipc_has_the_whole_suite_and_no_other(sipc, project_dir, tmp_path):
    installed = sipc.parent.parent / "share" / "sipc" / "suite"
    source = project_dir / "conformance" / "suite"
    names = sorted(path.relative_to(source) for path in source.rglob("*.sx"))
    assert sorted(path.relative_to(installed) for path in installed.rglob("*.sx")) == names
    for path in installed.rglob("*.sx"):
        if path.name != names[0].name:
            path.unlink()
    listed = run(sipc, "conform", "list", "--json", cwd=tmp_path)
    assert names[0].stem in listed
    assert names[1].stem not in listed
