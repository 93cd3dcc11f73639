#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A bridge that is plugged into a running machine, with a device behind it: it
# has a bus number that is free below its slot, and keeps it; if none is free,
# nothing behind it is reached. (QEMU's slots need no power: what Linux does to a
# slot's does not reach it.)

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

monitor=build/el2/monitor
plug_when_told() {
	until grep -q 'plug now' build/el2/plug.console; do
		sleep 0.2
	done
	printf '%s\n' stop 'device_add pcie-pci-bridge,id=bridge,bus=port3' \
		'device_add e1000,bus=bridge,addr=1.0,romfile=' cont >$monitor.in
} 2>/dev/null

boot_and_plug() { # [OPTION OF boards/qemu-virt-arm64/run…]
	rm -f $monitor.{in,out} build/el2/plug.console
	mkfifo $monitor.{in,out}
	plug_when_told &
	boot "$@" --qemu -monitor --qemu pipe:$monitor \
		--qemu -global \
		--qemu pcie-root-port.power_controller_present=off plug
	kill $! 2>/dev/null
}

boot_and_plug --append pci=hpbussize=4
says 'the bridge is there' 'story: pci 0000:09:00.0 0x060400'
says '… and what is behind it' 'story: pci 0000:0a:01.0 0x020000'
says 'its numbers' 'story: numbers 090a0a'
says "Linux's numbers are its own" 'story: after 090101'
says '… what is behind it is there' 'story: still 0000:0a:01.0 100e8086'
says '… and what is on the other bus' 'story: still 0000:01:00.0 00101b36'
says "the disk's checksum" "story: disk $(sum build/el2/disk)  -"
says 'the rules hold' 'story: rules 0 rules are broken'
ends_well

# Linux 6.1's driver of that bridge's own slots falls over a bridge without a bus.
boot_and_plug --append initcall_blacklist=shpcd_init
says 'no number is left: it says so' \
	'holdfast: warning: 0000:03:00.0: no bus number is left for what is below'
says '… the bridge is there' 'story: pci 0000:03:00.0 0x060400'
never '… and nothing behind it' 'story: pci 0000:.*:01.0 '
says "… Linux's numbers are its own" 'story: after 030101'
says '… what is on the other bus is there' 'story: still 0000:01:00.0 00101b36'
says "… the disk's checksum" "story: disk $(sum build/el2/disk)  -"
says '… the rules hold' 'story: rules 0 rules are broken'
ends_well
