#!/usr/bin/env bash
# Brings a fresh clone to where CMake can configure: Debian's packages, then LibTorch.
# Does nothing, quickly, when both are there. Called by every target of the Makefile.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

# --- 1. Debian's packages -------------------------------------------------------------------------
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
available() { [ -n "$(apt-cache show "$1" 2>/dev/null)" ]; }

missing_packages() {
    local alternatives rest name
    while read -r alternatives rest; do
        case "$alternatives" in ''|'#'*) continue ;; esac
        for name in ${alternatives//|/ }; do installed "$name" && continue 2; done
        for name in ${alternatives//|/ }; do
            if available "$name"; then printf '%s ' "$name"; continue 2; fi
        done
        printf '%s ' "${alternatives%%|*}"
    done < tools/packages.txt
}

install_packages() {
    local sudo=$1
    say "installing: $2"
    $sudo apt-get update -qq || say "apt-get update reported an error; going on with what is known"
    # Asked again: before the update, apt may not have known which of two alternatives it has.
    # shellcheck disable=SC2046
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $(missing_packages) >&2 </dev/null
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    missing=$(missing_packages)
    if [ -n "$missing" ]; then
        if [ "$(id -u)" = 0 ]; then
            install_packages "" "$missing"
        elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            install_packages "sudo -n" "$missing"
        else
            say "packages are missing and this user cannot install them. Run this line, then make again:"
            printf 'sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n' "${missing% }"
            exit 1
        fi
    fi
else
    say "not a Debian system: CMake will name what it misses of tools/packages.txt"
fi

# --- 2. LibTorch ----------------------------------------------------------------------------------
# The same places in the same order as cmake/FindLibTorch.cmake, then the pinned wheel.
usable() { [ -e "$1/lib/libtorch_cpu.so" ] && [ -e "$1/include/torch/headeronly/version.h" ]; }

if [ -n "${LIBTORCH:-}" ]; then
    usable "$LIBTORCH" && exit 0
    say "LIBTORCH=$LIBTORCH: expected lib/libtorch_cpu.so and include/torch in it (2.11 or newer)"
    exit 1
fi
usable build/deps/torch && exit 0
found=$(cd / && python3 -c '
import importlib.util as u
spec = u.find_spec("torch")
print(spec.submodule_search_locations[0] if spec else "")' 2>/dev/null || true)
[ -n "$found" ] && usable "$found" && exit 0

say "fetching LibTorch (a pinned wheel; once)"
mkdir -p build/deps
work=$(mktemp -d build/deps/fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
instead="or give a LibTorch you have: make LIBTORCH=/path/to/libtorch (see README.md)"

fetch() {  # the wheel through pip, as the user has set it up; its hash must be a known one
    python3 -m pip download --quiet --no-deps --only-binary=:all: -d "$work" "$@" >&2 ||
        { say "pip could not fetch $1; try again, $instead"; exit 1; }
    local wheel hash
    for wheel in "$work"/*.whl; do
        hash=$(sha256sum < "$wheel" | cut -d' ' -f1)
        grep -q "^$hash " tools/libtorch.sha256 ||
            { say "$(basename "$wheel") has SHA-256 $hash, which tools/libtorch.sha256 does not list;"
              say "$instead"; exit 1; }
    done
    python3 tools/unpack_libtorch.py "$work"
}
# Its C++ libraries are the same whatever Python a wheel was made for, so one Python's is taken.
fetch torch==2.13.0 --implementation cp --python-version 3.11 --abi cp311 \
    --platform "manylinux_2_28_$(uname -m)"
# pip gives the CPU build where the user's settings know of one, else the registry's with CUDA; that
# one's libtorch_cpu.so loads these two libraries even in a CPU program.
if grep -q 'libcudart\.so' "$work/torch/lib/libtorch_cpu.so"; then
    fetch nvidia-cuda-runtime==13.0.96
    fetch nvidia-cuda-cupti==13.0.85
fi
usable "$work/torch" || { say "the wheel does not hold what was expected; $instead"; exit 1; }
rm -rf build/deps/torch build/deps/nvidia
[ ! -d "$work/nvidia" ] || mv "$work/nvidia" build/deps/nvidia
mv "$work/torch" build/deps/torch
say "LibTorch is in build/deps/torch ($(du -sh build/deps/torch | cut -f1))"
