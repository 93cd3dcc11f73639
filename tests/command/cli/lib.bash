# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034
#
# For the tests of the command: real daemons, rules as functions test_…, each
# counted as one test case. A test is a file that ends with `run_tests`;
# its arguments are the command, the daemon and the fake daemon.

set -u
HOLDFAST=$1 HOLDFASTD=$2 FAKE=${3:-}
PF=0000:03:00.0 VF=0000:03:02.1 PORT=0000:00:1c.0
dir=$(mktemp -d) || exit 1
daemon=
export HOLDFAST_SOCKET=$dir/socket LC_ALL=C.UTF-8 TZ=UTC
unset COLUMNS NO_COLOR

trap 'stop_daemon; rm -rf "$dir"' EXIT

holdfast() {
	"$HOLDFAST" "$@"
}

# launch PROGRAM…: its first line says that it is ready.
launch() {
	local ready line
	stop_daemon
	exec {ready}< <(exec "$@" 2>"$dir/log")
	daemon=$!
	read -r -t 60 line <&"$ready" || fail "not ready: $(cat "$dir/log")"
}

start_daemon() { # [HOST OPTIONS…]
	launch "$HOLDFASTD" --host "${1:-fabric:server}" \
		--socket "$HOLDFAST_SOCKET" "${@:2}"
}

# A daemon that answers each request with the next line of standard input.
start_fake() {
	cat >"$dir/answers"
	launch "$FAKE" "$HOLDFAST_SOCKET" "$dir/answers"
}

stop_daemon() {
	[ "$daemon" ] || return 0
	kill "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
	daemon=
	rm -f "$HOLDFAST_SOCKET"
}

fail() {
	echo "$test: line ${BASH_LINENO[1]}: $*" >&2
	failed=1
	return 1
}

# run ARGUMENTS…: $status, $out and $err of the command.
run() {
	out=$(holdfast "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

equal() { # WANTED GOT
	[ "$1" = "$2" ] || fail "wanted: $1
got:    $2"
}

has() { # TEXT WORDS…
	local text=$1 words
	for words in "${@:2}"; do
		[[ $text == *"$words"* ]] || fail "wanted: …$words…
got:    $text"
	done
}

# A program that takes its time: until COMMAND… succeeds.
eventually() {
	local end=$((SECONDS + 30))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "never: $*" || return
	done
}

# On a terminal of its own.
on_terminal() {
	TERM=xterm script -qec "$(printf '%q ' "$HOLDFAST" "$@")" /dev/null
}

run_tests() {
	local bad=0
	for test in $(compgen -A function test_); do
		failed=0
		"$test"
		stop_daemon
		if [ $failed = 0 ]; then
			echo "[       OK ] $test"
		else
			echo "[  FAILED  ] $test"
			bad=1
		fi
	done
	exit $bad
}
