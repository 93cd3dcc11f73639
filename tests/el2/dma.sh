#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Devices reach what they may, and the rest is refused, counted, and in the end
# stops them. The third disk is slow, so that it has requests under way.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

slow=build/el2/slow-disk
head -c 1M < <(seq -w 700000 900000) >$slow
boot --qemu -drive --qemu \
	"file=$slow,format=raw,if=none,id=slow,snapshot=on,throttling.iops-total=50" \
	--qemu -device --qemu nvme,serial=slow,drive=slow,bus=port3 dma

says 'its own memory' 'story: write ram: status 0, serial guest *; identity, 0 faults'
for place in hypervisor guest smmu bar; do
	says "not the $place's" \
		"story: write $place: .*; identity, [1-9][0-9]+ faults"
done
says 'stopped at too many' 'story: stops: [1-9]'
never 'and it stays so' 'story: stopped: status'
says 'in quarantine it is blocked' 'story: 0000:01:00.0: in quarantine; blocked, .*'
says 'out of it it is not' 'story: 0000:01:00.0: fit again; identity, .*'
says "the disk's checksum" "story: disk $(sum build/el2/disk)  -"
says 'one is pulled' 'story: 0000:03:00.0: lost'
says 'what it had under way is refused' 'story: late: [1-9][0-9]*'
says "the slow disk's checksum" "story: slow disk $(sum $slow)  -"
says "the other disk's checksum" "story: other disk $(sum build/el2/guest-disk)  -"
says 'the rules hold' 'story: rules: 0 rules are broken'
ends_well
