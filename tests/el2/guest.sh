#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A second Linux beside the first: on a CPU, in memory and with a disk of its own,
# which is taken away from it while it reads.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

rounds=${ROUNDS:-20}
boot --cpus 2 --timeout $((120 + 60 * rounds)) \
	--append "iomem=relaxed rounds=$rounds" second

busy=75
says 'refused while Linux works with the disk' "story: no CPU: $busy"
says 'refused while no CPU is off' "story: still no CPU: $busy"
says 'not started below a BAR of the first Linux' 'story: start below a BAR: 1'
says '… for that reason' \
	"story: start below a BAR, .*another device's BAR lies over its own"
says 'started' 'story: round 1, start: 0'
says 'the guest has one device, at an address of its own' \
	'holdfast: guest\| story: guest has 0000:00:01\.0'
says "the guest's checksum" \
	"holdfast: guest\| story: guest disk $(sum build/el2/guest-disk)  -"
never 'its MSIs do not come' 'guest.*(timeout|polled)'
says 'there is one' 'story: another start: [1-9][0-9]*'
says 'removal is refused' "story: removal while it has it: $busy"
says '… naming the guest' 'story: holder: .*guest.*'
says 'a BAR of the first Linux, put over its own, reads all-ones' \
	'story: its BAR load8: ffffffffffffffff'
says '… and is not mapped' \
	'holdfast: 0000:01:00\.0: BAR 0 lies over 0000:00:05\.0, not mapped'
says 'Linux does not see it meanwhile' \
	'story: config /dev/mem 0x4010028000 load4: ffffffff'
for ((i = 1; i <= rounds; i++)); do
	says "round $i: started, lost its disk, ended, back" \
		"story: round $i, back: 0"
done
count=$(grep -c "story: guest lost its disk" "$console")
[ "$count" = "$rounds" ] && ok 'each guest saw its disk go' ||
	fail "$count guests saw their disk go, of $rounds"
never 'no step failed' 'story: (round [0-9]+, .*|rules|last start): [1-9]'
never 'nobody waited in vain' 'story: (never|own disk fails)'
says 'ended while it reads' 'story: stop: 0'
says 'the CPU is back' 'story: cpus 2'
says 'the disk is back' "story: its disk $(sum build/el2/guest-disk)  -"
says "the first Linux's disk" "story: own disk $(sum build/el2/disk)  -"
ends_well
