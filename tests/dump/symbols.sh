#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# No function of the core has a linker's name that libpci has too: one would
# silently take the other's place in the hosted programs.
#
# usage: symbols.sh CORE_ARCHIVE LIBPCI_DIRECTORY

set -euo pipefail

names() { # NM-OPTIONS FILE
	nm --defined-only --format=posix "$@" | sed -n 's/^\(\w*\).* T .*/\1/p' |
		sort -u
}

libpci=$(names -D "$2/libpci.so")
[ -n "$libpci" ]
core=$(names -g "$1")
[ -n "$core" ]
both=$(comm -12 <(echo "$core") <(echo "$libpci"))
[ -z "$both" ] || {
	echo "in libpci and in the core (see hf_symbol()): $both"
	exit 1
}
