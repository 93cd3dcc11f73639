#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# Removing with the command: who is in the way, waiting, and giving up.
. "${0%/*}/lib.bash"

give_vf() { # ON-ASK
	start_daemon
	holdfast domain create vm --on-ask "$1" >/dev/null
	holdfast assign $VF vm >/dev/null
}

is_asking() {
	[ "$(holdfast --json removal $PF | jq -r .phase)" = asking ]
}

is_cancelled() {
	[ "$(holdfast --json removal $PF | jq -r .phase)" = cancelled ]
}

# A removal that waits for a guest that never answers; $command is its pid.
begin_waiting() {
	"$HOLDFAST" remove $PF --ask --timeout 1m >"$dir/out" 2>"$dir/err" &
	command=$!
	eventually is_asking
}

test_busy_is_75_and_names_function_domain_and_time() {
	give_vf release
	run remove $PF
	equal 75 $status
	[[ $err =~ $VF:\ assigned\ to\ vm,\ since\ [0-9]+:[0-9]+:[0-9]+,\ \
[0-9]+\ m?s\ ago ]] || fail "$err"
	has "$err" "$PF: parent of 0000:03:02.0, 0000:03:02.1"
	run --json remove $PF
	equal 75 $status
	equal -16 "$(jq .error.data.errno <<<"$out")"
}

test_a_refusal_is_told() {
	give_vf refuse
	run remove $PF --ask --timeout 10s
	equal 75 $status
	has "$err" "$VF: assigned to vm, since " '; asked, refused'
}

test_safe_to_pull_only_if_nothing_of_the_card_is_left() {
	start_daemon
	run remove 0000:04:00.0
	equal 0 $status
	equal "0000:04:00.0: removed; still on this card: 0000:04:00.1, \
0000:04:00.2, 0000:04:00.3" "$out"
	run remove 0000:04:00.1 --slot --ask
	equal 0 $status
	equal "0000:04:00.1: removed; safe to pull" "$out"
}

test_a_card_with_a_switch_is_safe_to_pull_when_that_is_gone() {
	start_daemon
	run remove 0000:12:00.0 --slot
	equal 0 $status
	equal "0000:12:00.0: removed; still on this card: 0000:10:00.0, \
0000:11:00.0" "$out"
	run fabric unplug 0000:00:1d.4
	equal 75 $status
	run remove 0000:11:00.0
	equal "0000:11:00.0: removed; still on this card: 0000:10:00.0" "$out"
	run remove 0000:10:00.0
	equal "0000:10:00.0: removed; safe to pull" "$out"
	run fabric unplug 0000:00:1d.4
	equal 0 $status
}

test_a_card_is_not_safe_to_pull_by_the_name_of_what_is_gone() {
	start_daemon
	run remove 0000:12:00.0
	equal 0 $status
	run remove 0000:12:00.0 --slot
	equal 0 $status
	equal "0000:12:00.0: removed; still on this card: 0000:10:00.0, \
0000:11:00.0" "$out"
}

test_all_who_gave_it_back_are_counted() {
	start_fake <<-'END'
		{"jsonrpc":"2.0","id":1,"result":{"sbdf":"0000:03:00.0","phase":"removed","safe_to_pull":true,"given_back":[{"sbdf":"0000:03:02.0","kind":"assignment","who":"vm"}],"given_back_total":20}}
	END
	run remove $PF --force
	equal 0 $status
	has "$out" '0000:03:02.0: was ' 'and more, 20 in all'
}

test_force_says_what_was_taken_from_whom() {
	give_vf ignore
	run remove $PF --force
	equal 0 $status
	has "$out" "$PF: removed; safe to pull" "$VF: was assigned to vm"
}

test_a_removal_goes_on_without_waiting_and_can_be_cancelled() {
	give_vf ignore
	run remove $PF --ask --timeout 1m --no-wait
	equal 0 $status
	has "$out" "\`holdfast removal $PF\` shows"
	run remove $PF
	equal 75 $status
	has "$err" "runs already"
	run cancel $PF
	equal 0 $status
	eventually is_cancelled
	run cancel $PF
	equal 1 $status
}

test_a_removal_is_found_by_whatever_it_takes_along() {
	give_vf ignore
	holdfast remove $PF --ask --timeout 1m --no-wait >/dev/null
	run removal $VF
	equal 0 $status
	has "$out" "$PF: "
	run remove $VF
	equal 75 $status
	has "$err" "a removal of $PF runs, which takes some of the same" \
		"\`holdfast cancel $PF\`"
	run cancel $VF
	equal 0 $status
	eventually is_cancelled
	holdfast remove $VF --ask --timeout 1m --no-wait >/dev/null
	run remove $PF --force
	equal 75 $status
	has "$err" "a removal of $VF runs, which takes some of the same"
	run removal $PF
	has "$out" "$PF: cancelled"
}

test_ctrl_c_says_that_the_removal_goes_on() {
	give_vf ignore
	begin_waiting
	kill -INT $command
	wait $command
	equal 130 $?
	has "$(<"$dir/err")" "the removal of $PF goes on" \
		"\`holdfast cancel $PF\`"
	is_asking || fail "the removal ended"
}

test_a_daemon_gone_while_the_command_waits_is_told() {
	give_vf ignore
	begin_waiting
	kill -KILL "$daemon"
	wait $command
	equal 1 $?
	has "$(<"$dir/err")" 'went away before it answered'
}

test_a_terminal_shows_phase_and_time_left() {
	local shown
	give_vf ignore
	shown=$(on_terminal remove $PF --ask --timeout 1s)
	[[ $shown =~ $PF:\ asking,\ 0\.[0-9]\ s\ left ]] || fail "$shown"
	run remove $PF --ask --timeout 1s
	[[ $err != *left* ]] || fail "a spinner in a pipe"
}

run_tests
