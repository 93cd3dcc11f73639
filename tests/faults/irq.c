/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's own use of a device's messages. */
#include "machine.h"

static unsigned int handled;

static void handler(void *data, unsigned int index)
{
	(void)index;
	CHECK(data == &handled);
	handled++;
}

static struct pci_irq_info irqs(void)
{
	struct pci_irq_info info;

	CHECK_EQUAL(pci_irq_query(ALL, &info), 0);
	return info;
}

static struct pci_dev *device(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, ALL);

	CHECK(pdev);
	return pdev;
}

/*
 * irq.h. What the device does not take is not asked about: it is no error; and
 * what the host did not write it is told again, so -EIO needs more than once.
 */
static const struct answer bind_errors[] = {
	{ -ENOMEM, OF_MEMORY | OF_IRQ },
	{ -ENOSPC, OF_IRQ },
	{ -ENXIO, OF_CONFIG },   /* memory decode reads as off */
	{ -ENODATA, OF_CONFIG }, /* where the table is reads as nowhere */
	{ -EBUSY, OF_CONFIG },   /* it reads as switched on by the host */
	LAST,
};

static int bind(enum pci_vector_kind kind, unsigned int first, unsigned int n)
{
	struct pci_dev *pdev = device();
	unsigned int i;
	int err = pci_irq_bind(pdev, kind, first, n, handler, &handled);

	if (err && err != -EEXIST)
		CHECK_EQUAL(irqs().msi + irqs().msix, 0);
	/* What the device has not taken it is told once more. */
	if (err == -EEXIST)
		CHECK(!pci_restore_msi(ALL) || inject_fired());
	for (i = 0; i < n && (!err || err == -EEXIST); i++)
		CHECK_EQUAL(pci_irq_mask(pdev, kind, first + i, false), 0);
	pcidev_put(pdev);
	return err == -EEXIST ? 0 : err;
}

static int unbind(enum pci_vector_kind kind, unsigned int first, unsigned int n)
{
	struct pci_dev *pdev = device();
	int err = pci_irq_unbind(pdev, kind, first, n);

	pcidev_put(pdev);
	return err == -ENOENT ? 0 : err;
}

static int decode(void)
{
	poke(ALL, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

static bool is_decoded(void)
{
	const uint32_t on = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	return (config(ALL, PCI_COMMAND, 2) & on) == on;
}

static bool arrives(unsigned int vector)
{
	unsigned int before = handled;

	return !interrupt(ALL, vector) && handled == before + 1;
}

static int bind_msi(void)
{
	return bind(PCI_VECTOR_MSI, 0, 4);
}

static bool has_msi(void)
{
	return irqs().msi == 4 && arrives(2);
}

static int unbind_msi(void)
{
	return unbind(PCI_VECTOR_MSI, 0, 4);
}

static bool has_none(void)
{
	return !irqs().msi && !irqs().msix;
}

static int bind_msix(void)
{
	return bind(PCI_VECTOR_MSIX, 2, 3);
}

static bool has_msix(void)
{
	return irqs().msix == 3 && arrives(4);
}

static int unbind_msix(void)
{
	return unbind(PCI_VECTOR_MSIX, 2, 3);
}

static const struct answer restore_errors[] = { { -ENXIO, OF_CONFIG }, LAST };

static int restore(void)
{
	decode();
	return pci_restore_msi(ALL);
}

#define DECODE                                            \
	{                                                 \
		"decode", decode, NULL, is_decoded, false \
	}

static const struct scenario msi = {
	.name = "irq-msi",
	.step =
		(const struct step[]){
			DECODE,
			{ "bind", bind_msi, bind_errors, has_msi, true },
			{ "restore", restore, restore_errors, has_msi, true },
			{ "unbind", unbind_msi, NULL, has_none, false },
			{ 0 },
		},
};

static const struct scenario msix = {
	.name = "irq-msix",
	.step =
		(const struct step[]){
			DECODE,
			{ "bind", bind_msix, bind_errors, has_msix, true },
			{ "restore", restore, restore_errors, has_msix, true },
			{ "unbind", unbind_msix, NULL, has_none, false },
			{ 0 },
		},
};

/* --- with a removal that fails, or comes and goes ---------------------------------- */

static bool is_gone(void)
{
	return !is_there(ALL);
}

static int add_it(void)
{
	return pci_add_device(ALL);
}

static bool is_there_again(void)
{
	return is_sound(ALL);
}

/* Its handler goes with the device; the caller's reference keeps nothing. */
static int remove_bound(void)
{
	int err = is_there(ALL)
			  ? pci_remove_device(ALL, 0, PLAT_NSEC_PER_SEC, NULL)
			  : 0;

	if (!err)
		CHECK(!pci_irq_vectors());
	return err;
}

static const struct scenario removed = {
	.name = "irq-removed",
	.step =
		(const struct step[]){
			DECODE,
			{ "bind", bind_msi, bind_errors, has_msi, true },
			{ "remove", remove_bound, removal_errors, is_gone,
			  false },
			{ "add", add_it, add_errors, is_there_again, true },
			{ 0 },
		},
};

/* --- the hardware domain's own, and given back --------------------------------------- */

static int prepare(void)
{
	return irqs().prepared ? 0 : pci_prepare_msix(ALL);
}

static bool is_prepared(void)
{
	return irqs().prepared;
}

/* Nobody binds what is prepared. */
static int bind_refused(void)
{
	int err = bind_msix();

	CHECK(err);
	return err == -EBUSY ? 0 : err;
}

static int release(void)
{
	return irqs().prepared ? pci_release_msix(ALL) : 0;
}

static bool is_released(void)
{
	return !irqs().prepared;
}

static const struct scenario prepared = {
	.name = "irq-prepared",
	.step =
		(const struct step[]){
			DECODE,
			{ "prepare", prepare, memory_only, is_prepared, false },
			{ "bind", bind_refused, bind_errors, is_prepared,
			  false },
			{ "release", release, NULL, is_released, false },
			{ "bind", bind_msix, bind_errors, has_msix, true },
			{ "unbind", unbind_msix, NULL, has_none, false },
			{ 0 },
		},
};

const struct scenario *const irq_scenarios[] = { &msi, &msix, &removed,
						 &prepared, NULL };
