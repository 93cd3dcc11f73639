#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What lspci makes of a guest's view of a few devices, against data/*.guest. The
# first line of each says whose view it is: "# HOST SBDF". Numbers only, so that
# no list of names matters. HOLDFAST_GOLDEN=write writes the files anew: look
# at the difference before you keep it. Says "N equal, N different" at the end.
#
# usage: golden.sh VIEW_EXPORT SOURCE_ROOT

set -uo pipefail

view_export=$1 root=$2
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
equal=0 different=0

for golden in "$root"/tests/vpci/data/*.guest; do
	read -r _ host sbdf <"$golden"
	case $host in
	fabric:*) from=$host ;;
	*) from=$root/$host ;;
	esac
	echo "# $host $sbdf" >"$work/now"
	"$view_export" "$from" "$sbdf" >"$work/view" &&
		lspci -i /dev/null -F "$work/view" -n -vvv >>"$work/now" \
			2>"$work/remarks" || echo "FAILED: no view" >>"$work/now"
	if [ "${HOLDFAST_GOLDEN-}" = write ]; then
		cp "$work/now" "$golden"
	fi
	if diff -u "$golden" "$work/now" && ! grep -q '^FAILED' "$work/now"; then
		equal=$((equal + 1))
	else
		different=$((different + 1))
		echo "FAILED ${golden##*/}"
	fi
done
echo "$equal equal, $different different"
[ "$different" = 0 ] && [ "$equal" != 0 ]
