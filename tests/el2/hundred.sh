#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A hundred forced removals under disk I/O: each succeeds, Linux goes on, and no
# reference is lost: in the end there are as many objects as devices.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

boot --timeout 1200 hundred
says 'each is removed' 'story: removed 100, refused 0'
never 'each round goes well' 'story: FAIL'
count() { sed -nE "s/^story: $1 +([0-9]+)( times)?$/\1/p" "$console"; }
if [ "$(count 'the disk was read')" -gt 2 ] &&
	[ "$(count 'the disk was read')" = "$(count right)" ]; then
	ok "the disk was read $(count right) times meanwhile, and right"
else
	fail "of $(count 'the disk was read') times $(count right) right"
fi
says 'the disk is as it was' 'story: the disk is as it was'
if [ "$(count devices)" -gt 0 ] &&
	[ "$(count devices)" = "$(count 'device objects')" ]; then
	ok "no object is left over, of $(count devices) devices"
else
	fail "$(count 'device objects') objects, $(count devices) devices"
fi
ends_well
