# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# For the tests of this folder: a boot, and what must be in what it says. Each
# check is a line "ok   WHAT" or "FAIL WHAT", which `run` counts.

console=

# Boot and let Linux tell STORY; the lines of all consoles are in $console.
boot() { # [OPTION OF boards/qemu-virt-arm64/run…] STORY
	console=build/el2/${*: -1}.console
	boards/qemu-virt-arm64/run "$@" </dev/null 2>&1 |
		sed -u 's/\r//g' >"$console" || true
}

ok() { echo "ok   $*"; }
fail() { echo "FAIL $*"; }

# A line is there that matches all of REGEX.
says() { # WHAT REGEX
	if grep -qxE "$2" "$console"; then
		ok "$1"
	else
		fail "$1: no line '$2' in $console"
	fi
}

# … in none of them does it.
never() { # WHAT REGEX
	if grep -E "$2" "$console"; then
		fail "$1: see $console"
	else
		ok "$1"
	fi
}

# The end of each test of a boot: Linux came to its end, and the hypervisor to
# its own without a mistake or an oops.
ends_well() {
	says 'the story has an end' 'story: done'
	says 'the hypervisor lives to the end' \
		'holdfast: the hardware domain switches the machine off'
	never 'nobody complains' '^holdfast: error|Oops|BUG|Call trace'
}

sum() { # FILE
	md5sum <"$1" | cut -d' ' -f1
}
