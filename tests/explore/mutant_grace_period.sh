#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# mutant_grace_period.sh SOURCE-DIRECTORY
#
# The removal waits for a grace period after DRAINING is stored (removal.c, P2).
# Without that wait the explorer must fail, and the schedule that it prints must
# fail again, in the same way: for those who may block and for those who poll.

set -euo pipefail
source_dir=$(realpath "${1:?where are the sources?}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "mutant_grace_period: $*" >&2
	exit 1
}

cp -r "$source_dir"/{core,include,platform,tests} "$work"
removal=$work/core/device/removal.c
[ "$(grep -c 'begin_grace(op); /\* P2 \*/' "$removal")" = 1 ] ||
	fail "core/device/removal.c marks its grace period with P2, not so now"
sed -i 's|begin_grace(op); /\* P2 \*/|op->grace_over = true;|' "$removal"
cmp -s "$removal" "$source_dir/core/device/removal.c" &&
	fail "the patch changed nothing"

# The build of platform/explore/meson.build in short: its flags, its files.
cc=${CC:-cc}
flags=(-std=gnu11 -O1 -g -D_GNU_SOURCE -DHOLDFAST_DEBUG -I"$work/include"
	-I"$work/core" -I"$work/platform/explore")
watched=(-fsanitize=kernel-address
	-Dmemcpy=explore_memcpy -Dmemset=explore_memset
	-Dmemcmp=explore_memcmp)
if "$cc" --version | grep -q clang; then
	watched+=(-mllvm -asan-instrumentation-with-call-threshold=0
		-mllvm -asan-globals=0 -mllvm -asan-stack=0)
else
	watched+=(--param asan-instrumentation-with-call-threshold=0)
fi
compile() { # DIRECTORY FLAGS FILES
	mkdir "$work/$1" && cd "$work/$1"
	shift
	"$cc" "${flags[@]}" -c "$@"
}
(compile explorer "$work"/platform/explore/*.c)
(compile device "${watched[@]}" "$work"/core/device/*.c)
(compile config "${watched[@]}" "$work"/core/config/*.c)
(compile vpci "${watched[@]}" "$work"/core/vpci/*.c)
(compile iommu "${watched[@]}" "$work"/core/iommu/*.c)
(compile irq "${watched[@]}" "$work"/core/irq/*.c)
(compile reset "${watched[@]}" "$work"/core/reset/*.c)
(compile scenarios "${watched[@]}" "$work"/tests/explore/*.c)
explore=$work/explore
"$cc" -o "$explore" "$work"/{scenarios,reset,iommu,irq,vpci,config,device,explorer}/*.o

found=0
for scenario in trap/removal trap/stepped_removal; do
	"$explore" --scenario "$scenario" >"$work/out" &&
		fail "$scenario does not miss the grace period"
	schedule=$(sed -n 's/^  again: .* //p' "$work/out")
	message=$(sed -n "s|^$scenario *FAILED in schedule [0-9]*: ||p" \
		"$work/out")
	if [ -z "$schedule" ] || [ -z "$message" ]; then
		cat "$work/out"
		fail "$scenario did not fail as a scenario does"
	fi
	echo "$scenario: $message"
	echo "  explore --replay $scenario $schedule"
	"$explore" --replay "$scenario" "$schedule" >"$work/again" &&
		fail "the schedule does not replay"
	[ "$(tail -n 1 "$work/again")" = "  $message" ] || {
		cat "$work/again"
		fail "the schedule replays something else"
	}
	found=$((found + 1))
done
echo "without its grace period the removal fails in $found scenarios, and replays"
