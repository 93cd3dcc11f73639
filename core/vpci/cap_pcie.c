/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI Express capability of a guest's device (PCIe 6.0 §7.5.3).
 *
 * What the function is and can, comes from hardware; slot and root registers
 * read 0. Of the control registers a guest gets
 *
 *   Relaxed Ordering      in hardware: it orders the function's own requests,
 *                         which end in the guest's memory (§2.2.6.4)
 *   Max Read Request      in hardware, up to what the host has set: larger
 *                         completions may not fit the path (§7.5.3.4)
 *   error reporting       as its own bits without effect: the messages go to
 *                         the host's root port (§6.2.4, XSA-120)
 *   Function Level Reset  as flr.c does it; reads 0
 *
 * and reads the rest as the host has set it: payload size (§7.5.3.4: the same
 * along the path), extended tags (not to be changed with requests
 * outstanding), No Snoop (§2.2.6.5: reads behind the caches may show what was
 * in memory before it was the guest's), link, completion time-out (§2.8: runs
 * out as an error at the host). Phantom functions are not shown: requests in
 * their names are not the guest's to make.
 */
#include "vpci/internal.h"

enum {
	ERROR_REPORTING = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE |
			  PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE,
	DEVCTL_WRITTEN = PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_READRQ,
	DEVCTL_SHOWN = DEVCTL_WRITTEN | PCI_EXP_DEVCTL_PAYLOAD |
		       PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN,
	DEVSTA_ERRORS = PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
			PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD,
};

/* Reserved encodings are above all others. */
static uint16_t clamp_read_request(struct vpci *view, uint32_t val)
{
	uint16_t want = val & PCI_EXP_DEVCTL_READRQ;
	uint32_t most = view->pdev->record.reg[PCI_KEPT_DEVCTL] &
			PCI_EXP_DEVCTL_READRQ;

	return (uint16_t)((val & ~(uint32_t)PCI_EXP_DEVCTL_READRQ) |
			  (want < most ? want : most));
}

static void devctl_write(struct vpci *view, uint16_t reg, uint32_t val,
			 uint32_t mask, void *data)
{
	(void)mask;
	(void)data;
	vpci_set(view, reg, 2, val & ERROR_REPORTING);
	if (val & PCI_EXP_DEVCTL_BCR_FLR)
		vpci_flr_begin(view);
	if (!(hf_load_relaxed(&view->work) & VPCI_WORK_FLR))
		conf_update(view->pdev, reg, DEVCTL_WRITTEN,
			    clamp_read_request(view, val));
}

static int add_read_only(struct vpci *view, unsigned int reg, uint8_t size,
			 uint32_t hw)
{
	struct vpci_masks masks = { .hw = hw };

	return vpci_add_register(view, (uint16_t)reg, size, &masks, NULL, NULL,
				 NULL);
}

/* Integrated functions have no link, and before version 2 no such registers. */
static int add_link(struct vpci *view, uint16_t pos)
{
	int err = add_read_only(view, pos + PCI_EXP_LNKCAP, 4, UINT32_MAX);

	if (!err)
		err = add_read_only(view, pos + PCI_EXP_LNKCTL, 2, 0xffff);
	if (!err)
		err = add_read_only(view, pos + PCI_EXP_LNKSTA, 2, 0xffff);
	return err;
}

static int add_version_2(struct vpci *view, uint16_t pos)
{
	const uint32_t time_out = PCI_EXP_DEVCAP2_COMP_TMOUT_RANGES |
				  PCI_EXP_DEVCAP2_COMP_TMOUT_DIS;
	int err = add_read_only(view, pos + PCI_EXP_DEVCAP2, 4, time_out);

	if (!err)
		err = add_read_only(view, pos + PCI_EXP_DEVCTL2, 2,
				    PCI_EXP_DEVCTL2_COMP_TIMEOUT |
					    PCI_EXP_DEVCTL2_COMP_TMOUT_DIS);
	if (!err)
		err = add_read_only(view, pos + PCI_EXP_LNKCAP2, 4, UINT32_MAX);
	if (!err)
		err = add_read_only(view, pos + PCI_EXP_LNKCTL2, 2, 0xffff);
	if (!err)
		err = add_read_only(view, pos + PCI_EXP_LNKSTA2, 2, 0xffff);
	return err;
}

static int setup(struct vpci *view, struct pci_dev *pdev, uint16_t pos)
{
	static const struct vpci_masks devctl = {
		.hw = DEVCTL_SHOWN,
		.rw = ERROR_REPORTING | DEVCTL_WRITTEN | PCI_EXP_DEVCTL_BCR_FLR,
	};
	bool integrated = pdev->desc.type == PCI_TYPE_RC_ENDPOINT ||
			  pdev->desc.type == PCI_TYPE_RC_EVENT;
	uint32_t version = vpci_hw_read(view, pos + PCI_EXP_FLAGS, 2) &
			   PCI_EXP_FLAGS_VERS;
	int err;

	if (pos != pdev->desc.pcie)
		return -EINVAL;
	err = vpci_add_register(view, pos + PCI_EXP_DEVCTL, 2, &devctl, NULL,
				devctl_write, NULL);
	if (!err && (version >= 2 || !integrated))
		err = add_link(view, pos);
	if (!err && version >= 2)
		err = add_version_2(view, pos);
	return err;
}

static const struct vpci_field fields[] = {
	{ .offset = PCI_EXP_FLAGS,
	  .size = 2,
	  .masks.hw = PCI_EXP_FLAGS_VERS | PCI_EXP_FLAGS_TYPE },
	{ .offset = PCI_EXP_DEVCAP,
	  .size = 4,
	  .masks.hw = ~(uint32_t)PCI_EXP_DEVCAP_PHANTOM },
	{ .offset = PCI_EXP_DEVSTA,
	  .size = 2,
	  .masks = { .hw = 0xffff,
		     .w1c = DEVSTA_ERRORS,
		     /* more than errors is cleared by writing 1 (bit 6) */
		     .rsvdz = (uint16_t) ~(DEVSTA_ERRORS | PCI_EXP_DEVSTA_AUXPD |
					   PCI_EXP_DEVSTA_TRPND) } },
};

const struct vpci_cap_policy vpci_guest_pcie = {
	.show = true,
	.rest = VPCI_REST_ZERO,
	.nfields = ARRAY_SIZE(fields),
	.field = fields,
	.setup = setup,
};
