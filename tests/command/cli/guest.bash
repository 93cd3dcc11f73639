#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# What guests see, and the policies that say so.
. "${0%/*}/lib.bash"

NVME=0000:01:00.0

give() { # DEV GUEST-ADDRESS
	[ "$daemon" ] || start_daemon
	holdfast domain create web1 >/dev/null 2>&1
	holdfast assign "$1" web1 --at "$2" >/dev/null
}

# What lspci makes of the guest's devices.
lspci_of() { # DOMAIN OPTIONS…
	holdfast guest "$1" config dump >"$dir/dump"
	lspci -F "$dir/dump" "${@:2}"
}

policy() { # NAME CAPABILITIES
	printf '{ "name": "%s", "capabilities": { %s } }\n' "$1" "$2" \
		>"$dir/$1.json"
}

test_lspci_finds_a_well_formed_device_with_what_policy_allows() {
	give $NVME 07:02.0
	give $VF 07:03.0
	out=$(lspci_of web1 -vv -D)
	has "$out" $'\n0000:07:03.0 Ethernet controller:' \
		'0000:07:02.0 Non-Volatile memory controller:' \
		'Capabilities: [' 'MSI-X: Enable-' 'Express (v2)'
	for word in 'access denied' '<chain' '<?>' 'Unknown header' \
		'Single Root I/O' 'Access Control' 'Address Translation' \
		'0000:01:00.0'; do
		[[ $out != *"$word"* ]] || fail "$word in: $out"
	done
	# The list goes the way it goes through a pipe, too.
	equal "$(lspci -F "$dir/dump")" \
		"$(holdfast guest web1 config dump | lspci -F /dev/stdin)"
	# A VF has its PF's IDs in a guest.
	equal "$(holdfast --json show $VF |
		jq -r '[.vendor, .device] | @tsv')" \
		"$(lspci -F "$dir/dump" -n -s 07:03.0 | cut -d' ' -f3 |
		(IFS=: && read -r v d && printf '%d\t%d' "0x$v" "0x$d"))"
}

test_the_hardware_domain_sees_the_hardware() {
	start_daemon
	equal "$(holdfast config dump $PF)" \
		"$(holdfast guest hardware config dump $PF)"
	equal "$(holdfast config dump | grep -c '^0')" \
		"$(holdfast guest hardware config dump | grep -c '^0')"
}

test_registers_of_a_guest_are_read_and_written() {
	give $NVME 07:02.0
	run guest web1 config read 07:02.0 4 --size 2
	equal 0000 "$out"
	run guest web1 config write 07:02.0 4 6 --size 2
	equal 0 $status
	equal "" "$out"
	run guest web1 config read 07:02.0 4 --size 2
	equal 0006 "$out"
	run guest web1 config read 07:02.0 0
	equal "$(holdfast config read $NVME 0)" "$out"
	run guest web1 config read $NVME 0
	equal 1 $status
	has "$err" "web1 sees no device at $NVME" 'list --owner web1'
	run guest nobody config dump
	equal 1 $status
	has "$err" 'no domain nobody'
}

test_show_tells_where_the_guest_has_its_bars() {
	give $NVME 07:02.0
	run show $NVME
	has "$out" 'seen there at 0000:07:02.0' 'next guest   by policy guest' \
		'view         by policy guest, command 0000' 'not decoded'
	holdfast guest web1 config write 07:02.0 0x10 0xfe000000
	holdfast guest web1 config write 07:02.0 4 2 --size 2
	run show $NVME
	has "$out" 'mem64 at 0xfe000000, 16 KiB' ' mapped' 'command 0002'
}

test_policies_are_shown() {
	start_daemon
	run policy show
	equal 3 "$(wc -l <<<"$out")"
	has "$out" 'guest            shipped' 'hardware-domain  shipped'
	run policy show guest
	[[ $out =~ 11\ +MSI-X\ +shown ]] || fail "$out"
	[[ $out =~ 000f\ +address\ translation\ services\ +hidden ]] ||
		fail "$out"
	[[ $out =~ reporting\ +shown\ +04:\ [0-9a-f]{8}\ by\ writing\ 1\; ]] ||
		fail "$out"
	run policy show hardware-domain
	[[ $out =~ 000f\ +address\ translation\ services\ +shown\ +all ]] ||
		fail "$out"
	run policy show nothing
	equal 1 $status
	widest=$(COLUMNS=50 holdfast policy show guest | sed 1d | wc -L)
	[ "$widest" -le 50 ] || fail "$widest of 50 columns"
}

test_a_policy_is_checked_loaded_and_taken_back() {
	policy plain '"MSI-X": { "show": false }'
	give $NVME 07:02.0
	run policy check "$dir/plain.json"
	equal 0 $status
	has "$out" "$dir/plain.json: may be loaded"
	run policy load $NVME "$dir/plain.json"
	equal "$NVME: the next guest sees it by policy plain; web1 sees it as \
before" "$out"
	has "$(lspci_of web1 -vv)" MSI-X
	holdfast deassign $NVME >/dev/null
	give $NVME 07:02.0
	[[ $(lspci_of web1 -vv) != *MSI-X* ]] || fail "MSI-X is shown"
	has "$(holdfast policy show)" "plain            $NVME"
	has "$(holdfast policy show $NVME)" "plain: loaded for $NVME"
	run policy reset $NVME
	has "$out" 'by policy guest'
	holdfast deassign $NVME >/dev/null
	give $NVME 07:02.0
	has "$(lspci_of web1 -vv)" MSI-X
}

test_a_policy_that_endangers_the_host_is_refused_with_the_reason() {
	start_daemon
	policy daring '"PCI Express": { "registers": [ { "offset": 8,
		"size": 2, "hardware": "0x8000", "write": "0x8000" } ] }'
	run policy check "$dir/daring.json"
	equal 1 $status
	has "$err" 'holdfast: daring: PCI Express, register 0x8, bits 0x8000'
	run policy load $NVME "$dir/daring.json"
	equal 1 $status
	has "$(holdfast show $NVME)" 'next guest   by policy guest'
	echo '{' >"$dir/broken.json"
	run policy check "$dir/broken.json"
	equal 1 $status
	has "$err" 'broken'
}

test_files_that_cannot_be_policies_are_not_sent() {
	run policy check "$dir/nothing"
	equal 1 $status
	has "$err" 'nothing: No such file'
	head -c 32769 /dev/zero | tr '\0' ' ' >"$dir/long"
	run policy check "$dir/long"
	equal 1 $status
	has "$err" 'at most 32768 bytes'
	printf 'a\0b' >"$dir/binary"
	run policy check "$dir/binary"
	equal 1 $status
	has "$err" 'is no text'
	run policy check "$dir"
	equal 1 $status
	has "$err" 'Is a directory'
}

run_tests
