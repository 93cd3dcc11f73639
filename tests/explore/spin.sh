#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# spin.sh quick|full: check docs/lifetime.pml, the model of the protocol.
#
# Each configuration must show no error, each mutant must. "quick" leaves out
# those that take more than a few seconds or some hundred megabytes.

set -euo pipefail
model=$(realpath "$(dirname "$0")/../../docs/lifetime.pml")
size=${1:-quick}
optimize=-O0 # for small state spaces the compiler is what takes the time
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in spin "${CC:=gcc}"; do
	if ! command -v "$tool" >/dev/null; then
		echo "spin.sh: skipped, no $tool here"
		exit 77
	fi
done

# Run one configuration; what pan says goes to $work/out.
check() { # OPTIONS
	(
		cd "$work"
		rm -f ./*.trail
		spin -a "$@" "$model" >spin.out 2>&1 || {
			cat spin.out
			exit 2
		}
		"$CC" "$optimize" -w -DSAFETY -DCOLLAPSE -DMEMLIM=4096 -o pan pan.c
		./pan -m1000000 -w22 >out
	)
	grep -q 'errors: ' "$work/out"
}

holds() { # OPTIONS
	check "$@"
	if ! grep -q 'errors: 0$' "$work/out" ||
		grep -q 'max search depth too small\|reached -DMEMLIM' \
			"$work/out"; then
		cat "$work/out"
		echo "spin.sh: $* fails" >&2
		exit 1
	fi
	printf '%-62s errors: 0, %s states\n' "$*" \
		"$(awk '/states, stored/ { print $1 }' "$work/out")"
}

breaks() { # MUTANT OPTIONS
	check "-D$1" "${@:2}"
	if grep -q 'errors: 0$' "$work/out"; then
		echo "spin.sh: $* shows no error" >&2
		exit 1
	fi
	printf '%-62s fails, as it must: %s\n' "$*" \
		"$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' "$work/out")"
}

holds -DWORKERS=1 -DTRIES=1
holds -DHOLDER -DTRIES=1
holds -DCHILD -DTRIES=2 -DCANCELLER
breaks MUTANT_NO_GP -DWORKERS=1 -DTRIES=1
breaks MUTANT_DRAINED_3 -DWORKERS=1 -DTRIES=1
breaks MUTANT_PUT_NO_SECTION -DWORKERS=1 -DTRIES=1
breaks MUTANT_CLEAR_LATE -DWORKERS=1 -DTRIES=1 -DNO_DEADLINE
breaks MUTANT_NO_RECHECK -DTRIES=1 -DLOSER
breaks MUTANT_CUT_TWICE -DHOLDER -DTRIES=1
breaks MUTANT_EXPIRE_FINAL -DWORKERS=1 -DTRIES=1
breaks MUTANT_ASK_NO_SECTION -DHOLDER -DTRIES=1
[ "$size" = full ] || exit 0

optimize=-O1

holds -DWORKERS=2 -DTRIES=1
holds -DWORKERS=2 -DTRIES=1 -DNO_DEADLINE
holds -DWORKERS=1 -DTRIES=2 -DCANCELLER
holds -DWORKERS=1 -DTRIES=1 -DLOSER
holds -DWORKERS=1 -DTURNS=1 -DHOLDER -DTRIES=1
holds -DWORKERS=1 -DTURNS=1 -DHOLDER -DTRIES=1 -DNO_DEADLINE
holds -DHOLDER -DTRIES=2 -DCANCELLER
holds -DHOLDER -DTRIES=1 -DLOSER
holds -DCHILD -DWORKERS=1 -DTURNS=1 -DTRIES=1
holds -DCHILD -DTRIES=1 -DLOSER
holds -DCHILD -DHOLDER -DTRIES=1
