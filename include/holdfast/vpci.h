/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vPCI: the configuration space that a domain sees of a device.
 *
 * A view (struct vpci) is built when a device comes to a domain, from the
 * hardware and a policy, and is fixed from then on but for the values in it.
 * A trap finds it by index: section → table → device → view → dword → answer.
 *
 * Nothing long runs in a trap. What a write sets going (mapping a BAR, a
 * reset, VFs) is noted in the view, and the vCPU remembers the device's name;
 * vpci_process_pending() then works it off in pieces before the guest resumes.
 */
#ifndef HOLDFAST_VPCI_H
#define HOLDFAST_VPCI_H

#include <holdfast/domain.h>

struct vpci;
struct vpci_policy;

struct vpci_options {
	/*
	 * The hardware domain has views too, of vpci_policy_hardware_domain:
	 * its VF Enable adds the VFs, its BAR sizes are heeded. Without, it
	 * reads and writes hardware as it is.
	 */
	bool hardware_views;
	/*
	 * A view of @pdev for @d is being built; nobody sees it yet: the
	 * moment for vpci_add_register(). 0, or an error that the assignment
	 * gives, too. No lock held. NULL: nothing to add.
	 */
	int (*extend)(struct vpci *view, struct pci_dev *pdev,
		      struct domain *d);
};

/*
 * Once, after pci_config_init(): registers the stage "vpci". @options is
 * copied; NULL: all false. 0 or -ENOSPC. Without this call the hardware domain
 * reads and writes hardware, and guests find nobody.
 */
int pci_vpci_init(const struct vpci_options *options) __must_check;

/* --- what runs a guest ------------------------------------------------------
 * One for each vCPU, in the embedder's own structure; only the thread (or CPU)
 * that runs the vCPU touches it, and no lock guards it. It holds names of
 * devices and no pointers: a removal has nothing to take back from a vCPU that
 * is paused, and a vCPU that dies with work queued loses nothing.
 */
#define VPCI_PENDING 8

struct vpci_vcpu {
	struct domain *domain; /* owns a reference */
	uint32_t pio_address;  /* what was last written to port 0xcf8 */
	unsigned int npending;
	struct {
		pci_sbdf_t sbdf; /* host address */
		uint64_t instance;
	} pending[VPCI_PENDING];
};

void vpci_vcpu_init(struct vpci_vcpu *vcpu, struct domain *d);
void vpci_vcpu_fini(struct vpci_vcpu *vcpu); /* gives the domain back */

/*
 * Before a guest resumes, and until it says DONE: one bounded piece of what its
 * writes have set going. AGAIN: there is more, or a time has to pass; the
 * guest's vCPU does not run meanwhile, others do. Outside sections, no lock
 * held. Does not wait, but for the hardware domain's VFs, which it adds and
 * removes: may sleep then, as pci_remove_device(). @when, if not NULL and AGAIN:
 * plat_now() at which another call makes sense.
 */
enum pci_verdict vpci_process_pending(struct vpci_vcpu *vcpu, uint64_t *when);

/* --- traps --------------------------------------------------------------------
 * Sizes 1, 2, 4, and 8 as two dwords; naturally aligned; below 4096. Anything
 * else, and whom nobody answers for (absent, gone, lost, cut off): reads give
 * all-ones of that size, writes are dropped. Registers that a present function
 * does not implement read 0. AGAIN: let the guest retry the access, after
 * vpci_process_pending(). Any context without locks; neither sleeps nor (reads)
 * writes anything shared, unless the host may block.
 *
 * @vsbdf: a guest address, segment 0; for the hardware domain a host address.
 */
enum pci_verdict vpci_read(struct domain *d, pci_sbdf_t vsbdf, uint16_t reg,
			   uint8_t size, uint64_t *val);
enum pci_verdict vpci_write(struct vpci_vcpu *vcpu, pci_sbdf_t vsbdf,
			    uint16_t reg, uint8_t size, uint64_t val);

/*
 * Memory-mapped configuration space (PCIe 6.0 §7.2.2): 1 MiB a bus from
 * @address on, which is that of bus @first. 0; -EEXIST overlaps another window
 * of the domain, by address or by bus; -EINVAL @address not 1 MiB aligned or
 * beyond the end, @first above @last, or a guest's segment that is not 0;
 * -ENOMEM. May sleep. Windows stay as long as the domain.
 */
int vpci_ecam_add(struct domain *d, uint64_t address, uint16_t seg,
		  uint8_t first, uint8_t last) __must_check;
/* Is @address in a window? Any context. */
bool vpci_ecam_covers(struct domain *d, uint64_t address);
enum pci_verdict vpci_ecam_read(struct domain *d, uint64_t address,
				uint8_t size, uint64_t *val);
enum pci_verdict vpci_ecam_write(struct vpci_vcpu *vcpu, uint64_t address,
				 uint8_t size, uint64_t val);

/*
 * Ports 0xcf8 to 0xcff (PCI 3.0 §3.2.2.3.2), segment 0: the address port is
 * written and read as 4 bytes at once; data accesses must not cross 0xcff. Bit
 * 31 clear: the data ports read all-ones. Other ports: all-ones.
 */
enum pci_verdict vpci_pio_read(struct vpci_vcpu *vcpu, uint16_t port,
			       uint8_t size, uint32_t *val);
enum pci_verdict vpci_pio_write(struct vpci_vcpu *vcpu, uint16_t port,
				uint8_t size, uint32_t val);

/*
 * Memory space: what of a guest's BARs is not mapped, but trapped (MSI-X table
 * and PBA with what shares their pages, BARs smaller than a page or sharing
 * one). 1, 2, 4 or 8 bytes, aligned; the table 4 or 8 (PCIe 6.0 §7.7.2.2).
 * Where no BAR is: all-ones, dropped.
 */
enum pci_verdict vpci_mmio_read(struct domain *d, uint64_t gpa, uint8_t size,
				uint64_t *val);
enum pci_verdict vpci_mmio_write(struct vpci_vcpu *vcpu, uint64_t gpa,
				 uint8_t size, uint64_t val);

/*
 * Where the guest may put BARs: with windows only inside them, without any
 * anywhere, except over configuration space. 0; -EINVAL empty or wraps;
 * -ENOMEM. May sleep. Before the first device is assigned to @d.
 */
int vpci_window_add(struct domain *d, uint64_t start, uint64_t size)
	__must_check;

/* --- registers --------------------------------------------------------------------
 *
 * What each bit of a register is. A bit in none of rw, w1c, rsvdp, rsvdz is
 * read-only. hw says where a bit lives: in the device, else in the view.
 */
struct vpci_masks {
	uint32_t hw;    /* in hardware: read there, and written there if rw */
	uint32_t rw;    /* the domain may write it */
	uint32_t w1c;   /* … clear it by writing 1 */
	uint32_t rsvdp; /* reads 0; writes leave it as it is */
	uint32_t rsvdz; /* reads 0; is written as 0 */
	uint32_t value; /* of what lives in the view, at first */
};

/*
 * @val: what the masks make of the register; returns what is read instead.
 * In a section, no lock: several at once.
 */
typedef uint32_t vpci_read_fn(struct vpci *view, uint16_t reg, uint32_t val,
			      void *data);
/*
 * Instead of the plain store: @val is the whole register with the write merged
 * in as the masks say (w1c bits are 1 only where the guest wrote 1); @mask: the
 * bits that the access covered. In a section and under the device's lock.
 */
typedef void vpci_write_fn(struct vpci *view, uint16_t reg, uint32_t val,
			   uint32_t mask, void *data);

/*
 * Add a register to a view that is being built. Either function may be NULL.
 * 0; -EINVAL size not 1, 2, 4, unaligned, not below 4096, a mask wider than
 * the register, or rw, w1c, rsvdp, rsvdz not disjoint; -EEXIST overlaps
 * another by a byte; -ENOSPC the view is full; -EBUSY the view is in use
 * already; -ENOMEM.
 */
int vpci_add_register(struct vpci *view, uint16_t offset, uint8_t size,
		      const struct vpci_masks *masks, vpci_read_fn *read,
		      vpci_write_fn *write, void *data) __must_check;
/*
 * Forget all registers in a range. 0, also if there was none; -ERANGE one of
 * them lies across its edge (then all stay); -EBUSY as above.
 */
int vpci_remove_registers(struct vpci *view, uint16_t offset, uint16_t size)
	__must_check;

/*
 * For hooks; @size bytes, 1, 2 or 4, aligned. What lives in the view: whole
 * bytes, without the masks. set only from a write hook or while the view is
 * built. get orders nothing; the value that a read hook is given tells of what
 * was written before it was set.
 */
uint32_t vpci_get(struct vpci *view, uint16_t reg, uint8_t size);
void vpci_set(struct vpci *view, uint16_t reg, uint8_t size, uint32_t val);
/* The device's own register; all-ones and dropped once it is lost. */
uint32_t vpci_hw_read(struct vpci *view, uint16_t reg, uint8_t size);
void vpci_hw_write(struct vpci *view, uint16_t reg, uint8_t size, uint32_t val);

/* --- policies ------------------------------------------------------------------------
 * What a domain sees of each capability: a table by capability ID.
 */
struct vpci_field {
	uint16_t offset; /* in the capability; not of its header */
	uint8_t size;    /* 1, 2 or 4, aligned */
	struct vpci_masks masks;
	/* These bits of masks.value: as the hardware has them at the start. */
	uint32_t initial;
};

/* What is not named by a field. */
enum vpci_rest {
	VPCI_REST_ZERO, /* reads 0 */
	VPCI_REST_READ, /* reads hardware */
	VPCI_REST_PASS, /* reads and writes hardware */
};

struct vpci_cap_policy {
	bool show;
	enum vpci_rest rest;
	uint16_t length; /* with its header; 0: up to the next capability */
	unsigned int nfields;
	const struct vpci_field *field;
	/*
	 * Adds what a table cannot say. @pos: of the capability. An error
	 * hides the capability and is logged; the device still works.
	 */
	int (*setup)(struct vpci *view, struct pci_dev *pdev, uint16_t pos);
};

#define VPCI_CAP_IDS 0x16
#define VPCI_EXT_CAP_IDS 0x40

struct vpci_policy {
	const char *name;
	/* The hardware domain's: what no register describes passes through. */
	bool hardware;
	/* By ID; NULL, and IDs beyond: hidden, with .hardware: as they are. */
	const struct vpci_cap_policy *cap[VPCI_CAP_IDS];
	const struct vpci_cap_policy *ext[VPCI_EXT_CAP_IDS];
};

extern const struct vpci_policy vpci_policy_guest;
extern const struct vpci_policy vpci_policy_hardware_domain;

/*
 * May it be given to a guest? 0; -EPERM it would let a guest write what only
 * the host may (bus numbers, BARs in hardware, MSI address and data in
 * hardware, ACS, ATS, SR-IOV control); -EINVAL malformed. @why (@len bytes)
 * then names capability, register and bits.
 */
int vpci_policy_check(const struct vpci_policy *policy, char *why, size_t len)
	__must_check;

/*
 * What the next guest of this device sees; NULL: vpci_policy_guest. It is
 * checked. @policy stays valid until another call replaces it, or the device
 * is removed. 0; -ENODEV; -EBUSY an operation runs on the device; -EINVAL,
 * -EPERM as vpci_policy_check().
 */
int vpci_policy_set(pci_sbdf_t sbdf, const struct vpci_policy *policy)
	__must_check;

/* --- knowing ------------------------------------------------------------------------- */

struct vpci_bar_info {
	uint8_t kind; /* enum pci_bar_kind; NONE: not there */
	bool decode;
	bool failed;     /* the last map failed; decode is off */
	uint64_t guest;  /* where the guest has put it */
	uint64_t size;   /* bytes */
	uint64_t mapped; /* bytes that do not trap, now */
};

struct vpci_info {
	char policy[PCI_WHO_LEN];
	pci_sbdf_t vsbdf;
	uint16_t command; /* as the guest reads it */
	struct vpci_bar_info bar[PCI_BAR_FIRST_ROM + 1];
	unsigned int registers;    /* dwords with a descriptor */
	unsigned int caps, hidden; /* shown, and not shown */
	unsigned int failed;       /* of the hidden: set-up failed */
	unsigned int msi_enabled;  /* vectors; 0: off */
	bool msix_enabled, msix_masked;
	size_t bytes; /* of the view, the MSI-X table apart */
};

/* 0; -ENODEV absent; -ENOENT its owner has no view of it. */
int vpci_query(pci_sbdf_t sbdf, struct vpci_info *info) __must_check;

/*
 * How the guest wants interrupt @index (domain_ops.vector). 0; -ENODEV;
 * -ENOENT no view, or no such capability; -EINVAL beyond the last. Its pending
 * bit is shown and stays.
 */
int vpci_vector(pci_sbdf_t sbdf, enum pci_vector_kind kind, unsigned int index,
		struct pci_vector *out) __must_check;
/*
 * Not from interrupt context: it takes the device's lock.
 * An interrupt came for a masked vector: its pending bit. The guest's unmask
 * calls domain_ops.vector again, with .pending set once; this call does, if it
 * has been unmasked meanwhile. Errors as above.
 */
int vpci_vector_pending(pci_sbdf_t sbdf, enum pci_vector_kind kind,
			unsigned int index) __must_check;

#endif
