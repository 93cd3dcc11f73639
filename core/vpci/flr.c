/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Function Level Reset by a guest (PCIe 6.0 §6.6.2; of conventional functions
 * §7.9.21).
 *
 * The write of the bit only begins it: the guest's registers are as at the
 * start at once, bus mastering is off, and VPCI_WORK_FLR is wanted. From then
 * on nothing of the guest's is decoded and Command does not reach hardware.
 * The steps, made by whoever processes the guest's work, are
 *
 *   unmap    BARs' work comes first, so none is the guest's any more: while a
 *            function is being reset, an access to it would be an unsupported
 *            request
 *   tell     the bit is written, flr_over is set: tried for a second, too
 *   wait     100 ms, untouched; then up to a second for an answer
 *   set up   BARs and Command as the guest found them at first: tried again
 *            in that second, if some of it does not arrive
 *
 * All of it is under pdev->lock, so any number of vCPUs may step. A function
 * that does not answer, or is not set up, is marked broken, and then neither
 * masters nor decodes.
 */
#include "vpci/internal.h"

static const uint64_t flr_time = 100 * PLAT_NSEC_PER_MSEC;
static const uint64_t flr_limit = PLAT_NSEC_PER_SEC;
static const uint64_t flr_poll = 10 * PLAT_NSEC_PER_MSEC;

/* By which register; 0: none. What does not answer cannot. */
static uint16_t flr_register(struct vpci *view)
{
	const struct pci_dev_facts *desc = &view->pdev->desc;
	uint32_t cap;

	if (desc->pcie) {
		cap = vpci_hw_read(view, desc->pcie + PCI_EXP_DEVCAP, 4);
		if (cap != UINT32_MAX && cap & PCI_EXP_DEVCAP_FLR)
			return desc->pcie + PCI_EXP_DEVCTL;
	}
	if (desc->af) {
		cap = vpci_hw_read(view, desc->af + PCI_AF_CAP, 1);
		if (cap != vpci_ones(1) && cap & PCI_AF_CAP_FLR)
			return desc->af + PCI_AF_CTRL;
	}
	return 0;
}

/* A VF has no vendor ID. */
static bool answers(struct vpci *view)
{
	uint32_t val;

	if (view->pdev->desc.is_vf)
		return vpci_hw_read(view, PCI_COMMAND, 2) != vpci_ones(2);
	val = vpci_hw_read(view, PCI_VENDOR_ID, 2);
	return val != PCI_VENDOR_ID_NONE && val != PCI_VENDOR_ID_RETRY;
}

/* A PF's reset would take its VFs from whoever has them (§6.6.2, §9.2.2.2). */
void vpci_flr_begin(struct vpci *view)
{
	uint16_t reg;

	pci_assert_held(&view->pdev->lock);
	if (hf_load_relaxed(&view->work) & VPCI_WORK_FLR ||
	    view->pdev->nchildren)
		return;
	reg = flr_register(view);
	if (!reg)
		return;
	vpci_header_reset(view);
	view->flr_register = reg;
	view->flr_over = 0;
	vpci_want(view, VPCI_WORK_FLR | VPCI_WORK_BARS);
}

/* True: it has been told. */
static bool tell(struct vpci *view)
{
	struct pci_dev *pdev = view->pdev;
	uint16_t reg = view->flr_register;

	if (!reg)
		return true;
	if (!view->flr_over)
		view->flr_over = plat_now() + flr_time;
	if (reg == pdev->desc.af + PCI_AF_CTRL
		    ? pcidev_write(pdev, reg, 1, PCI_AF_CTRL_FLR)
		    : conf_update(pdev, reg, PCI_EXP_DEVCTL_BCR_FLR,
				  PCI_EXP_DEVCTL_BCR_FLR))
		return false;
	view->flr_register = 0;
	view->flr_over = plat_now() + flr_time;
	return true;
}

/* It is over, well or not. */
static void finish(struct vpci *view, bool well)
{
	hf_fetch_and_release(&view->work, ~(uint32_t)VPCI_WORK_FLR);
	if (well) {
		vpci_irq_start(view);
		vpci_command_apply(view);
	}
}

enum flr { FLR_OVER, FLR_WAIT, FLR_DEAD };

static enum flr advance(struct vpci *view, uint64_t *when, const char **why)
{
	uint32_t work = hf_load_relaxed(&view->work);
	uint64_t now = plat_now();

	if (!(work & VPCI_WORK_FLR))
		return FLR_OVER;
	*when = now;
	if (work & VPCI_WORK_BARS)
		return FLR_WAIT;
	if (tell(view)) {
		*when = view->flr_over;
		if (now < view->flr_over)
			return FLR_WAIT;
		if (answers(view) && !vpci_header_start(view)) {
			finish(view, true);
			return FLR_OVER;
		}
	}
	*why = view->flr_register ? "it could not be told to reset itself"
				  : "it does not answer after a reset";
	*when = now + flr_poll;
	return now < view->flr_over - flr_time + flr_limit ? FLR_WAIT
							   : FLR_DEAD;
}

bool vpci_flr_step(struct vpci *view, uint64_t *when)
{
	struct pci_dev *pdev = view->pdev;
	const char *why;
	enum flr flr;

	pci_lock(&pdev->lock);
	flr = advance(view, when, &why);
	pci_unlock(&pdev->lock);
	if (flr == FLR_DEAD) {
		/* Before Command reaches hardware again. */
		pcidev_set_broken(pdev, why);
		pci_lock(&pdev->lock);
		finish(view, false);
		pci_unlock(&pdev->lock);
		flr = FLR_OVER;
	}
	return flr != FLR_OVER;
}
