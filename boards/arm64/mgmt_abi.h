/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Management: what the hypervisor and a program in the hardware domain say to
 * each other. Shared by both; little-endian, no pointers, fixed sizes.
 *
 * The door is a PCI function on the hardware domain's root bus, class 0x0880,
 * that no driver takes. In its extended configuration space lies a
 * vendor-specific capability (PCIe 6.0 §7.9.5) with a mailbox:
 *
 *   MGMT_DOOR    write the verb: the request in the window is done, now
 *   MGMT_STATUS  read: 0, or a negative error number (Linux's values);
 *                -EAGAIN while another CPU's request is being done
 *   MGMT_BOX     the window: a struct mgmt_request goes in, the answer of the
 *                verb comes out
 *
 * Only the hardware domain's kernel, and root by sysfs `config`, can reach it.
 * Programs lock that file (flock) from the first byte in to the last byte out.
 *
 * BAR 0 is a page in which events appear (struct mgmt_ring). It costs no trap to
 * look at. The hypervisor never reads it: who writes to it fools himself.
 *
 * A kernel may use HVC instead (SMCCC 1.2, vendor-specific hypervisor
 * service), with a window of its own:
 *
 *   MGMT_HVC_PUT   x1: offset in the window, x2: eight bytes
 *   MGMT_HVC_CALL  x1: the verb; x0: the status
 *   MGMT_HVC_GET   x1: offset; x1: eight bytes
 */
#ifndef MGMT_ABI_H
#define MGMT_ABI_H

#include <stdint.h>

#define MGMT_SBDF 0x00f8u /* 0000:00:1f.0 */
#define MGMT_VENDOR 0x4846
#define MGMT_DEVICE 0x0001
#define MGMT_CLASS 0x0880 /* other system peripheral */
#define MGMT_VERSION 1    /* the capability's revision, too */

#define MGMT_VSEC 0x100 /* where the capability is */
#define MGMT_VSEC_ID 0x4846
#define MGMT_DOOR 0x108
#define MGMT_STATUS 0x10c
#define MGMT_BOX 0x110
#define MGMT_BOX_SIZE 384
#define MGMT_VSEC_LEN (MGMT_BOX - MGMT_VSEC + MGMT_BOX_SIZE)

#define MGMT_HVC_PUT 0xc6004800u
#define MGMT_HVC_CALL 0xc6004801u
#define MGMT_HVC_GET 0xc6004802u

#define MGMT_WHO_LEN 48
#define MGMT_NAME_LEN 16
#define MGMT_TEXT_LEN 80

/* Answers in brackets. .sbdf is of the device, unless told. */
enum mgmt_verb {
	MGMT_NEXT = 1, /* the first device at or after [mgmt_device]; -ENOENT */
	MGMT_SHOW,     /* [mgmt_device] */
	MGMT_HOLDER,   /* the .index-th hold [mgmt_hold]; -ENOENT */
	MGMT_REMOVE,   /* begin: .flags, .timeout_ms, .who [mgmt_removal] */
	MGMT_REMOVAL,  /* how it goes, or went [mgmt_removal]; -ENOENT */
	MGMT_BLOCKER,  /* the .index-th in its way [mgmt_hold]; -ENOENT */
	MGMT_CANCEL,   /* the removal; -EINPROGRESS: it goes on to its end */
	MGMT_REFUSE,   /* the hardware domain, asked for it, says no */
	MGMT_ADD,      /* what is in the slot, or at the address, comes (back);
			  -EAGAIN its driver is switching the slot off */
	MGMT_LOSE,     /* as if it had been pulled */
	MGMT_QUARANTINE,
	MGMT_RELEASE,     /* out of quarantine [mgmt_text]: -EIO, and why */
	MGMT_PIN,         /* .who */
	MGMT_UNPIN,       /* .who */
	MGMT_STATS,       /* [mgmt_stats] */
	MGMT_CHECK,       /* the invariants; [mgmt_stats].broken; -EALREADY
			     a removal is under way, and they do not hold */
	MGMT_GUEST,       /* the second guest [mgmt_guest] */
	MGMT_GUEST_START, /* … with the device: -EBUSY somebody holds it */
	MGMT_GUEST_STOP,
	MGMT_VERBS
};

enum {
	MGMT_REMOVE_ASK = 1 << 0,
	MGMT_REMOVE_FORCE = 1 << 1,
	MGMT_REMOVE_SLOT = 1 << 2,
};

struct mgmt_request {
	uint32_t version; /* MGMT_VERSION; else -EOPNOTSUPP */
	uint32_t sbdf;
	uint32_t index;
	uint32_t flags;
	uint32_t timeout_ms;
	char who[MGMT_WHO_LEN]; /* printable ASCII, NUL-terminated */
};

enum {
	MGMT_DEVICE_LOST = 1 << 0,
	MGMT_DEVICE_BROKEN = 1 << 1,
	MGMT_DEVICE_HIDDEN = 1 << 2,
	MGMT_DEVICE_BRIDGE = 1 << 3,
	MGMT_DEVICE_SLOT = 1 << 4, /* a port with a hot-plug slot */
	MGMT_DEVICE_VF = 1 << 5,
};

struct mgmt_device {
	uint64_t instance;
	uint64_t age_ms;
	uint32_t sbdf, parent;
	uint16_t vendor, device;
	uint32_t class_rev;
	uint32_t refs, holds, children, flags;
	uint32_t faults; /* of its DMA */
	uint32_t owner;
	char owner_name[MGMT_WHO_LEN];
	char state[MGMT_NAME_LEN];
	char type[MGMT_NAME_LEN * 2];
	char op[MGMT_NAME_LEN];
	char dma[MGMT_NAME_LEN]; /* "blocked", "identity", … */
	char broken[MGMT_TEXT_LEN];
};

enum {
	MGMT_HOLD_CAN_ASK = 1 << 0,
	MGMT_HOLD_ASKED = 1 << 1,
	MGMT_HOLD_REFUSED = 1 << 2,
	MGMT_HOLD_CUT = 1 << 3,
};

struct mgmt_hold {
	uint64_t since_ms; /* ago */
	uint32_t sbdf;     /* held */
	uint32_t child;    /* by whom, of kind "child" */
	uint32_t flags;
	uint32_t total;
	char kind[MGMT_NAME_LEN];
	char who[MGMT_WHO_LEN];
};

struct mgmt_removal {
	uint64_t begun_ms; /* ago */
	uint64_t left_ms;  /* to its deadline; or, ended, how long it took */
	uint32_t sbdf;
	int32_t result; /* -EINPROGRESS; 0 removed; -EBUSY, … */
	uint32_t flags;
	uint32_t members, removed, blockers, given_back, refs;
	uint64_t grace_periods;
	uint32_t still_on_card; /* functions; 0 and removed: safe to pull */
	uint32_t pad;
	char phase[MGMT_NAME_LEN];
	char who[MGMT_WHO_LEN];
	char reason[MGMT_TEXT_LEN];
};

struct mgmt_stats {
	uint64_t devices, objects, added, removed, lost, refused;
	uint64_t pool_size, pool_used, pool_peak, pool_failed; /* bytes */
	uint64_t events;                                       /* so far */
	uint64_t uptime_ms;
	uint64_t requests; /* management's own */
	uint64_t config_reads, config_writes;
	uint64_t dma_faults; /* requests that the SMMU has refused */
	uint64_t broken;     /* MGMT_CHECK: rules */
};

struct mgmt_text {
	char text[MGMT_TEXT_LEN];
};

struct mgmt_guest {
	uint32_t starts; /* how often it was started */
	uint32_t cpu;    /* while it is not off, and its device */
	uint32_t sbdf;
	uint32_t pad;
	char state[MGMT_NAME_LEN];
	char line[128]; /* the last that it said */
};

union mgmt_answer {
	struct mgmt_device device;
	struct mgmt_hold hold;
	struct mgmt_removal removal;
	struct mgmt_stats stats;
	struct mgmt_text text;
	struct mgmt_guest guest;
};

_Static_assert(sizeof(struct mgmt_request) <= MGMT_BOX_SIZE &&
		       sizeof(union mgmt_answer) <= MGMT_BOX_SIZE,
	       "requests and answers fit the window");

/* --- events --------------------------------------------------------------------
 * Event number n is in entry n % MGMT_RING_ENTRIES. Its seq is 0 while it is
 * written: who reads copies the entry and looks at seq before and after. .next
 * is the number of the event to come, from 1; what fell out of the ring since
 * the last look is told by the numbers.
 */
#define MGMT_RING_MAGIC 0x48465247u
#define MGMT_RING_ENTRIES 31

struct mgmt_event {
	uint64_t seq;
	uint64_t time_ms; /* of the hypervisor */
	uint64_t instance;
	uint32_t sbdf;
	uint32_t type; /* enum pci_event_type */
	char name[MGMT_NAME_LEN];
	char detail[MGMT_TEXT_LEN];
};

struct mgmt_ring {
	uint32_t magic;
	uint16_t version, entries;
	uint64_t next;
	uint64_t pad[14];
	struct mgmt_event event[MGMT_RING_ENTRIES];
};

_Static_assert(sizeof(struct mgmt_event) == 128 &&
		       sizeof(struct mgmt_ring) == 4096,
	       "the ring is one page");

#endif
