#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Devices that Linux uses are removed and come back, as the story says: what it
# found is told as it is, and nothing may be missing.

cd "$(dirname "$0")/../.." || exit
. tests/el2/lib.sh

# The story reads a BAR that has a driver.
boot --append iomem=relaxed --timeout 400 removal
sed -nE 's/^story: ok (.*)/ok   \1/p; s/^story: (FAIL .*)/\1/p' "$console"
grep '^  | ' "$console"
wanted=$(grep -c "^ok '" tests/el2/stories/removal)
told=$(grep -c '^story: ok ' "$console")
if [ "$told" -ge "$wanted" ]; then
	ok "all $wanted steps, $told with those that come again"
else
	fail "$told steps of $wanted"
fi
ends_well
