/* SPDX-License-Identifier: BSD-2-Clause */
/* What people read: every value has a name of its own, nothing else has one. */
#include <holdfast/event.h>

#include "support.h"

/* clang-format off */
static const char *type(int v) { return pci_dev_type_name((enum pci_dev_type)v); }
static const char *state_of(int v) { return pci_state_name((enum pci_state)v); }
static const char *op(int v) { return pci_op_name((enum pci_op)v); }
static const char *kind(int v) { return pci_hold_kind_name((enum pci_hold_kind)v); }
static const char *phase(int v) { return pci_removal_phase_name((enum pci_removal_phase)v); }
static const char *event(int v) { return pci_event_name((enum pci_event_type)v); }
/* clang-format on */

static void test_every_value_has_its_own_name(void **state)
{
	static const struct {
		const char *(*name)(int value);
		int count;
	} table[] = {
		{ type, PCI_TYPE_COUNT },      { state_of, PCI_STATE_COUNT },
		{ op, PCI_OP_COUNT },          { kind, PCI_HOLD_KINDS },
		{ phase, PCI_REMOVAL_PHASES }, { event, PCI_EVENT_TYPES },
	};
	unsigned int i;
	int a, b;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (a = 0; a < table[i].count; a++) {
			assert_non_null(table[i].name(a));
			for (b = 0; b < a; b++)
				assert_string_not_equal(table[i].name(a),
							table[i].name(b));
		}
		assert_string_equal(table[i].name(-1), "unknown");
		assert_string_equal(table[i].name(table[i].count), "unknown");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value_has_its_own_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
