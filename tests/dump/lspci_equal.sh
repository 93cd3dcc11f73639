#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# lspci sees in what we export what it sees in the original: for each dump of
# data/, and for the real machines' dumps that lie beside the source tree or in
# $HOLDFAST_DUMPS. Says "N equal, N different" at the end.
#
# usage: lspci_equal.sh DUMP_EXPORT SOURCE_ROOT

set -uo pipefail

export_to=$1 root=$2
dumps=${HOLDFAST_DUMPS:-$root/../shared/dumps}
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
equal=0 different=0

see() { # FILE: what lspci makes of it; its remarks on this machine left out
	lspci -F "$1" -vvv -nn 2>"$work/remarks"
}

compare() { # FILE
	local name=${1##*/}
	if "$export_to" "$1" >"$work/exported" &&
		see "$1" >"$work/before" && see "$work/exported" >"$work/after" &&
		[ -s "$work/before" ] && diff -u "$work/before" "$work/after"; then
		equal=$((equal + 1))
	else
		different=$((different + 1))
		echo "FAILED $name"
	fi
}

for dump in "$root"/tests/dump/data/*.lspci; do
	compare "$dump"
done
if [ -d "$dumps" ]; then
	for dump in "$dumps"/*; do
		compare "$dump"
	done
else
	echo "skip: no dumps of real machines (HOLDFAST_DUMPS names a directory)"
fi
echo "$equal equal, $different different"
[ "$different" = 0 ]
