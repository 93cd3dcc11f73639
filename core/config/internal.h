/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of core/config share: a way to read one function's
 * configuration space, and the parts of describing it.
 */
#ifndef CORE_CONFIG_INTERNAL_H
#define CORE_CONFIG_INTERNAL_H

#include <holdfast/config.h>
#include <holdfast/pci_regs.h>

#include "device/internal.h"

/* --- access.c ----------------------------------------------------------------
 *
 * Whose configuration space. With @pdev every access heeds its LOST mark;
 * without, nobody has registered what is at the address.
 */
struct conf {
	pci_sbdf_t sbdf;
	struct pci_host *host;
	struct pci_dev *pdev; /* the caller's reference covers it; or NULL */
	int err;              /* the first error that the host gave */
};

/* By address. 0, or -ENODEV no such segment. */
int conf_raw(struct conf *c, pci_sbdf_t sbdf) __must_check;
/* Of a device that the caller has a reference on. */
void conf_of(struct conf *c, struct pci_dev *pdev);
/*
 * By address, as a device if one is registered there; conf_close() gives the
 * reference back. 0; -ENODEV no such segment, or the device there is lost;
 * -EBUSY it is being drained.
 */
int conf_open(struct conf *c, pci_sbdf_t sbdf) __must_check;
void conf_close(struct conf *c);

/*
 * One access. What fails reads all-ones and is remembered in c->err; later
 * accesses are made all the same, so that registers can be put back.
 */
uint32_t conf_read(struct conf *c, uint16_t reg, uint8_t size);
void conf_write(struct conf *c, uint16_t reg, uint8_t size, uint32_t val);
/* Of a register that is never all-ones: such an answer is none, so -EIO. */
uint32_t conf_answer(struct conf *c, uint16_t reg, uint8_t size);

/* Size 1, 2 or 4, aligned, inside 4096 bytes. */
bool conf_access_ok(uint16_t reg, uint8_t size);

static inline uint32_t conf_ones(uint8_t size)
{
	return size >= 4 ? UINT32_MAX : (1u << 8 * size) - 1;
}

/* Nobody answers: Command and Status read all-ones (a VF's do not). */
bool conf_absent(struct conf *c);

/* How much of it there is: 64 (the rest is unknown), 256 or 4096. */
uint16_t conf_size(struct conf *c);
/* Whatever it was when the device was described. */
uint16_t conf_size_now(struct conf *c);

/* --- caps.c --------------------------------------------------------------- */

struct cap_iter {
	struct conf *c;
	uint16_t pos;  /* of the next one, 0: the end of this list */
	uint16_t left; /* how many more there can be */
	uint16_t size; /* of the configuration space */
	bool extended;
	uint32_t seen[PCI_CFG_SPACE_EXP_SIZE / 4 / 32]; /* a bit a dword */
};

void cap_begin(struct cap_iter *it, struct conf *c, uint16_t size);
/*
 * 1 and the next capability; 0 at the end; -EIO if a list is broken: another
 * call then goes on with the extended list, if that was not the one.
 */
int cap_next(struct cap_iter *it, struct pci_cap *cap) __must_check;

/* --- vf.c ----------------------------------------------------------------- */

/* The VFs that a PF has now (PCIe 6.0 §9.3.3). */
struct vf_set {
	pci_sbdf_t pf;
	uint16_t total, num, offset, stride, device;
	bool enabled;
};

void vf_read(struct conf *pf, uint16_t sriov, struct vf_set *set);
/* log2 of the System Page Size, which every VF BAR is a multiple of (§9.3.3.13). */
uint8_t vf_page(struct conf *pf, uint16_t sriov);
/* Why the numbers cannot be (static text), or NULL. */
const char *vf_defect(const struct vf_set *set);
/* How many VFs are there: 0 while disabled or defective. */
unsigned int vf_count(const struct vf_set *set);
pci_sbdf_t vf_address(const struct vf_set *set, unsigned int n);
/* Which of the set's VFs @sbdf, of its segment, is, or -1. */
int vf_index(const struct vf_set *set, pci_sbdf_t sbdf);
/* The registered PF that @sbdf is a VF of now, counted; or NULL. */
struct pci_dev *vf_find_pf(pci_sbdf_t sbdf) __must_check;
/*
 * Fill in what a VF does not say itself. 0; -ENODEV not a VF of @pf now; -EIO
 * @pf does not answer.
 */
int vf_describe(struct conf *c, struct pci_dev *pf, struct pci_dev_desc *desc)
	__must_check;

/* --- describe.c, type.c, bars.c ------------------------------------------- */

/* The first defect of a device is the one that is told. */
static inline void desc_defect(struct pci_dev_desc *desc, const char *why)
{
	if (!desc->defect)
		desc->defect = why;
}

/*
 * All that can be known without a write. @pf: of which it is a VF if nobody
 * else answers there; or NULL. 0; -ENODEV, -EAGAIN, -EIO as pci_describe().
 */
int conf_describe(struct conf *c, struct pci_dev *pf, struct pci_dev_desc *desc)
	__must_check;
/*
 * pci_describe() for one who may know the PF already (@pf), or that a VF need
 * not be looked for (@search).
 */
int conf_describe_new(pci_sbdf_t sbdf, struct pci_dev *pf, bool search,
		      struct pci_dev_desc *desc) __must_check;

/* enum pci_dev_type. @exp_flags: 0 without the PCI Express capability. */
uint8_t desc_type(const struct pci_dev_desc *desc, uint16_t exp_flags);
/* May look whether neighbours answer. */
uint8_t desc_phantom_stride(const struct pci_dev_desc *desc, uint32_t devcap);

/* BARs with their sizes. May write; a function that nobody uses yet. */
void conf_bars(struct conf *c, struct pci_dev_desc *desc);
/*
 * BARs and ROM of a function that was added, where hardware has them now:
 * whoever owned it may have moved them. One that is not what it was then has
 * address 0; one that does not answer is as it was described, and c->err. A
 * VF's: as described.
 */
void conf_bar_addresses(struct conf *c, const struct pci_dev_desc *desc,
			struct pci_bar *bar);
/* The same, and as large as it has those that can be resized (§7.8.6). */
void conf_bars_now(struct conf *c, const struct pci_dev_desc *desc,
		   struct pci_bar *bar);
/*
 * The same, or @recorded as pcidev_bars() says: then without any access. The
 * error of reading.
 */
int conf_bars_of(struct pci_dev *pdev, bool recorded,
		 struct pci_bar bar[PCI_BAR_COUNT]) __must_check;
/*
 * The controls of BARs that can be resized (@id: REBAR, PCIe 6.0 §7.8.6.3; or
 * VF_REBAR of a PF, §7.8.7.3), and where the first is; the others are 8 bytes
 * apart. How many.
 */
unsigned int conf_rebar(struct conf *c, const struct pci_dev_facts *desc,
			uint16_t id, uint16_t *at,
			uint16_t ctrl[PCI_BAR_FIRST_ROM]) __must_check;
/* Sizes as @n such controls have them: 1 MiB and up. */
void conf_resize(struct pci_bar *bar, const uint16_t *ctrl, unsigned int n);
/* True if no BAR is decoded now; *@command is what to put back. */
bool conf_decode_off(struct conf *c, uint16_t *command);
/* The register of BAR @i, as in pci_dev_desc.bar; of MEM64 the lower one. */
uint16_t conf_bar_register(const struct pci_dev_facts *desc, unsigned int i);
/* What the register(s) of a BAR say without a write; @hi: of MEM64. */
void bar_decode(struct pci_bar *bar, uint32_t lo, uint32_t hi);

/* --- quiesce.c, save.c ----------------------------------------------------- */

/* Requests of its own are not answered yet, as far as it says. */
bool conf_is_pending(struct conf *c, const struct pci_dev_facts *desc);
/*
 * Bus mastering that is off for good goes off again: after a write of Command
 * without pdev->lock. core/iommu/fault.c has the proof.
 */
void conf_heed_no_master(struct pci_dev *pdev);
static inline void conf_heed_write(struct pci_dev *pdev, uint16_t reg,
				   uint8_t size)
{
	if (reg < PCI_COMMAND + 2 && reg + size > PCI_COMMAND)
		conf_heed_no_master(pdev);
}
/*
 * Keep how the hardware domain has had a device that has just left it; of any
 * other nothing happens. Owner of pdev->op, no lock. -EIO: it cannot be read.
 */
int conf_save(struct pci_dev *pdev);
/*
 * Hardware as it is recorded, but MSI and MSI-X off, and Command is @command.
 * Whoever could write to it cannot meanwhile. The first error of the host; all
 * else is put back all the same, but then it decodes and starts nothing.
 */
int conf_restore(struct pci_dev *pdev, uint16_t command);
/*
 * It starts and decodes nothing, and sends no interrupt. Likewise. As long as
 * it is not recorded how it was, the rest of Command is kept for that.
 */
void conf_stop(struct pci_dev *pdev);
/*
 * The bits of @mask in a 16-bit register. 0; it does not answer, or cannot be
 * written: -EIO, -ENODEV, as pcidev_write().
 */
int conf_update(struct pci_dev *pdev, uint16_t reg, uint16_t mask,
		uint16_t val);

/* --- probe.c -------------------------------------------------------------- */

void probe_init(void);
/*
 * pci_add_device() for one who knows more. @pf: of which it is a VF if nobody
 * else answers there, the caller's reference; NULL and @search: look for one.
 * *@added: it was not there before.
 */
int probe_add(pci_sbdf_t sbdf, struct pci_dev *pf, bool search, bool *added)
	__must_check;
/* Does a function answer there? For neighbours; leaves no trace. */
bool probe_answers(pci_sbdf_t sbdf);

#endif
