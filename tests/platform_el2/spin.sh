#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Check platform/el2/rcu.pml: it must show no error, each of its mutants must.

set -euo pipefail
model=$(realpath "$(dirname "$0")/../../platform/el2/rcu.pml")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for tool in spin "${CC:=gcc}"; do
	if ! command -v "$tool" >/dev/null; then
		echo "spin.sh: skipped, no $tool here"
		exit 77
	fi
done

errors() { # OPTIONS
	spin -a "$@" "$model" >spin.out 2>&1 || { cat spin.out >&2; exit 2; }
	"$CC" -O0 -w -DSAFETY -o pan pan.c
	./pan -m100000 >out
	sed -n 's/.*errors: //p' out
}

found=$(errors)
if [ "$found" != 0 ] || grep -q 'max search depth too small' out; then
	cat out
	exit 1
fi
echo "no error in $(awk '/states, stored/ { print $1 }' out) states"
for mutant in $(sed -n 's/.*-D\(MUTANT_[A-Z_]*\).*/\1/p' "$model"); do
	if [ "$(errors -D"$mutant")" = 0 ]; then
		echo "$mutant shows no error"
		exit 1
	fi
	echo "$mutant fails, as it must"
done
