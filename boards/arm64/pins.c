/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins. The lock guards the table; a hold is taken and given back under it,
 * which never waits. cut_off() only leaves a mark, for pins_sweep().
 */
#include "pins.h"

#include <holdfast/atomic.h>
#include <holdfast/errno.h>
#include <holdfast/platform.h>

enum { PINS = 16 };

struct pin {
	struct pci_hold *hold; /* owned; NULL: free */
	pci_sbdf_t sbdf;
	char who[PCI_WHO_LEN];
	hf_atomic(bool) cut;
};

static struct {
	plat_lock_t lock;
	struct pin pin[PINS];
} all;

void pins_init(void)
{
	memset(&all, 0, sizeof(all));
	plat_lock_init(&all.lock);
}

static void cut_off(struct pci_hold *hold, void *data)
{
	struct pin *pin = data;

	(void)hold;
	hf_store_release(&pin->cut, true);
}

static const struct pci_hold_ops ops = { .cut_off = cut_off };

static void drop(struct pin *pin)
{
	pci_hold_release(pin->hold);
	pin->hold = NULL;
	hf_store_relaxed(&pin->cut, false);
}

static bool is_it(const struct pin *pin, pci_sbdf_t sbdf, const char *who)
{
	size_t i;

	if (!pin->hold || pin->sbdf.sbdf != sbdf.sbdf)
		return false;
	for (i = 0; who[i] && who[i] == pin->who[i]; i++)
		;
	return who[i] == pin->who[i];
}

/* Under the lock. */
static void sweep(void)
{
	unsigned int i;

	for (i = 0; i < PINS; i++)
		if (all.pin[i].hold && hf_load_acquire(&all.pin[i].cut))
			drop(&all.pin[i]);
}

void pins_sweep(void)
{
	plat_lock(&all.lock);
	sweep();
	plat_unlock(&all.lock);
}

/* Under the lock: the pin, not cut off; or, with @make, a free one. */
static struct pin *find(pci_sbdf_t sbdf, const char *who, bool make)
{
	struct pin *spare = NULL;
	unsigned int i;

	sweep();
	for (i = 0; i < PINS; i++) {
		struct pin *pin = &all.pin[i];

		if (is_it(pin, sbdf, who))
			return pin;
		if (!pin->hold && !spare)
			spare = pin;
	}
	return make ? spare : NULL;
}

static int take(struct pin *pin, struct pci_dev *pdev, const char *who)
{
	size_t i;

	if (pin->hold)
		return -EEXIST;
	pin->sbdf = pcidev_sbdf(pdev);
	for (i = 0; i < sizeof(pin->who) - 1 && who[i]; i++)
		pin->who[i] = who[i];
	pin->who[i] = '\0';
	return pci_hold_take(pdev, PCI_HOLD_PIN, pin->who, &ops, pin,
			     &pin->hold);
}

int pins_add(pci_sbdf_t sbdf, const char *who)
{
	struct pci_dev *pdev;
	struct pin *pin;
	int err = who[0] ? pci_lookup(NULL, sbdf, &pdev) : -EINVAL;

	if (err)
		return err;
	plat_lock(&all.lock);
	pin = find(sbdf, who, true);
	err = pin ? take(pin, pdev, who) : -ENOSPC;
	if (err && err != -EEXIST && pin)
		pin->hold = NULL;
	plat_unlock(&all.lock);
	pcidev_put(pdev);
	return err;
}

int pins_drop(pci_sbdf_t sbdf, const char *who)
{
	struct pin *pin;

	plat_lock(&all.lock);
	pin = find(sbdf, who, false);
	if (pin)
		drop(pin);
	plat_unlock(&all.lock);
	return pin ? 0 : -ENOENT;
}
