#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What Linux may not reach, or not like that, is an abort of its own.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

aborts() { # WHAT, FILE OFFSET HOW
	says "$1 ($2 $4)" "story: .* $2 $3 $4: abort"
}

boot --cpus 2 --append iomem=relaxed reach
aborts "the hypervisor's memory" /dev/mem 0x40200000 load4
aborts "the hypervisor's memory" /dev/mem 0x40200000 store4
aborts "the hypervisor's last page" /dev/mem 0x40fff000 pair
aborts "the second guest's memory" /dev/mem 0x68000000 load8
aborts "QEMU's fw_cfg, with its DMA" /dev/mem 0x09020010 load8
aborts 'where nobody is' /dev/mem 0x4000000000 load4

for how in load1:36 load1-signed:36 load2:1b36 load4:c1b36 \
	load8:100...000c1b36; do
	says "configuration space by ${how%:*}" \
		"story: config /dev/mem 0x4010010000 ${how/:/: }"
done
says 'a byte of 0x86' 'story: config /dev/mem 0x4010200000 load1: 86'
says '… with its sign' \
	'story: config /dev/mem 0x4010200000 load1-signed: ffffffffffffff86'
for how in pair writeback vector exclusive atomic; do
	aborts 'configuration space' /dev/mem 0x4010010000 $how
done
for offset in 0x4010010001 0x4010010002 0x4010010003 0x4010010ffe; do
	aborts "misaligned, $offset" /dev/mem $offset load4
done
aborts 'misaligned, 0x4010010001' /dev/mem 0x4010010001 load2
bar=/sys/bus/pci/devices/0000:00:05.0/resource0
says 'a BAR does not trap, by one load' "story: bar $bar 0x8 load4: 10400"
says '… or two' "story: bar $bar 0x0 pair: mapped"
before=$(sed -n 's/story: before load8: //p' "$console")
for way in load4:ffffffff load8:ffffffffffffffff store4:0 pair:abort; do
	says "a BAR put over one in quarantine reads all-ones (${way%:*})" \
		"story: quarantined ${way/:/: }"
done
says '… and is not mapped' \
	'holdfast: 0000:01:00\.0: BAR 0 lies over 0000:00:05\.0, not mapped'
says 'released, it is as before' "story: after load8: ${before:-not there}"
says 'that of a device that was removed is all-ones' \
	"story: gone $bar 0x8 load4: ffffffff"
says '… and takes what is written' "story: gone $bar 0x8 store4: 0"
says '… two loads at once are an abort' "story: gone $bar 0x0 pair: abort"
for at in 0x40200000 0x68000000; do
	says "a BAR put over $at" "story: over /dev/mem $at load4: abort"
done
says "nobody's ports" 'story: ports /dev/mem 0x3eff0000 load4: ffffffff'
says "the disk's checksum" "story: disk $(sum build/el2/disk)  -"
ends_well
