#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What `make run-el2` shows is so: in one boot a removal that is refused, one that
# Linux is asked for, a forced one, and a second guest. Of `make test`, too.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

boot --cpus 2 --timeout 90 story
count=$(grep -cxF "story: disk $(sum build/el2/disk)" "$console")
[ "$count" = 4 ] && ok "the disk's checksum, each time" ||
	fail "the disk's checksum $count times, of 4"
result() { # WHAT, COMMAND, STATUS: what it gave is the next arrow
	if awk -v command="\$ holdfast-el2 $2" -v status="→ $3" '
		$0 == command { seen = 1 }
		seen && /^→/ { exit $0 != status }
		END { if (!seen) exit 1 }' "$console"; then
		ok "$1"
	else
		fail "$1: '$2' did not give $3 in $console"
	fi
}
result 'refused: Linux works with it' 'remove 0000:01:00.0' 75
result 'asked: removed' 'remove 0000:01:00.0 --ask' 0
says 'asked: Linux has ejected it' 'story: asked: Linux has no disk'
result 'forced: removed' 'remove 0000:01:00.0 --force' 0
says 'forced: Linux lives' 'story: forced: Linux has no disk, and lives'
result 'the second guest starts' 'guest-start 0000:00:05.0' 0
says "its disk's checksum" \
	"holdfast: guest\| story: guest disk $(sum build/el2/guest-disk)  -"
result 'its disk is removed by force' 'remove 0000:00:05.0 --force' 0
says 'it has ended' 'story: second: .*'
result 'the rules hold' 'check' 0
never 'nothing was waited for in vain' 'story: never'
ends_well
