#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An unmodified Linux on four CPUs has its devices, and its disk.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

boot --cpus 4 boot
says 'four CPUs' 'story: cpus 4'
says 'the disk has its driver' 'story: pci 0000:01:00.0 0x010802 nvme'
says 'the network has its driver' 'story: pci 0000:02:00.0 0x020000 e1000e'
says 'ports have their driver' 'story: pci 0000:00:02.0 0x060400 pcieport'
says "the disk's checksum" "story: disk $(sum build/el2/disk)  -"
ends_well
