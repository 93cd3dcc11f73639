#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# A guest's memory and its devices' DMA and interrupts, faults, and how it ends.
. "${0%/*}/lib.bash"

# Of fabric:lab: each alone in its group.
DEV=0000:03:00.0 OTHER=0000:04:00.0

give() { # DEV DOMAIN
	holdfast assign "$1" "$2" >/dev/null &&
		holdfast guest "$2" config write "$(seen "$1")" 4 6 --size 2
}

seen() { # DEV
	holdfast --json show "$1" | jq -r .vsbdf
}

status_of() { # ARGUMENTS of fabric tester
	holdfast --json fabric tester "$@" | jq -r .status
}

# A number of `holdfast stats`, as the core and as the hardware have it.
both() { # NAME
	holdfast --json stats | jq -r --arg n "$1" \
		'"\(.[$n] // .iommu[$n]) \(.fabric[$n])"'
}

of_device() { # DEV FILTER
	holdfast --json show "$1" | jq -r "$2"
}

# A guest's driver asks for one MSI: address, data, enable.
ask_for_msi() { # DEV DOMAIN
	local at pos=$((0x$(holdfast show "$1" |
		sed -n 's/.* \(0[0-9a-f]*\)  MSI$/\1/p')))
	at=$(seen "$1")
	holdfast guest "$2" config write "$at" $((pos + 4)) 0xfee00000 &&
		holdfast guest "$2" config write "$at" $((pos + 12)) 0x40 &&
		holdfast guest "$2" config write "$at" $((pos + 2)) 1 --size 2
}

no_violation() {
	equal 0 "$(holdfast --json fabric witness | jq .violations)"
}

test_a_guest_gets_memory_which_its_devices_reach() {
	start_daemon fabric:lab
	run domain create vm
	equal 'vm: domain 1, on-ask release, 64 KiB of memory' "$out"
	run domain create big --memory 1M
	has "$out" '1024 KiB of memory'
	give $DEV vm
	give $OTHER big
	equal ok "$(status_of $DEV write 0 1)"
	equal ok "$(status_of $DEV copy 0 0xfffc)"
	equal refused "$(status_of $DEV write 0x10000 1)"
	equal refused "$(status_of $DEV read 0x100000000)"
	equal ok "$(status_of $OTHER write 0x10000 1)"
	equal refused "$(status_of $OTHER write 0x100000 1)"
	run domain show big
	has "$out" 'memory at 0x0 for its devices' '1048576 bytes'
	equal 'space vm' "$(of_device $DEV '.dma | "\(.mode) \(.domain)"')"
	equal identity "$(of_device 05:00.0 .dma.mode)"
	run domain create odd --memory 5000
	equal 1 $status
	has "$err" 'must be a multiple of 4096'
	run domain create huge --memory 17M
	has "$err" 'params.memory: must be 4096 to 16777216'
	no_violation
}

test_memory_comes_back_with_the_end_of_its_guest() {
	local before
	start_daemon fabric:lab
	before=$(holdfast --json stats | jq .fabric.ram_pages)
	for _ in 1 2 3; do
		holdfast domain create vm --memory 16M >/dev/null
		equal $((before + 4096)) \
			"$(holdfast --json stats | jq .fabric.ram_pages)"
		holdfast domain destroy vm
	done
	equal "$before" "$(holdfast --json stats | jq .fabric.ram_pages)"
	# Until there is none left: then no half of a domain is, either.
	for i in $(seq 20); do
		run domain create vm$i --memory 16M
		[ $status = 0 ] || break
	done
	equal 1 $status
	has "$err" 'not so much memory left'
	[[ $(holdfast domain list) != *" vm$i "* ]] || fail "half of vm$i"
}

test_faults_are_told_and_silence_a_device_until_cleared() {
	start_daemon fabric:lab --fault-limit 4
	holdfast domain create vm >/dev/null
	run faults
	equal 'No DMA was refused.' "$out"
	give $DEV vm
	equal refused "$(status_of $DEV write 0x20000 1)"
	run faults
	has "$out" "$DEV      1" ' write  0x20000 '
	run show $DEV
	has "$out" 'faults       1, the last at 0x20000 (write), '
	equal '1 1' "$(both faults)"
	holdfast fabric tester $DEV write 0x30000 --run >/dev/null
	eventually is_silenced
	holdfast fabric tester $DEV stop >/dev/null
	equal not-sent "$(status_of $DEV write 0 1)"
	equal 2 "$((0x$(holdfast config read $DEV 4 --size 2) & 6))"
	# Not by the guest's word.
	holdfast guest vm config write "$(seen $DEV)" 4 6 --size 2
	equal not-sent "$(status_of $DEV write 0 1)"
	run faults $DEV
	has "$out" off 0x30000
	run faults $DEV --clear
	has "$out" "$DEV: forgotten, " 'may switch bus mastering on again'
	run faults
	equal 'No DMA was refused.' "$out"
	holdfast guest vm config write "$(seen $DEV)" 4 6 --size 2
	equal ok "$(status_of $DEV write 0 1)"
	run faults 77:00.0
	has "$err" 'no device 0000:77:00.0'
	no_violation
}

is_silenced() {
	[ "$(holdfast --json faults $DEV | jq '.[0].master_off')" = true ]
}

test_interrupts_come_to_the_guest_and_are_counted() {
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	give $DEV vm
	equal ok "$(status_of $DEV interrupt 0)" # INTx: nobody's
	equal 0 "$(of_device $DEV .interrupts.told)"
	ask_for_msi $DEV vm
	equal '1 1' "$(both vectors)"
	for _ in 1 2 3; do
		equal ok "$(status_of $DEV interrupt 0)"
	done
	equal '1 true 3 3' "$(of_device $DEV '.interrupts |
		"\(.msi) \(.guest) \(.delivered) \(.told)"')"
	run show $DEV
	has "$out" 'interrupts   1 MSI, 0 MSI-X bound for the guest' \
		'told the guest 3'
	run domain show vm
	has "$out" '3 interrupts came' "$DEV  $(seen $DEV)           3"
	has "$(holdfast holders $DEV)" 'used for interrupts by vm'
	holdfast deassign $DEV >/dev/null
	equal '0 0' "$(both vectors)"
	no_violation
}

test_what_a_domain_leaves_behind() {
	local devices='03:00.0 04:00.0 05:00.0 06:00.0 07:00.0' dev
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	for dev in $devices; do
		give $dev vm
		ask_for_msi 0000:$dev vm
		equal ok "$(status_of $dev write 0x100 1)"
		holdfast fabric tester $dev write 0x200 --run >/dev/null
	done
	equal '5 5' "$(both contexts)"
	equal '5 5' "$(both vectors)"
	equal '1 1' "$(both spaces)"
	equal 1 "$(holdfast --json stats | jq .iommu.mappings)"
	holdfast fabric fault 05:00.0 dead-after-reset
	run domain destroy vm
	equal 0 $status
	equal "0000:03:00.0: back with hardware
0000:04:00.0: back with hardware
0000:06:00.0: back with hardware
0000:07:00.0: back with hardware" "$(grep -v 05:00.0 <<<"$out")"
	has "$out" '0000:05:00.0: in quarantine: '
	equal "$(sed -n 's/.*05:00.0: in quarantine: //p' <<<"$out")" \
		"$(of_device 05:00.0 .broken)"
	equal 'quarantine blocked' \
		"$(of_device 05:00.0 '"\(.owner) \(.dma.mode)"')"
	for dev in 03:00.0 04:00.0 06:00.0 07:00.0; do
		equal 'hardware identity null 0' "$(of_device $dev '"\(.owner) " +
			"\(.dma.mode) \(.broken) \(.interrupts.msi)"')"
	done
	equal '0 0' "$(both contexts)"
	equal '0 0' "$(both vectors)"
	equal '0 0' "$(both spaces)"
	equal 0 "$(holdfast --json stats | jq .iommu.mappings)"
	equal 0 "$(holdfast --json stats | jq .fabric.pages)"
	no_violation
}

test_after_a_forced_removal_dma_faults() {
	start_daemon fabric:lab
	holdfast domain create vm --on-ask ignore >/dev/null
	give $DEV vm
	holdfast fabric tester $DEV write 0 --run >/dev/null
	run remove $DEV --force
	equal 0 $status
	has "$out" 'removed; safe to pull' 'was assigned to vm'
	holdfast fabric tester $DEV stop >/dev/null
	equal not-sent "$(status_of $DEV write 0 1)"
	holdfast fabric fault $DEV keeps-dma
	equal refused "$(status_of $DEV write 0 1)"
	no_violation
}

test_a_domain_that_is_no_guest_is_shown_and_not_destroyed() {
	start_daemon
	run domain show hardware
	equal 0 $status
	has "$out" "hardware: domain 0" "$PF"
	run domain show nobody
	equal 1 $status
	has "$err" 'no domain nobody'
	run domain destroy quarantine
	has "$err" 'quarantine is not a guest'
	holdfast domain create vm >/dev/null
	run domain destroy vm
	equal '' "$out"
}

test_a_host_without_an_iommu_stays_as_it_was() {
	start_daemon
	holdfast config dump >"$dir/machine"
	start_daemon "dump:$dir/machine"
	run domain create vm
	equal 'vm: domain 1, on-ask release' "$out"
	run domain create vm2 --memory 64K
	equal 1 $status
	has "$err" 'has no memory to give to guests'
	run assign 01:00.0 vm
	equal 0 $status
	equal 'null null null' "$(of_device 01:00.0 \
		'"\(.dma) \(.interrupts) \(.reset_methods)"')"
	run faults 01:00.0
	equal 1 $status
	has "$err" 'has no IOMMU that would tell of faults'
	run domain destroy vm
	equal '0000:01:00.0: back with hardware' "$out"
	run fabric tester 01:00.0 show
	has "$err" 'is real; only a daemon with --host fabric'
}

run_tests
