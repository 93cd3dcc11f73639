#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Four CPUs access configuration space at random, while the disk is read: each
# access ends as it must, and everything works as before.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

boot --append iomem=relaxed --cpus 4 storm
for seed in 1 2 3 4; do
	says "CPU $seed" "story: storm $seed: 20000 accesses, 0 wrong"
done
for when in during after; do
	says "the disk's checksum $when" \
		"story: disk $when $(sum build/el2/disk)  -"
done
says 'ports have their numbers' 'story: buses 01 02 03'
ends_well
