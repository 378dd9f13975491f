"""What ClusterFuzzLite is given: programs, seed corpora, dictionaries and options in $OUT. The
compiler stands aside here: its part is played by a cmake that makes empty programs."""

import os
import subprocess
import zipfile

import pytest

FAKE_CMAKE = r"""#!/bin/bash
if [ "$1" = --build ]; then
    for name in "${@:4}"; do cp /bin/true "$2/bin/$name"; done
else
    while [ $# -gt 0 ]; do [ "$1" = -B ] && mkdir -p "$2/bin"; echo "$1" >>"$SAID"; shift; done
fi
"""


@pytest.fixture
def layout(project_dir, tmp_path):
    def run(**environment):
        fake = tmp_path / "fake"
        fake.mkdir(exist_ok=True)
        (fake / "cmake").write_text(FAKE_CMAKE, "utf-8")
        (fake / "cmake").chmod(0o755)
        environment = {
            "PATH": f"{fake}:{os.environ['PATH']}",
            "SIPC_SOURCE": str(project_dir),
            "SRC": str(project_dir.parent),
            "OUT": str(tmp_path / "out"),
            "WORK": str(tmp_path),
            "SAID": str(tmp_path / "said"),
            "CC": "clang",
            "CFLAGS": "-O1 -fsanitize=address",
            "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer",
            **environment,
        }
        command = [project_dir / ".clusterfuzzlite" / "build.sh"]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


def test_all_targets_when_built_then_each_with_its_corpus_and_options(
    layout, project_dir, tmp_path
):
    done = layout()
    assert done.returncode == 0, done.stderr
    out = {path.name for path in (tmp_path / "out").iterdir()}
    targets = {path.stem for path in (project_dir / "fuzz" / "targets").glob("fuzz_*.c")}
    targets -= {"fuzz_canary", "fuzz_empty"}
    assert len(targets) >= 15
    for name in targets:
        assert {name, f"{name}.options", f"{name}_seed_corpus.zip"} <= out
        files = [p for p in (project_dir / "fuzz" / "corpus" / name).rglob("*") if p.is_file()]
        with zipfile.ZipFile(tmp_path / "out" / f"{name}_seed_corpus.zip") as corpus:
            assert len(corpus.namelist()) == len(files) > 0
    assert not {"fuzz_canary", "fuzz_empty"} & out


def test_a_dictionary_then_named_in_the_options(layout, tmp_path):
    assert layout(FUZZ_TARGETS="fuzz_script fuzz_session").returncode == 0
    options = (tmp_path / "out" / "fuzz_script.options").read_text("ascii")
    assert options == "[libfuzzer]\nmax_len = 4096\ntimeout = 10\ndict = fuzz_script.dict\n"
    assert (tmp_path / "out" / "fuzz_script.dict").is_file()
    assert "dict" not in (tmp_path / "out" / "fuzz_session.options").read_text("ascii")


def test_flags_and_engine_of_the_environment_then_given_on(layout, tmp_path):
    assert layout(FUZZ_TARGETS="fuzz_judge").returncode == 0
    said = (tmp_path / "said").read_text("utf-8").splitlines()
    assert "-DCMAKE_C_FLAGS=-O1 -fsanitize=address" in said
    assert "-DSIPC_FUZZ_ENGINE=-fsanitize=fuzzer" in said
    assert "-DCMAKE_C_COMPILER=clang" in said


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an empty folder"])
def test_a_target_without_inputs_then_refused(layout, tmp_path, there):
    (tmp_path / "other" / "fuzz" / "targets").mkdir(parents=True)
    (tmp_path / "other" / "fuzz" / "targets" / "fuzz_other.c").write_text("", "ascii")
    if there:
        (tmp_path / "other" / "fuzz" / "corpus" / "fuzz_other").mkdir(parents=True)
    done = layout(SIPC_SOURCE=str(tmp_path / "other"))
    assert done.returncode == 1
    assert "expected inputs in fuzz/corpus/fuzz_other, found none" in done.stderr


def test_without_the_environment_then_refused(layout):
    done = layout(LIB_FUZZING_ENGINE="")
    assert done.returncode != 0
    assert "LIB_FUZZING_ENGINE" in done.stderr
