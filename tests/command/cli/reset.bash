#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# Resets, quarantine, and the daemon's options about them.
. "${0%/*}/lib.bash"

# Of fabric:lab: with FLR; with PM only; with nothing but its bus.
FLR=0000:03:00.0 PM=0000:08:00.0 PLAIN=0000:09:00.0

of_device() { # DEV FILTER
	holdfast --json show "$1" | jq -r "$2"
}

test_a_device_is_reset_by_what_it_has() {
	start_daemon fabric:lab
	run reset $FLR
	equal "$FLR: reset by flr, and checked" "$out"
	run reset $FLR --method pm
	equal "$FLR: reset by pm, and checked" "$out"
	run reset $PM
	equal "$PM: reset by pm, and checked" "$out"
	run reset $PLAIN --method bus
	equal "$PLAIN: reset by bus, and checked" "$out"
	run reset 12:00.0
	equal "0000:12:00.0: reset by af, and checked" "$out"
	equal flr "$(holdfast --json reset $FLR | jq -r .method)"
	equal hardware "$(of_device $FLR .owner)"
	run show $FLR
	has "$out" 'reset        by flr, '
}

test_what_cannot_be_reset_so_is_told() {
	start_daemon fabric:lab
	run reset $PM --method flr
	equal 1 $status
	has "$err" "$PM cannot be reset by flr now"
	run reset 00:09.0
	equal 1 $status
	has "$err" '0000:00:09.0 cannot be reset now'
	has "$(holdfast show 00:09.0)" 'reset        there is no way'
	run reset 77:00.0
	has "$err" 'no device 0000:77:00.0'
	holdfast domain create vm >/dev/null
	holdfast assign $FLR vm >/dev/null
	run reset $FLR
	equal 75 $status
	has "$err" "$FLR is busy: it belongs to vm"
}

test_a_reset_that_does_not_work_ends_in_quarantine() {
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	holdfast fabric fault $FLR dead-after-reset
	run reset $FLR
	equal 1 $status
	has "$err" "the reset of $FLR did not work (" 'in quarantine now'
	equal quarantine "$(of_device $FLR .owner)"
	[ "$(of_device $FLR .broken)" != null ] || fail "no reason"
	has "$(holdfast show $FLR)" 'quarantined  '
	run assign $FLR vm
	equal 1 $status
	has "$err" "$FLR is in quarantine ("
	run unquarantine $FLR
	equal 1 $status
	has "$err" "$FLR stays in quarantine: it does not pass the check ("
	holdfast fabric fault $FLR none
	run unquarantine $FLR
	equal "$FLR: fit again, with hardware" "$out"
	run assign $FLR vm
	equal 0 $status
}

test_who_takes_a_device_back_hears_that_its_reset_failed() {
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	holdfast assign $FLR vm >/dev/null
	holdfast fabric fault $FLR dead-after-reset
	run deassign $FLR
	equal 1 $status
	has "$err" "$FLR could not be made safe (" 'is in quarantine'
	equal quarantine "$(of_device $FLR .owner)"
	holdfast fabric fault $PM dead-after-reset
	run assign $PM vm
	equal 1 $status
	has "$err" "$PM could not be made safe (" 'is in quarantine'
	equal 0 "$(holdfast --json domain show vm | jq '.owns | length')"
}

test_quarantine_and_its_end() {
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	run quarantine $FLR 'smells of burning'
	equal "$FLR: in quarantine: smells of burning" "$out"
	equal 'quarantine blocked smells of burning' "$(of_device $FLR \
		'"\(.owner) \(.dma.mode) \(.broken)"')"
	run unquarantine $FLR
	equal "$FLR: fit again, with hardware" "$out"
	equal 'hardware identity null' "$(of_device $FLR \
		'"\(.owner) \(.dma.mode) \(.broken)"')"
	run unquarantine $FLR
	equal 1 $status
	has "$err" "$FLR is not in quarantine"
	run quarantine $FLR
	has "$out" 'put there by '
	holdfast assign $PM vm >/dev/null
	run quarantine $PM
	equal 75 $status
	has "$err" "$PM is busy: it belongs to vm"
	run quarantine $PM "$(printf 'x%.0s' {1..201})"
	equal 1 $status
	has "$err" 'must be 1 to 200 bytes'
	run quarantine 77:00.0
	has "$err" 'no device 0000:77:00.0'
}

test_a_mark_that_cannot_be_taken_away_says_why() {
	start_daemon fabric:lab
	holdfast quarantine 0000:0f:00.1 x >/dev/null
	holdfast domain create vm >/dev/null
	holdfast assign 0000:0f:00.0 vm >/dev/null
	run mark-broken 0000:0f:00.1
	equal 1 $status
	has "$err" '0000:0f:00.1 stays marked broken: it cannot be given back'
	run quarantine 0000:0f:00.1 $'two\nlines'
	has "$err" 'must be one line of text'
}

test_a_device_that_keeps_its_dma_going_stays_in_quarantine() {
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	holdfast assign $FLR vm >/dev/null
	holdfast guest vm config write \
		"$(of_device $FLR .vsbdf)" 4 6 --size 2
	holdfast fabric tester $FLR write 0 --run >/dev/null
	holdfast fabric fault $FLR keeps-dma
	run domain destroy vm
	has "$out" "$FLR: in quarantine: "
	equal 0 "$(holdfast --json fabric witness | jq .violations)"
}

test_the_daemon_is_told_what_quarantine_means() {
	start_daemon fabric:lab --quarantine scratch
	holdfast quarantine $FLR >/dev/null
	equal scratch "$(of_device $FLR .dma.mode)"
	start_daemon fabric:lab --quarantine none
	holdfast quarantine $FLR >/dev/null
	equal identity "$(of_device $FLR .dma.mode)"
	out=$("$HOLDFASTD" --host fabric:lab --quarantine maybe 2>&1)
	equal 2 $?
	has "$out" '--quarantine: must be basic, scratch or none'
	for limit in 0 -1 4x 1000001; do
		out=$("$HOLDFASTD" --host fabric:lab --fault-limit=$limit 2>&1)
		equal 2 $?
		has "$out" '--fault-limit: must be a number from 1 to 1000000'
	done
}

test_ats_is_on_where_the_daemon_is_told_so() {
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	holdfast assign $FLR vm >/dev/null
	equal false "$(of_device $FLR .dma.ats)"
	start_daemon fabric:lab --ats
	holdfast domain create vm >/dev/null
	holdfast assign $FLR vm >/dev/null
	equal true "$(of_device $FLR .dma.ats)"
	run show $FLR
	has "$out" ', ATS on'
}

run_tests
