#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A hostile kernel (hostile-guest.c) as the second guest: of the interrupt controller
# it reaches nothing but its own, and it cannot keep its CPU.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

boot --timeout 240 --append iomem=relaxed \
	--guest build/el2/tests/el2/hostile-guest.bin hostile-guest
guest='holdfast: guest\| story:'
for n in 1 2 3; do
	says "CPU $n: it runs there" "$guest guest on cpu $n"
	says "CPU $n: started" "story: cpu $n, start: 0"
	says "CPU $n: looked at" "story: cpu $n, [0-9]+ looked at"
	says "CPU $n: ended" "story: cpu $n, stop: 0"
	says "CPU $n: the rules hold" "story: cpu $n, rules: 0"
	says "CPU $n: is Linux's again" "story: cpu $n, then 4"
done
says 'it looks for what the last one left' "$guest left of the last guest 0"
never '… and finds nothing' "$guest left of the last guest [^0]"
says 'one spun' "$guest it spins"
says 'the others slept' "$guest it sleeps"
says 'its writes to the distributor were heard' "$guest distributor none"
says '… and to its redistributor' "$guest redistributor none"
says 'there is no other' "$guest another redistributor class 25 fault 10"
says 'no tables of its own in memory' "$guest tables 0"
says 'software interrupts were sent' "$guest sgi none"
says '… of group 1 only' "$guest group 0 sgi class 0 fault 0"
says '… and by one register' "$guest alias sgi class 0 fault 0"
says 'its own came' "$guest own sgi 10"
never 'the rest of the controller is as it was' '^story: changed'
never 'nobody waited in vain' '^story: never'
says "the first Linux's disk" "story: own disk $(sum build/el2/disk)  -"
ends_well
