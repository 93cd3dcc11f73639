#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# anew.sh EXPLORE: to go on in the middle of an execution finds as many schedules
# as to begin each anew does.

set -euo pipefail

schedules() { # OPTIONS…: "scenario schedules", one a line
	"$explore" --bound 1 --scenario "$themes" "$@" |
		awk '$NF == "ok" { print $1, $2 }' | sort
}

explore=$1
themes='@(vpci/*|loss/*|owner/*|quarantine/*|pairs/*+bind)'
anew=$(schedules --anew)
diff <(echo "$anew") <(schedules)
[ "$(wc -l <<<"$anew")" -gt 50 ]
