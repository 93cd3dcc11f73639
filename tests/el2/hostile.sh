#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A hostile kernel (hostile.c): what it may not do is an exception of its own, or
# an error, and the hypervisor is there to the end, its rules in order. Classes
# and faults are the Arm ARM's (ESR_EL1).

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

boot --cpus 2 --kernel build/el2/tests/el2/hostile.bin hostile
data='class 25 fault 10' fetch='class 21 fault 10' undefined='class 0 fault 0'
for what in load store pair zero exclusive swap; do
	says "$what: external abort" "story: $what $data"
done
# Some CPUs clean nothing where nothing can be cached.
says 'clean: abort, or nothing' "story: clean ($data|none)"
says 'fetch: external abort' "story: fetch $fetch"
says 'fetch of configuration space: external abort' "story: fetch config $fetch"
says 'a table in the hypervisor: abort of the walk' 'story: walk class 25 fault 16'
says '… and of a fetch' 'story: walk to fetch class 21 fault 16'
for what in translate hcr_el2 vttbr_el2 elr_el2 spe; do
	says "$what: undefined" "story: $what $undefined"
done
says 'hvc: not supported' 'story: hvc ffffffffffffffff'
says 'CPU_SUSPEND: not supported' 'story: suspend ffffffffffffffff'
says 'CPU_ON of itself: already on' 'story: on itself fffffffffffffffc'
says 'CPU_ON of nobody: invalid' 'story: on nobody fffffffffffffffe'
says 'a CPU that starts in the hypervisor harms nobody' \
	'story: on at the hypervisor 0'
says 'offsets beyond the window, or over its end: nobody' \
	'story: beyond the window 0'
says '… and the window is as it was' 'story: its ends 15a5a'
says 'misaligned ones are offsets' 'story: misaligned 123456789abcdef0'
functions=$(sed -nE 's/^holdfast: ([0-9]+) PCI functions.*/\1/p' "$console")
says 'all devices are listed' "story: devices $functions"
says 'one is shown' 'story: the disk 0'
says '… as what it is' 'story: … is 101b36'
says 'one that is not there: ENODEV' 'story: nobody ffffffffffffffed'
says 'a verb that is none: ENOSYS' 'story: no verb ffffffffffffffda'
says 'another version: EOPNOTSUPP' 'story: another version ffffffffffffffa1'
says 'a call that is none: not supported' 'story: no call ffffffffffffffff'
says 'management was heard' 'story: verbs done [0-9a-f]+'
says 'the rules are checked' 'story: check 0'
says '… and hold' 'story: rules broken 0'
says 'reads anywhere' 'story: aborts [0-9a-f]+'
ends_well
