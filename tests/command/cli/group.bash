#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# What goes to a guest together, why, and what is said to who wants less.
. "${0%/*}/lib.bash"

QUAD=0000:04:00

# The reasons by which others belong to the group of a device.
reasons() { # DEV
	holdfast --json why-grouped "$1" |
		jq -r '.members[1:][] | select(.bridge | not) | .why' |
		sort -u | xargs
}

owner() { # DEV
	holdfast --json show "$1" | jq -r .owner
}

test_why_grouped_explains_a_group_of_each_kind() {
	start_daemon
	run why-grouped 01:00.0
	equal "0000:01:00.0 goes to a guest alone:
  0000:01:00.0 (hardware): isolated from all others" "$out"
	run why-grouped $QUAD.0
	has "$out" "$QUAD.0 is in an isolation group of 4, which go together" \
		"  $QUAD.3 (hardware): a function of one device with $QUAD.0, \
and no ACS keeps them apart"
	run why-grouped 1c:01.0
	has "$out" "  0000:1c:02.0 (hardware): behind 0000:00:1a.0, a bridge \
to conventional PCI: the IOMMU sees all behind it under one name" \
		"  0000:00:1a.0 (a bridge, stays): it is 0000:00:1a.0, a bridge"
	run why-grouped 18:00.0
	has "$out" "  0000:00:1e.4 (a bridge, stays): a port without ACS: \
requests turn round" \
		"  0000:15:00.0 (hardware): behind 0000:00:1e.0, a port \
without ACS: requests turn round there before the IOMMU sees them"
	# Function 4 is the number that function 0 uses as its phantom's.
	run fabric plug 0000:06:10.0 '[
		{ "at": "00.0", "kind": "endpoint", "id": "1b36:0005",
		  "class": "0x00ff00", "acs": true, "phantom": 1 },
		{ "at": "00.4", "kind": "endpoint", "id": "1b36:0005",
		  "class": "0x00ff00", "acs": true } ]'
	equal 0 $status
	run why-grouped 09:00.0
	has "$out" "  0000:09:00.4 (hardware): 0000:09:00.0 uses the number \
of this one for a phantom function of its own"
	equal phantom "$(reasons 09:00.4)"
	equal '' "$(reasons 01:00.0)"
	equal function "$(reasons $QUAD.2)"
	equal bridge "$(reasons 1c:02.0)"
	equal port "$(reasons 18:00.0)"
	start_daemon fabric:lab
	equal unit "$(reasons 00:0b.0)"
	run why-grouped 00:0b.0
	has "$out" '0000:00:0a.0' 'the IOMMU does not tell them apart'
	run why-grouped 77:00.0
	equal 1 $status
	has "$err" 'no device 0000:77:00.0'
}

test_a_group_goes_whole_or_not_at_all() {
	start_daemon
	holdfast domain create vm >/dev/null
	for way in '' --dry-run; do
		# shellcheck disable=SC2086
		run assign $QUAD.1 vm $way
		equal 1 $status
		has "$err" "$QUAD.1 shares an isolation group with 3 devices \
that would stay behind" '--group moves all of it' "  $QUAD.0: with hardware" \
			"  $QUAD.2: with hardware" "  $QUAD.3: with hardware"
		equal hardware "$(owner $QUAD.1)"
	done
	run --json assign $QUAD.1 vm
	equal '-1 3 3' "$(jq -r '.error.data |
		"\(.errno) \(.missing) \(.members | length)"' <<<"$out")"
	run assign $QUAD.1 vm --group --dry-run
	equal "$QUAD.1: could be assigned to vm" "$out"
	equal hardware "$(owner $QUAD.1)"
	run assign $QUAD.1 vm --group
	equal 0 $status
	has "$out" "$QUAD.1: assigned to vm, which sees it at " \
		'3 more of its group went along'
	equal 'vm vm vm vm' "$(for i in 0 1 2 3; do owner $QUAD.$i; done | xargs)"
	run domain show vm
	equal 4 "$(grep -c "^$QUAD" <<<"$out")"
	run deassign $QUAD.1
	equal 1 $status
	has "$err" 'that would stay with the guest' "  $QUAD.0: with vm"
	equal vm "$(owner $QUAD.1)"
	run deassign $QUAD.1 --group
	equal "$QUAD.1: back with hardware, and 3 more of its group" "$out"
	equal hardware "$(owner $QUAD.3)"
}

test_what_is_in_quarantine_need_not_come_along() {
	start_daemon
	holdfast domain create vm >/dev/null
	for i in 1 2 3; do
		run quarantine $QUAD.$i "not for vm"
		equal 0 $status
	done
	run assign $QUAD.0 vm
	equal 0 $status
	run unquarantine $QUAD.2
	equal 1 $status
	has "$err" 'stays in quarantine as long as a guest uses others'
	run deassign $QUAD.0
	equal 0 $status
	run unquarantine $QUAD.2
	equal "$QUAD.2: fit again, with hardware" "$out"
}

test_who_has_it_is_told() {
	start_daemon
	holdfast domain create vm1 >/dev/null
	holdfast domain create vm2 >/dev/null
	holdfast assign $QUAD.0 vm1 --group >/dev/null
	run assign $QUAD.0 vm2 --group
	equal 75 $status
	has "$err" "$QUAD.0 is busy: it belongs to vm1"
	run --json assign $QUAD.0 vm2
	equal 75 $status
	equal 'vm1' "$(jq -r .error.data.who <<<"$out")"
	holdfast deassign $QUAD.0 --group >/dev/null
	holdfast quarantine $QUAD.3 "bent pin" >/dev/null
	run assign $QUAD.3 vm2
	equal 1 $status
	has "$err" "$QUAD.3 is in quarantine (bent pin)" 'holdfast unquarantine'
	run assign 00:1c.0 vm2
	equal 1 $status
	has "$err" '0000:00:1c.0 is a bridge'
	run assign 77:00.0 vm2
	has "$err" 'no device 0000:77:00.0'
	run assign $QUAD.0 nobody
	has "$err" 'no domain nobody'
	run deassign 01:00.0
	has "$err" 'belongs to no guest'
}

test_of_two_who_race_for_a_device_one_gets_it() {
	local a b
	start_daemon fabric:lab
	holdfast domain create vm1 >/dev/null
	holdfast domain create vm2 >/dev/null
	for _ in 1 2 3 4 5; do
		"$HOLDFAST" assign 03:00.0 vm1 >/dev/null 2>"$dir/one" &
		a=$!
		"$HOLDFAST" assign 03:00.0 vm2 >/dev/null 2>"$dir/two" &
		b=$!
		wait $a
		a=$?
		wait $b
		b=$?
		equal 75 $((a + b))
		if [ $a = 0 ]; then
			has "$(<"$dir/two")" '0000:03:00.0 is busy' vm1
		else
			has "$(<"$dir/one")" '0000:03:00.0 is busy' vm2
		fi
		holdfast deassign 03:00.0 >/dev/null
	done
}

test_a_reserved_region_is_told_and_can_be_accepted() {
	start_daemon fabric:lab
	holdfast domain create vm >/dev/null
	run assign 13:00.0 vm
	equal 1 $status
	has "$err" '0000:13:00.0 has a reserved region at 0x7' \
		'--relaxed accepts it'
	run --json assign 13:00.0 vm
	equal 65536 "$(jq .error.data.region.size <<<"$out")"
	equal direct "$(jq -r .error.data.region.kind <<<"$out")"
	run assign 13:00.0 vm --relaxed
	equal 0 $status
}

run_tests
