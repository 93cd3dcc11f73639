#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# What is typed wrongly is said, with status 2, and nothing is asked.
. "${0%/*}/lib.bash"

wrong() { # WORDS -- ARGUMENTS
	local words=$1
	shift 2
	run "$@"
	equal 2 $status
	has "$err" "$words"
	equal "" "$out"
}

test_unknown_verbs_and_options_are_usage_errors() {
	wrong 'there is no verb lits' -- lits
	wrong 'there is no verb domain make' -- domain make
	wrong 'domain what?' -- domain
	wrong 'there is no verb guest vm' -- guest vm config dmp
	wrong 'guest what?' -- guest
	wrong 'what shall it do?' --
	wrong "unrecognized option '--colour'" -- list --colour
	wrong 'list takes no --force' -- list --force
}

test_arguments_are_counted() {
	wrong 'remove needs more than that' -- remove
	wrong "usage: holdfast remove DEV [--ask]" -- remove
	wrong '0000:04:00.0 is one word too many' -- show $PF 0000:04:00.0
	wrong 'usage: holdfast guest DOMAIN config read' -- \
		guest vm config read 00:01.0
	wrong 'a pin needs a --reason' -- pin $PF
	wrong '--clear needs the device' -- faults --clear
	wrong 'copy needs a destination' -- fabric tester $PF copy 0
	wrong '7 is one word too many' -- fabric tester $PF stop 7
	wrong 'it cannot jump' -- fabric tester $PF jump
}

test_values_are_checked_before_anything_is_sent() {
	wrong '500ms, 2s or 1m, not 2' -- remove $PF --timeout 2
	wrong '500ms, 2s or 1m, not -1s' -- remove $PF --timeout=-1s
	wrong 'an hour at most' -- remove $PF --timeout 2h
	wrong '--size is 1, 2 or 4' -- config read $PF 0 --size 3
	wrong '--threads is a number from 1 to 8' -- \
		fabric traffic vm start --threads 0
	wrong '--count is a number' -- events --count x
	wrong '--method is flr, af, pm or bus, not off' -- \
		reset $PF --method off
	wrong '4096, 64K or 1M, not 64G' -- domain create vm --memory 64G
	wrong '4096, 64K or 1M, not -1' -- domain create vm --memory=-1
	wrong '--length is a number from 1 to 65536' -- \
		fabric tester $PF read 0 --length 70000
	wrong 'twelve is no number' -- fabric tester $PF read twelve
	wrong '-1 is no number' -- fabric tester $PF read -- -1
	wrong 'x10 is no register number' -- config read $PF x10
	wrong '0x100000000 is no 32-bit value' -- \
		config write $PF 4 0x100000000
}

test_help_names_every_verb_and_its_options() {
	local verb
	run help
	equal 0 $status
	for verb in list tree show holders add scan remove removal cancel pin \
		unpin assign deassign events stats version 'domain create' \
		'domain destroy' 'domain list' 'config read' 'config write' \
		'config dump' 'guest DOMAIN config read' \
		'guest DOMAIN config write' 'guest DOMAIN config dump' \
		'policy show' 'policy check' 'policy load' 'policy reset' \
		'fabric plug' 'fabric unplug' \
		'fabric surprise' 'fabric fault' 'fabric traffic' \
		'fabric tester' 'fabric witness'; do
		[[ $out == *$'\n'"$verb"* ]] || fail "help lacks $verb"
	done
	run help remove
	has "$out" --ask --force --slot --timeout --no-wait
	run help guest
	equal 3 "$(grep -c '^usage: holdfast guest DOMAIN config' <<<"$out")"
	run guest vm config read --help
	has "$out" 'usage: holdfast guest DOMAIN config read GUEST-ADDRESS REG'
	run remove --help
	has "$out" 'usage: holdfast remove DEV'
	equal 0 $status
}

test_a_daemon_that_is_not_there_is_named_with_the_remedy() {
	run list
	equal 1 $status
	has "$err" "no daemon answers at $HOLDFAST_SOCKET" 'start holdfastd'
	run --socket /nowhere/at/all list
	equal 1 $status
	has "$err" 'no daemon answers at /nowhere/at/all'
	run version
	equal 0 $status
	has "$out" 'holdfast '
}

run_tests
