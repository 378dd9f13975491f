#!/bin/bash
# Builds the fuzz targets as ClusterFuzzLite and OSS-Fuzz want them: programs, seed corpora,
# dictionaries and options in $OUT, with the compiler, flags and fuzzing engine of the environment.
# FUZZ_TARGETS may name some of the targets; else it is all of them.
set -eu
: "${SRC:?}" "${OUT:?}" "${CC:?}" "${CFLAGS:?}" "${LIB_FUZZING_ENGINE:?}"
root=${SIPC_SOURCE:-$SRC/sipc}
build=${WORK:-/tmp}/sipc-fuzz

names=()
for source in "$root"/fuzz/targets/fuzz_*.c; do
    name=$(basename "$source" .c)
    case $name in
    fuzz_canary | fuzz_empty) ;; # one must fail, one tests nothing
    *) names+=("$name") ;;
    esac
done
[ -z "${FUZZ_TARGETS:-}" ] || read -ra names <<<"$FUZZ_TARGETS"

# What runs the programs has not the libraries that they were linked with.
cmake -S "$root" -B "$build" -G Ninja -DBUILD_TESTING=OFF -DSIPC_WERROR=OFF \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" -DCMAKE_BUILD_TYPE=None \
    -DSIPC_FUZZ=ON -DSIPC_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" \
    -DCMAKE_EXE_LINKER_FLAGS="-Wl,-rpath,'\$ORIGIN/lib'"
cmake --build "$build" --target "${names[@]}"

mkdir -p "$OUT/lib"
for name in "${names[@]}"; do
    if [ -z "$(find "$root/fuzz/corpus/$name" -type f 2>/dev/null | head -1)" ]; then
        echo "build.sh: expected inputs in fuzz/corpus/$name, found none" >&2
        exit 1
    fi
    cp "$build/bin/$name" "$OUT/"
    ldd "$build/bin/$name" | awk '$1 ~ /^lib(jansson|uv|pcap|xxhash)\./ { print $3 }' |
        xargs -r cp -t "$OUT/lib"
    rm -f "$OUT/${name}_seed_corpus.zip"
    (cd "$root/fuzz/corpus/$name" && find . -type f | sort | zip -q -@ "$OUT/${name}_seed_corpus.zip")
    printf '[libfuzzer]\nmax_len = %d\ntimeout = 10\n' \
        "$(case $name in fuzz_script | fuzz_scenario) echo 4096 ;; *) echo 1200 ;; esac)" \
        >"$OUT/$name.options"
    if [ -f "$root/fuzz/dictionaries/$name.dict" ]; then
        cp "$root/fuzz/dictionaries/$name.dict" "$OUT/"
        echo "dict = $name.dict" >>"$OUT/$name.options"
    fi
done
