# From a fresh clone:  make demo   trains a small model before your eyes and shows what it draws
#                      make test   builds everything and runs the tests
# Day-to-day work uses CMake's presets directly: see CONTRIBUTING.md.
SHELL := /bin/bash
PRESET ?= release
BUILD := build/$(PRESET)
BIN := build/release/pushforward
# A compilation of LibTorch's headers takes up to 1.5 GB: no more at a time than memory holds.
JOBS ?= $(shell awk -v cores=$$(nproc) '/MemAvailable/ {n = int($$2 / 1.5e6)} \
                    END {if (n > cores) n = cores; print n < 1 ? 1 : n}' /proc/meminfo)
export LIBTORCH

.PHONY: all setup configure demo test audit format clean install

all: configure
	cmake --build $(BUILD) -j $(JOBS) --target pushforward_program

setup:
	@tools/setup.sh

configure: setup
	@cmake --preset $(PRESET) $(CMAKE_ARGS)

demo: all
	@tools/demo.sh $(BIN) runs/demo

test: configure
	cmake --build $(BUILD) -j $(JOBS)
	ctest --test-dir $(BUILD) --output-on-failure --label-exclude full

audit: all
	$(BIN) audit

install: all
	cmake --install $(BUILD)

format:
	git ls-files '*.cpp' '*.hpp' | xargs clang-format-14 -i

clean:
	rm -rf $(BUILD)
