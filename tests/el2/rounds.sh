#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A hundred removals under disk I/O, and no reference lost.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

boot --timeout 900 rounds
says 'fifty rounds of the disk' 'story: ok 0000:01:00.0: 50 rounds'
says 'fifty rounds of the network card' 'story: ok 0000:02:00.0: 50 rounds'
never 'no round failed' '^story: FAIL'
says 'another disk was read meanwhile' \
	'story: ok the other disk was read all the time'
says 'the disk is as it was' 'story: ok the disk is as it was'
says 'and the other' 'story: ok the other disk, too'
says 'the hypervisor counted them' 'story: ok 100 removals'
says 'no object is left over' 'story: ok no object is left over'
says 'the rules hold' 'story: ok the rules hold'
ends_well
