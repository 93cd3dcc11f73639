#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# What real daemons answer, for people and for programs.
. "${0%/*}/lib.bash"

test_a_list_fits_the_terminal_and_never_wraps() {
	local width widest
	start_daemon
	for width in 40 60 80 132; do
		widest=$(COLUMNS=$width holdfast list | wc -L)
		[ "$widest" -le $width ] || fail "$widest of $width columns"
		widest=$(COLUMNS=$width holdfast tree | wc -L)
		[ "$widest" -le $width ] || fail "tree: $widest of $width"
	done
	has "$(COLUMNS=60 holdfast list)" '…' $VF
	[[ $(holdfast list) != *…* ]] || fail "cut without a terminal"
}

test_json_lists_have_every_device_over_all_pages() {
	start_daemon fabric:scale=2500
	run --json list
	equal 0 $status
	equal 2500 "$(jq length <<<"$out")"
	equal 2500 "$(jq -r '.[].sbdf' <<<"$out" | sort -u | wc -l)"
	equal 2501 "$(holdfast list | wc -l)"
}

test_json_is_valid_for_every_verb_that_answers() {
	local verb
	start_daemon
	echo '{ "name": "plain" }' >"$dir/policy"
	for verb in list tree "show $PF" "holders $PF" "add $PF" scan \
		"pin $PF --reason why" "unpin $PF" 'domain create vm' \
		"assign $VF vm --dry-run" "assign $VF vm" 'domain list' \
		"deassign $VF" "assign 04:00.0 vm --group" \
		"deassign 04:00.0 --group" \
		'domain show vm' 'domain destroy vm' "why-grouped $PF" \
		"quarantine 01:00.0" "unquarantine 01:00.0" \
		"reset 01:00.0" faults "faults $PF" "faults $PF --clear" \
		"config read $PF 0" \
		"config write $PF 0x3c 0 --size 1" "config dump $PF" \
		"guest hardware config read $PF 0" \
		"guest hardware config write $PF 0x3c 0 --size 1" \
		"guest hardware config dump $PF" 'policy show' \
		'policy show guest' "policy show $PF" "policy reset $PF" \
		"policy check $dir/policy" "policy load $PF $dir/policy" \
		"remove $PF" "removal $PF" 'fabric slots' 'fabric cards' \
		'fabric faults' "fabric fault $PORT stick 4" \
		'fabric plug 0000:06:10.0 tester' \
		'fabric tester 09:00.0 read 0' 'fabric tester 09:00.0 show' \
		'fabric witness' 'fabric surprise 0000:01:00.0' stats \
		version help 'show 0000:ee:00.0'; do
		# shellcheck disable=SC2086
		run --json $verb
		jq -e . >/dev/null <<<"$out" || fail "$verb: $out"
	done
	equal -19 "$(jq .error.data.errno <<<"$out")"
}

test_names_come_from_pci_ids() {
	start_daemon
	run list
	has "$out" 'Ethernet Controller X710'
	run show $PF
	has "$out" 'class        Ethernet controller, 020000'
}

test_a_tree_hangs_children_below_their_bridges() {
	start_daemon
	run tree
	has "$out" "$PORT  root-port" "└── $PF  endpoint" \
		"    ├── 0000:03:02.0  vf" "    └── 0000:03:02.3  vf"
	equal "$(holdfast --json list | jq length)" "$(wc -l <<<"$out")"
}

test_unknown_devices_are_told_with_what_to_do() {
	start_daemon
	run show 0000:ee:00.0
	equal 1 $status
	equal "holdfast: no device 0000:ee:00.0; \`holdfast list\` shows what \
there is" "$err"
	run show 3:0
	equal 1 $status
	has "$err" 'such as 0000:03:00.0'
}

test_registers_are_read_and_written() {
	start_daemon
	run config read $PORT 0 --size 2
	equal 8086 "$out"
	run config write $PORT 0x3c 0x2a --size 1
	equal 0 $status
	run config read $PORT 0x3c --size 1
	equal 2a "$out"
	run config read $PORT 1 --size 2
	equal 1 $status
}

test_a_dump_is_what_lspci_reads() {
	start_daemon
	holdfast config dump >"$dir/dump"
	equal "$(holdfast --json list | jq length)" \
		"$(lspci -F "$dir/dump" | wc -l)"
	equal "$(<"$dir/dump")" "$(holdfast --json config dump | jq -r .text)"
	# Address, class and IDs; a VF's own IDs read all-ones.
	equal "$(holdfast --json list | jq -r '.[] | [.sbdf,
			(.class / 256 | floor)] + (if .vf then [65535, 65535]
			else [.vendor, .device] end) | @tsv' |
		while read -r at class vendor device; do
			printf '%s %04x: %04x:%04x\n' "$at" "$class" \
				"$vendor" "$device"
		done)" "$(lspci -F "$dir/dump" -D -n | cut -d' ' -f1-3)"
}

test_colours_are_for_terminals() {
	start_daemon
	[[ $(holdfast list) != *$'\033'* ]] || fail "colours in a pipe"
	has "$(on_terminal list)" $'\033[1mADDRESS'
	[[ $(NO_COLOR=1 on_terminal list) != *$'\033'* ]] ||
		fail "colours in spite of NO_COLOR"
}

test_events_are_told_as_they_happen() {
	local told
	start_daemon
	exec {told}< <(holdfast events --count 2 2>&1)
	read -r -u "$told"
	has "$REPLY" 'waiting for events'
	holdfast domain create vm >/dev/null
	read -r -t 30 -u "$told"
	has "$REPLY" 'domain: vm created'
	holdfast assign $VF vm >/dev/null
	read -r -t 30 -u "$told"
	has "$REPLY" $VF
	exec {told}<&-
}

run_tests
