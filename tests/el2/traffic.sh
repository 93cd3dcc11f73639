#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the hypervisor says that it did to configuration space is what QEMU's own
# trace saw: so nobody but the hypervisor touched it, and nothing it did was
# widened, split or lost. Needs build/el2.
#
# QEMU does not trace what lies beyond 256 bytes of a function that has no more:
# of the host bridge it may have seen less.

set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

boards/qemu-virt-arm64/run --timeout 90 --qemu -d --qemu \
	trace:pci_cfg_read,trace:pci_cfg_write --qemu -D --qemu "$work/trace" \
	boot >"$work/console" </dev/null

# "00:02.0 READS WRITES", of each side.
sed -nE 's/^holdfast: 0000:(.*) config: ([0-9]+) reads, ([0-9]+) writes\r?$/\1 \2 \3/p' \
	"$work/console" | sort >"$work/hypervisor"
awk '$1 ~ /^pci_cfg_/ { n[$3, $1]++; at[$3] }
	END { for (a in at) print a, n[a, "pci_cfg_read"] + 0,
		n[a, "pci_cfg_write"] + 0 }' "$work/trace" | sort >"$work/machine"

[ -s "$work/hypervisor" ] || { cat "$work/console"; exit 1; }
join -a1 -a2 -e- -o0,1.2,1.3,2.2,2.3 "$work/hypervisor" "$work/machine" |
	awk '{ same = $2 == $4 && $3 == $5
		if ($1 == "00:00.0") same = $2 >= $4 && $3 == $5
		bad += !same
		printf "%s %s reads %s writes, QEMU saw %s and %s\n",
			same ? "ok  " : "FAIL", $1 ": " $2, $3, $4, $5 }
		END { exit bad || NR < 6 }'
