#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154
# Answers that no daemon should give.
. "${0%/*}/lib.bash"

test_control_characters_never_reach_the_terminal() {
	start_fake <<-'END'
		{"jsonrpc":"2.0","id":1,"result":{"sbdf":"0000:03:00.0","refs":0,"holders":[{"kind":"pin","who":"a\u001b[31mb\u0085c\nd"}]}}
	END
	run holders $PF
	equal 0 $status
	has "$out" 'pinned by a?[31mb??c?d,'
}

test_with_json_an_error_on_the_terminal_is_harmless_too() {
	start_fake <<-'END'
		{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"is broken (\u001b]0;owned\u0007)","data":{"errno":-9}}}
	END
	run --json holders $PF
	equal 1 $status
	has "$err" 'is broken (?]0;owned?)'
	has "$out" '\u001b]0;owned'
}

test_a_stranger_on_the_socket_is_told() {
	start_fake <<<'220 mail.example.org ESMTP'
	run list
	equal 1 $status
	has "$err" "what answers at $HOLDFAST_SOCKET is not holdfastd"
}

test_a_daemon_that_hangs_up_is_told() {
	start_fake </dev/null
	run list
	equal 1 $status
	has "$err" 'went away before it answered'
}

test_an_error_of_no_request_is_the_answer() {
	local verb
	for verb in stats "remove $PF"; do
		start_fake <<-'END'
			{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"64 clients are here already; try again later"}}
		END
		# shellcheck disable=SC2086
		run $verb
		equal 1 $status
		equal 'holdfast: 64 clients are here already; try again later' \
			"$err"
	done
}

test_a_list_that_breaks_off_is_no_list() {
	start_fake <<-'END'
		{"jsonrpc":"2.0","id":1,"result":{"devices":[{"sbdf":"0000:00:00.0","type":"endpoint","owner":"hardware","state":"live"}],"next":"x"}}
	END
	run --json list
	equal 1 $status
	equal "" "$out"
}

test_missing_members_are_survived() {
	start_fake <<<'{"jsonrpc":"2.0","id":1,"result":{"devices":[{}]}}'
	run list
	equal 0 $status
	start_fake <<<'{"jsonrpc":"2.0","id":1,"result":{}}'
	run show $PF
	equal 0 $status
	start_fake <<<'{"jsonrpc":"2.0","id":1,"result":{"devices":[{}]}}'
	run tree
	equal 0 $status
	local verb
	for verb in "why-grouped $PF" faults 'domain show vm' "show $PF" \
		'domain destroy vm' "deassign $PF" stats "reset $PF" \
		"quarantine $PF" "faults $PF --clear" \
		"fabric tester $PF show"; do
		start_fake <<-'END'
			{"jsonrpc":"2.0","id":1,"result":{"members":[{}],"faults":[{}],"ranges":[{}],"owns":[{}],"dma":{},"interrupts":{},"reset_methods":[{}],"devices":[{}]}}
		END
		# shellcheck disable=SC2086
		run $verb
		equal 0 $status
	done
}

test_an_error_with_strange_members_is_told() {
	start_fake <<-'END'
		{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no","data":{"errno":-1,"members":[7,{}],"missing":9}}}
	END
	run assign $PF vm
	equal 1 $status
	equal 'holdfast: no
  -: with -
  -: with -
  and more, 9 in all' "$err"
}

run_tests
