/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors that the hypervisor binds for itself. */
#include "world.h"

static void handler(void *data, unsigned int index)
{
	struct bound *bound = data;

	FUZZ_ASSERT(bound->pdev && index >= bound->first &&
		    index < bound->first + bound->count);
}

static int bind(const struct step *s)
{
	struct bound *bound = &world.bound[s->c % KEPT];
	struct pci_dev *pdev;
	int err;

	if (bound->pdev)
		return 0;
	err = pci_lookup(NULL, device_of(s), &pdev);
	if (err)
		return err == -EBUSY ? 0 : err;
	*bound = (struct bound){ pdev,
				 s->a & 1 ? PCI_VECTOR_MSIX : PCI_VECTOR_MSI,
				 s->a >> 1 & 7, 1u << (s->b & 3) };
	err = pci_irq_bind(pdev, bound->kind, bound->first, bound->count,
			   handler, bound);
	if (err) {
		bound->pdev = NULL;
		pcidev_put(pdev);
	}
	return err;
}

static int unbind(const struct step *s)
{
	struct bound was = world.bound[s->c % KEPT], *bound;
	int err;

	bound = &world.bound[s->c % KEPT];
	if (!was.pdev || !was.count)
		return 0;
	bound->count = 0; /* others leave it alone; no call may come */
	bound->first = 0;
	*bound = was;
	err = pci_irq_unbind(was.pdev, was.kind, was.first, was.count);
	if (bound->pdev == was.pdev)
		bound->pdev = NULL;
	else
		return err;
	pcidev_put(was.pdev);
	return err;
}

static int mask(const struct step *s)
{
	const struct bound *bound = &world.bound[s->c % KEPT];

	return bound->pdev ? pci_irq_mask(bound->pdev, bound->kind,
					  bound->first, s->a & 1)
			   : 0;
}

static int prepare(const struct step *s)
{
	return s->a & 1 ? pci_prepare_msix(device_of(s))
			: pci_release_msix(device_of(s));
}

static int restore(const struct step *s)
{
	return pci_restore_msi(device_of(s));
}

static int info(const struct step *s)
{
	struct pci_irq_info info;

	return pci_irq_query(device_of(s), &info);
}

const struct operation interrupt_operations[] = {
	{ "bind",
	  bind,
	  { -ENODEV, -EBUSY, -EEXIST, -EINVAL, -ENFILE, -ENXIO, -ENODATA,
	    -ENOSPC, -ENOMEM } },
	{ "unbind", unbind, { -ENOENT } },
	{ "mask", mask, { -ENOENT } },
	{ "prepare", prepare, { -ENODEV, -EBUSY } },
	{ "restore", restore, { -ENODEV, -ENXIO, -EBUSY } },
	{ "irq info", info, { -ENODEV } },
	{ NULL }
};
