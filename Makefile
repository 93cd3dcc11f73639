# SPDX-License-Identifier: BSD-2-Clause
#
# A thin front of meson. Each goal installs what it needs (scripts/prepare),
# builds in a directory of its own under build/, and does its work.

PREFIX ?= /usr/local
MESON = scripts/configure

.PHONY: help run run-dom0 run-el2 test test-el2 check bench bench-instructions fuzz explore faults mutants coverage install clean

help:
	@echo "make run      build, and watch a card being removed from a busy host"
	@echo "make run-dom0 and a dom0 at the Xen interface, that does not mind answers"
	@echo "make run-el2  the EL2 hypervisor under an unmodified Linux, in QEMU"
	@echo "make test     all tests under sanitizers"
	@echo "make test-el2 the EL2 hypervisor, with the Linux on it"
	@echo "make check    format, lint, layering, the freestanding core"
	@echo "make bench    measure"
	@echo "make bench-instructions  count instructions of the hot paths"
	@echo "make fuzz     hostile input, for a minute a target"
	@echo "make explore  all schedules of small scenarios, and the Spin model"
	@echo "make coverage branches of core/ that the tests reach, and a reason for the rest"
	@echo "make faults   every call fails once, at every position"
	@echo "make mutants  known-wrong versions of the code, each caught by a named test"
	@echo "make install  into PREFIX ($(PREFIX)); DESTDIR is respected"
	@echo "make clean    remove build/"

run:
	@scripts/prepare run
	@$(MESON) release
	@ninja -C build/release --quiet daemon/holdfastd cli/holdfast
	@scripts/demo build/release

run-dom0:
	@scripts/prepare run-dom0
	@$(MESON) release
	@ninja -C build/release --quiet examples/dom0/dom0
	@build/release/examples/dom0/dom0

run-el2:
	@scripts/prepare el2
	@$(MESON) el2
	@ninja -C build/el2 --quiet
	@boards/qemu-virt-arm64/run --cpus 2 story </dev/null | tee build/el2/story.console
	@grep -q '^story: done' build/el2/story.console

test:
	@scripts/prepare test
	@scripts/test

test-el2:
	@scripts/prepare el2
	@tests/el2/run

check:
	@scripts/prepare check
	@scripts/check

bench:
	@scripts/prepare bench
	@scripts/bench

bench-instructions:
	@scripts/prepare bench-instructions
	@scripts/instructions

fuzz:
	@scripts/prepare fuzz
	@fuzz/run

explore:
	@scripts/prepare explore
	@scripts/explore

coverage:
	@scripts/prepare coverage
	@scripts/coverage

faults:
	@scripts/prepare faults
	@scripts/faults

mutants:
	@scripts/prepare mutants
	@scripts/mutants

install:
	@scripts/prepare install
	@$(MESON) release -Dprefix=$(PREFIX)
	@meson install -C build/release

clean:
	rm -rf build
