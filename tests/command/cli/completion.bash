#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# Completion offers what the command takes and what the daemon has.
. "${0%/*}/lib.bash"
. "${0%/*}/../../../cli/holdfast.bash-completion"

# completed LINE: what is offered at its end, sorted.
completed() {
	local COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
	local COMPREPLY=()
	_holdfast
	echo "${COMPREPLY[*]}"
}

test_verbs_are_completed() {
	equal 'removal remove reset' "$(completed 'holdfast re')"
	equal 'create destroy list show' "$(completed 'holdfast domain ')"
	equal "$(holdfast --json help | jq -r '.[].name' | sed 's/ .*//' |
		sort -u | xargs)" "$(completed 'holdfast ')"
}

test_options_of_the_verb_are_completed() {
	local verb option
	while read -r verb option; do
		has " $(completed "holdfast ${verb//_/ } --") " " $option "
	done < <(holdfast --json help | jq -r '.[] | (.name | gsub(" "; "_")) as
		$n | .options | scan("--[a-z-]+") | "\($n) \(.)"')
	equal '1 2 4' "$(completed "holdfast config read $PF 0 --size ")"
	equal 'af bus flr pm' "$(completed "holdfast reset $PF --method ")"
	equal '1M 4096 64K' "$(completed 'holdfast domain create vm --memory ')"
	equal 'refuse release' \
		"$(completed 'holdfast domain create vm --on-ask re')"
}

test_devices_and_domains_come_from_the_daemon() {
	start_daemon
	equal '02.0 02.1 02.2 02.3' "$(completed 'holdfast show 0000:03:02')"
	equal $PF "$(compgen -W "$(completed 'holdfast remove --ask ')" $PF)"
	holdfast domain create vm1 >/dev/null
	equal vm1 "$(completed "holdfast assign $VF vm")"
	equal vm1 "$(completed 'holdfast domain destroy vm')"
	equal dead-after-reset "$(completed "holdfast fabric fault $VF dea")"
	equal 'show stop' "$(completed "holdfast fabric tester $VF s")"
	equal nic-25g "$(completed "holdfast fabric plug $PORT nic-")"
}

# A domain may be called as whoever creates it likes, without spaces.
test_names_are_not_executed() {
	local name
	start_daemon
	# shellcheck disable=SC2016
	name='$(touch${IFS}'$dir'/executed)'
	holdfast domain create "$name" >/dev/null
	has "$(completed 'holdfast domain destroy ')" "$(printf %q "$name")"
	has "$(completed 'holdfast guest ')" "$(printf %q "$name")"
	[ ! -e "$dir/executed" ] || fail 'a name was executed'
}

test_guests_and_policies_are_completed() {
	start_daemon
	holdfast domain create vm1 >/dev/null
	holdfast assign $VF vm1 --at 05:1f.3 >/dev/null
	has " $(completed 'holdfast guest ') " ' vm1 ' ' hardware '
	equal config "$(completed 'holdfast guest vm1 ')"
	equal 'dump read write' "$(completed 'holdfast guest vm1 config ')"
	equal 0000:05:1f.3 "$(COMP_WORDBREAKS=' ' &&
		completed 'holdfast guest vm1 config read ')"
	equal '1 2 4' "$(completed 'holdfast guest vm1 config read 0 4 --size ')"
	equal 'check load reset show' "$(completed 'holdfast policy ')"
	equal "guest hardware-domain" "$(completed 'holdfast policy show ' |
		xargs -n 1 | grep '^[a-z]' | xargs)"
	: >"$dir/plain.json"
	equal "$dir/plain.json" "$(completed \
		"holdfast policy load $PF $dir/pl")"
}

test_nothing_is_offered_without_a_daemon() {
	equal "" "$(completed 'holdfast show ' 2>&1)"
}

run_tests
