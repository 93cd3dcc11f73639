#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# install.bash BUILD SOURCE PREFIX LIBDIR SANITIZERS: install BUILD somewhere,
# and embed the core with nothing but what is there and pkg-config. SANITIZERS:
# of the hosted archive in BUILD ("none"); the freestanding one has none.

set -uo pipefail
build=$1 source=$2 prefix=$3 libdir=$4 sanitizers=$5
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$root" || exit

export PKG_CONFIG_PATH=$root$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
cd "$root" || exit

embed() { # FILES…: the example, with those
	mkdir elsewhere && cd elsewhere || return
	cp "$source"/examples/embed/*.c "$@" . || return
	# shellcheck disable=SC2046 # several words
	cc -o embed ./*.c $(pkg-config --cflags --libs holdfast-core) &&
		./embed
}

test_everything_is_there() {
	local file
	for file in "$libdir"/{libholdfast{,-core}.a,pkgconfig/holdfast{,-core}.pc} \
		"$prefix"/include/holdfast-{core,posix}/holdfast_plat.h \
		"$prefix"/bin/holdfast{,d} \
		"$prefix"/share/man/{man1/holdfast.1,man8/holdfastd.8}; do
		[ -f "$root$file" ] || { echo "no $file"; return 1; }
	done
	diff -r "$source/include/holdfast" "$root$prefix/include/holdfast"
}

test_example_needs_only_the_archive() {
	embed || return
	! nm -u embed | grep -E 'pthread|urcu'
}

test_example_fits_in_250_lines() {
	[ "$(find "$source/examples/embed" -name "*.[ch]" -exec cat {} + | wc -l)" -le 250 ]
}

# As one who sleeps in a wait queue would; the archive's own is left out.
test_own_events_replace_the_archives() {
	embed "$source/platform/freestanding/event.c"
}

test_hosted_program_in_three_lines() {
	local extra=()
	[ "$sanitizers" = none ] || extra=("-fsanitize=$sanitizers")
	cat >hosted.c <<-'END' || return
		#include <holdfast/platform.h>
		#include <holdfast/vpci.h>
		int main(void) { plat_log_level(PLAT_ERROR); return pci_init(); }
	END
	# shellcheck disable=SC2046
	cc -Werror "${extra[@]}" -o hosted hosted.c \
		$(pkg-config --cflags --libs holdfast) && ./hosted
}

test_sources_take_an_own_platform_header() {
	local src
	src=$root$(env -u PKG_CONFIG_SYSROOT_DIR \
		pkg-config --variable=srcdir holdfast-core)
	mkdir own && cat >own/holdfast_plat.h <<-'END' || return
		#pragma once
		#include <stdint.h>
		#define PLAT_PCI_SEGMENTS 2
		typedef struct { char taken; } plat_lock_t;
		typedef struct { char set; } plat_event_t;
		struct plat_rcu_head { struct plat_rcu_head *next; };
		typedef uint32_t plat_gp_t;
		extern _Thread_local unsigned int nesting;
		#define plat_rcu_read_lock plat_rcu_read_lock
		static inline void plat_rcu_read_lock(void) { nesting++; }
		static inline void plat_rcu_read_unlock(void) { nesting--; }
	END
	find "$src/core" -name '*.c' -exec cc -std=gnu11 -ffreestanding \
		-fsyntax-only -Werror -Iown -I"$root$prefix/include" \
		-I"$src/core" {} +
}

status=0
for name in $(compgen -A function test_); do
	rm -rf elsewhere
	if output=$("$name" 2>&1); then
		echo "[       OK ] $name"
	else
		status=1
		echo "$output"
		echo "[  FAILED  ] $name"
	fi
done
exit $status
