/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's access to its devices: section → table → device → view → dword →
 * answer.
 *
 * A read takes no lock and writes nothing shared. What protects it is the
 * section: a removal, a loss or a reassignment changes what is tested here and
 * then waits for a grace period, so whoever passed the tests has done his
 * access by then, and the view he used is freed after that.
 *
 * A write of bits that are only kept takes none either (engine.c). Any other
 * write of a described register takes pdev->lock inside the section, and
 * there looks at owner, loss and cut-off again: those who take the device away
 * change them first, and then do, or wait for, what needs the lock. It need not
 * look at the state: a drain that began since ends no earlier than our section.
 *
 * A host that may block cannot be called inside; then the engine takes a
 * reference and leaves the section, and the removal waits for the reference
 * instead. Nobody has a view of such a host's devices.
 *
 * While a device is drained the answer is PCI_AGAIN. The retry itself looks at
 * the time and ends a drain that is over, so that one CPU, on which the
 * removal cannot run meanwhile, does not spin for ever.
 */
#include "vpci/trap.h"

struct access {
	struct domain *d;
	struct vpci_vcpu *vcpu; /* of a write */
	uint16_t reg;
	uint8_t size;
	bool write;
	uint64_t val;
};

/* --- who answers ---------------------------------------------------------------- */

static hf_inline struct pci_dev *find_guest(struct domain *d, pci_sbdf_t addr)
{
	return addr.sbdf > UINT16_MAX ? NULL : pci_table_find(&d->table, addr);
}

static hf_inline struct pci_dev *find_host(pci_sbdf_t addr)
{
	struct pci_segment *pseg = pci_segment_find(addr.sbdf >> 16);

	return pseg ? pci_table_find(&pseg->table, addr) : NULL;
}

static hf_inline struct pci_dev *find(struct domain *d, pci_sbdf_t addr)
{
	return d == hardware_domain ? find_host(addr) : find_guest(d, addr);
}

enum pci_verdict vpci_again(struct pci_dev *pdev)
{
	if (plat_now() >= hf_load_relaxed(&pdev->again_until))
		pcidev_drain_expired(pdev);
	return PCI_AGAIN;
}

/* --- one access, by what answers --------------------------------------------------- */

/* The dwords of an access: one, or two of 8 bytes. */
static hf_noinline uint64_t read_view(struct vpci *view, uint16_t reg,
				      uint8_t size)
{
	uint64_t val = vpci_view_read(view, reg, size < 4 ? size : 4);

	if (size == 8)
		val |= (uint64_t)vpci_view_read(view, reg + 4, 4) << 32;
	return val;
}

static void write_view(struct vpci *view, struct access *a)
{
	uint8_t size = a->size < 4 ? a->size : 4;
	struct pci_dev *pdev = view->pdev;

	if (vpci_write_passes(view, a->reg, a->size)) {
		vpci_hw_write(view, a->reg, size, (uint32_t)a->val);
		if (a->size == 8)
			vpci_hw_write(view, a->reg + 4, 4,
				      (uint32_t)(a->val >> 32));
		return;
	}
	pci_lock(&pdev->lock);
	if (hf_load_acquire(&pdev->owner) == a->d &&
	    !pcidev_marked(pdev, PCI_MARK_LOST) &&
	    !hf_load_relaxed(&view->cut)) {
		vpci_view_write(view, a->reg, size, (uint32_t)a->val);
		if (a->size == 8)
			vpci_view_write(view, a->reg + 4, 4,
					(uint32_t)(a->val >> 32));
	}
	pci_unlock(&pdev->lock);
	vpci_note_work(a->vcpu, pdev, view);
}

/* Without a view: hardware as it is. */
static void pass_dword(struct pci_dev *pdev, struct access *a, uint16_t reg,
		       uint8_t size, unsigned int shift)
{
	struct pci_host *host = pdev->pseg->host;
	uint32_t val;

	if (a->write) {
		host->ops->write(host, pdev->desc.sbdf, reg, size,
				 (uint32_t)(a->val >> shift) &
					 (uint32_t)vpci_ones(size));
		conf_heed_write(pdev, reg, size);
	} else if (!host->ops->read(host, pdev->desc.sbdf, reg, size, &val))
		a->val = (a->val & ~(vpci_ones(size) << shift)) |
			 (uint64_t)val << shift;
}

static void pass(struct pci_dev *pdev, struct access *a)
{
	pass_dword(pdev, a, a->reg, a->size < 4 ? a->size : 4, 0);
	if (a->size == 8)
		pass_dword(pdev, a, a->reg + 4, 4, 32);
}

/* In the section. True: its host may block; go on outside. */
static bool access_device(struct pci_dev *pdev, struct access *a)
{
	struct vpci *view = vpci_view(pdev, a->d);

	if (a->write && pcidev_marked(pdev, PCI_MARK_READ_ONLY))
		return false;
	if (view) {
		if (hf_load_relaxed(&view->cut))
			return false;
		if (a->write)
			write_view(view, a);
		else
			a->val = read_view(view, a->reg, a->size);
		return false;
	}
	if (a->d != hardware_domain)
		return false;
	if (pdev->pseg->host->ops->may_block)
		return true;
	pass(pdev, a);
	return false;
}

/* Outside the section, with a reference on it. */
static void pass_outside(struct pci_dev *pdev, struct access *a)
{
	pass(pdev, a);
	/* It may have changed hands, or gone, while the host blocked. */
	if (hf_load_acquire(&pdev->owner) != a->d ||
	    pcidev_marked(pdev, PCI_MARK_LOST))
		a->val = vpci_ones(a->size);
	pcidev_put(pdev);
}

/* --- a slot without function 0 ------------------------------------------------------ */

/*
 * Software looks for functions 1 to 7 only where there is a function 0 (PCIe
 * 6.0 §7.5.1.1.9). A guest's slot that has some, but not that one, shows in its
 * place a function that nothing drives: the vendor of the first that is there,
 * device ID 0xffff, class 0xff (PCI Code and ID Assignment 1.11 §1.16: fits no
 * other class), multi-function, no capability, no BAR.
 */
static uint32_t placeholder_dword(struct pci_dev *sibling, uint16_t reg)
{
	switch (reg) {
	case PCI_VENDOR_ID:
		return 0xffff0000u | sibling->desc.ident.vendor;
	case PCI_CLASS_REVISION:
		return 0xff000000u;
	case PCI_CACHE_LINE_SIZE:
		return (uint32_t)PCI_HEADER_TYPE_MFD << 16;
	default:
		return 0;
	}
}

static void read_placeholder(struct pci_dev *sibling, struct access *a)
{
	unsigned int at = a->reg & ~3u;
	uint64_t val = placeholder_dword(sibling, (uint16_t)at);

	if (a->size == 8)
		val |= (uint64_t)placeholder_dword(sibling, (uint16_t)(at + 4))
		       << 32;
	a->val = val >> 8 * (a->reg & 3) & vpci_ones(a->size);
}

/* One of @d's at @addr's slot, where there is no function 0; in a section. */
static struct pci_dev *sibling(struct domain *d, pci_sbdf_t addr)
{
	struct pci_dev *pdev = NULL;

	if (d == hardware_domain || addr.seg || PCI_FN(addr))
		return NULL;
	while (!pdev && PCI_FN(addr) < 7) {
		addr.devfn++;
		pdev = pci_table_find(&d->table, addr);
	}
	return pdev;
}

/* --- the trap ------------------------------------------------------------------------ */

static hf_inline bool is_valid(uint16_t reg, uint8_t size, uint8_t most)
{
	return size && size <= most && !(size & (size - 1)) &&
	       !(reg & (size - 1)) && reg < PCI_CFG_SPACE_EXP_SIZE;
}

/* Any access. Begun in a section, which ends in it. */
static hf_noinline enum pci_verdict trap(pci_sbdf_t addr, struct access *a)
{
	enum pci_verdict verdict = PCI_DONE;
	struct pci_dev *pdev, *owned = NULL;

	pdev = find(a->d, addr);
	if (!pdev) {
		pdev = a->write ? NULL : sibling(a->d, addr);
		if (pdev)
			read_placeholder(pdev, a);
	} else {
		switch (vpci_answers(a->d, pdev)) {
		case VPCI_NOBODY:
			break;
		case VPCI_DRAINING:
			verdict = vpci_again(pdev);
			break;
		case VPCI_FOUND:
			if (!access_device(pdev, a))
				break;
			if (pcidev_tryget(pdev))
				owned = pdev;
			else
				verdict = PCI_AGAIN;
		}
	}
	plat_rcu_read_unlock();
	if (owned)
		pass_outside(owned, a);
	return verdict;
}

/*
 * What most accesses meet: a device that works, and its view. In a section.
 * NULL: something else, see trap(). @hardware: @d is the hardware domain.
 */
static hf_inline struct vpci *view_if_live(struct domain *d,
					   struct pci_dev *pdev, bool hardware)
{
	struct vpci *view;

	if (hf_unlikely(!pdev || vpci_answers(d, pdev) != VPCI_FOUND))
		return NULL;
	view = vpci_view_of(pdev, hardware);
	return view && !hf_load_relaxed(&view->cut) ? view : NULL;
}

/* Any read; in a section, which ends in it. */
static hf_noinline enum pci_verdict read_any(struct domain *d, pci_sbdf_t vsbdf,
					     uint16_t reg, uint8_t size,
					     uint64_t *val)
{
	struct access a = {
		.d = d, .reg = reg, .size = size, .val = vpci_ones(size)
	};
	enum pci_verdict verdict = trap(vsbdf, &a);

	*val = a.val;
	return verdict;
}

/* A read of 8 bytes, or a malformed one. */
static hf_noinline enum pci_verdict read_odd(struct domain *d, pci_sbdf_t vsbdf,
					     uint16_t reg, uint8_t size,
					     uint64_t *val)
{
	if (!is_valid(reg, size, 8)) {
		*val = vpci_ones(size);
		return PCI_DONE;
	}
	plat_rcu_read_lock();
	return read_any(d, vsbdf, reg, size, val);
}

/* Of a view that was found, what it does not keep. */
static hf_noinline enum pci_verdict read_asked(struct vpci *view, uint16_t reg,
					       uint8_t size, uint64_t *val)
{
	*val = vpci_view_read(view, reg, size);
	plat_rcu_read_unlock();
	return PCI_DONE;
}

static hf_inline enum pci_verdict read_found(struct vpci *view, uint16_t reg,
					     uint8_t size, uint64_t *val)
{
	uint32_t kept;

	if (hf_unlikely(!vpci_kept_read(view, reg, size, &kept)))
		return read_asked(view, reg, size, val);
	*val = kept;
	plat_rcu_read_unlock();
	return PCI_DONE;
}

/* By the hardware domain, whose devices are found elsewhere. */
static hf_noinline enum pci_verdict read_host(struct domain *d,
					      pci_sbdf_t vsbdf, uint16_t reg,
					      uint8_t size, uint64_t *val)
{
	struct vpci *view = view_if_live(d, find_host(vsbdf), true);

	return view ? read_found(view, reg, size, val)
		    : read_any(d, vsbdf, reg, size, val);
}

enum pci_verdict vpci_read(struct domain *d, pci_sbdf_t vsbdf, uint16_t reg,
			   uint8_t size, uint64_t *val)
{
	struct vpci *view;

	if (hf_unlikely(!is_valid(reg, size, 4)))
		return read_odd(d, vsbdf, reg, size, val);
	plat_rcu_read_lock();
	if (d == hardware_domain)
		return read_host(d, vsbdf, reg, size, val);
	view = view_if_live(d, find_guest(d, vsbdf), false);
	if (hf_unlikely(!view))
		return read_any(d, vsbdf, reg, size, val);
	return read_found(view, reg, size, val);
}

/* Any write; likewise. */
static hf_noinline enum pci_verdict write_any(struct vpci_vcpu *vcpu,
					      pci_sbdf_t vsbdf,
					      struct vpci *view, uint16_t reg,
					      uint8_t size, uint64_t val)
{
	struct access a = { .d = vcpu->domain,
			    .vcpu = vcpu,
			    .reg = reg,
			    .size = size,
			    .write = true,
			    .val = val };

	if (!view)
		return trap(vsbdf, &a);
	(void)access_device(view->pdev, &a); /* its host does not block */
	plat_rcu_read_unlock();
	return PCI_DONE;
}

static hf_inline enum pci_verdict write_found(struct vpci_vcpu *vcpu,
					      pci_sbdf_t vsbdf,
					      struct vpci *view, uint16_t reg,
					      uint8_t size, uint64_t val)
{
	if (!view || size > 4 ||
	    pcidev_marked(view->pdev, PCI_MARK_READ_ONLY) ||
	    !vpci_kept_write(view, reg, size, (uint32_t)val))
		return write_any(vcpu, vsbdf, view, reg, size, val);
	plat_rcu_read_unlock();
	return PCI_DONE;
}

static hf_noinline enum pci_verdict write_host(struct vpci_vcpu *vcpu,
					       pci_sbdf_t vsbdf, uint16_t reg,
					       uint8_t size, uint64_t val)
{
	struct vpci *view = view_if_live(vcpu->domain, find_host(vsbdf), true);

	return write_found(vcpu, vsbdf, view, reg, size, val);
}

enum pci_verdict vpci_write(struct vpci_vcpu *vcpu, pci_sbdf_t vsbdf,
			    uint16_t reg, uint8_t size, uint64_t val)
{
	struct domain *d = vcpu->domain;
	struct vpci *view;

	if (!is_valid(reg, size, 8))
		return PCI_DONE;
	if (vpci_vcpu_is_full(vcpu))
		return PCI_AGAIN;
	plat_rcu_read_lock();
	if (d == hardware_domain)
		return write_host(vcpu, vsbdf, reg, size, val);
	view = view_if_live(d, find_guest(d, vsbdf), false);
	return write_found(vcpu, vsbdf, view, reg, size, val);
}
