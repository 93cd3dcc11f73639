/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device layer's enumerations are called, for logs and people. */
#include "device/internal.h"

#define NAME_OF(table, value) \
	((unsigned int)(value) < ARRAY_SIZE(table) ? (table)[value] : "unknown")

const char *pci_dev_type_name(enum pci_dev_type type)
{
	static const char *const name[PCI_TYPE_COUNT] = {
		[PCI_TYPE_UNKNOWN] = "unknown",
		[PCI_TYPE_PCI] = "pci-endpoint",
		[PCI_TYPE_ENDPOINT] = "endpoint",
		[PCI_TYPE_RC_ENDPOINT] = "rc-endpoint",
		[PCI_TYPE_RC_EVENT] = "rc-event-collector",
		[PCI_TYPE_ROOT_PORT] = "root-port",
		[PCI_TYPE_SWITCH_UPSTREAM] = "switch-upstream",
		[PCI_TYPE_SWITCH_DOWNSTREAM] = "switch-downstream",
		[PCI_TYPE_PCIE_TO_PCI] = "pcie-to-pci-bridge",
		[PCI_TYPE_PCI_TO_PCIE] = "pci-to-pcie-bridge",
		[PCI_TYPE_LEGACY_BRIDGE] = "pci-bridge",
		[PCI_TYPE_HOST_BRIDGE] = "host-bridge",
		[PCI_TYPE_CARDBUS] = "cardbus-bridge",
	};

	return NAME_OF(name, type);
}

const char *pci_state_name(enum pci_state state)
{
	static const char *const name[PCI_STATE_COUNT] = {
		[PCI_STATE_NEW] = "new",           [PCI_STATE_LIVE] = "live",
		[PCI_STATE_DRAINING] = "draining", [PCI_STATE_GONE] = "gone",
		[PCI_STATE_LOST] = "lost",
	};

	return NAME_OF(name, state);
}

const char *pci_op_name(enum pci_op op)
{
	static const char *const name[PCI_OP_COUNT] = {
		[PCI_OP_NONE] = "none",
		[PCI_OP_ADD] = "registration",
		[PCI_OP_REMOVE] = "removal",
		[PCI_OP_LOSS] = "loss",
		[PCI_OP_ASSIGN] = "assignment",
		[PCI_OP_DEASSIGN] = "deassignment",
		[PCI_OP_RESET] = "reset",
		[PCI_OP_VFS] = "VF operation",
	};

	return NAME_OF(name, op);
}

const char *pci_hold_kind_name(enum pci_hold_kind kind)
{
	static const char *const name[PCI_HOLD_KINDS] = {
		[PCI_HOLD_ASSIGNED] = "assigned",
		[PCI_HOLD_CHILD] = "child",
		[PCI_HOLD_IRQ] = "interrupts",
		[PCI_HOLD_SESSION] = "session",
		[PCI_HOLD_OPERATION] = "operation",
		[PCI_HOLD_PIN] = "pin",
	};

	return NAME_OF(name, kind);
}

const char *pci_removal_phase_name(enum pci_removal_phase phase)
{
	static const char *const name[PCI_REMOVAL_PHASES] = {
		[PCI_REMOVAL_ASKING] = "asking",
		[PCI_REMOVAL_DRAINING] = "draining",
		[PCI_REMOVAL_QUIESCING] = "quiescing",
		[PCI_REMOVAL_REMOVED] = "removed",
		[PCI_REMOVAL_BUSY] = "busy",
		[PCI_REMOVAL_FAILED] = "failed",
		[PCI_REMOVAL_CANCELLED] = "cancelled",
		[PCI_REMOVAL_LOST] = "lost",
	};

	return NAME_OF(name, phase);
}

const char *pci_event_name(enum pci_event_type type)
{
	static const char *const name[PCI_EVENT_TYPES] = {
		[PCI_EVENT_ADDED] = "added",
		[PCI_EVENT_REMOVED] = "removed",
		[PCI_EVENT_LOST] = "lost",
		[PCI_EVENT_REMOVAL] = "removal",
		[PCI_EVENT_OWNER] = "owner",
		[PCI_EVENT_HOLD] = "hold",
		[PCI_EVENT_RELEASE] = "release",
		[PCI_EVENT_CUT_OFF] = "cut-off",
		[PCI_EVENT_BROKEN] = "broken",
		[PCI_EVENT_DOMAIN] = "domain",
		[PCI_EVENT_BAR] = "bar",
		[PCI_EVENT_VFS] = "vfs",
		[PCI_EVENT_RESET] = "reset",
		[PCI_EVENT_FAULT] = "fault",
		[PCI_EVENT_IRQ] = "irq",
	};

	return NAME_OF(name, type);
}
