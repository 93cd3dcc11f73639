/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware domain writes its devices' BARs, also over those of a device that
 * is the second guest's or in quarantine. So a place is kept for each device:
 * where its BARs are, from when it comes to a guest or to rest until it goes home
 * or has gone. In a place the hardware domain has nothing mapped, and what traps
 * there reads all-ones.
 *
 * Proof. The lock guards the places, and all that becomes mapped of PCI's memory
 * for the hardware domain (places_map()).
 *
 *  1. take() makes the place and unmaps what is there in one critical section;
 *     places_map() looks and maps in one. The one that is first is seen by the
 *     other: what it mapped is unmapped, or what it took is not mapped. So
 *     nothing is mapped in a place as long as it is one.
 *  2. A trapped access looks and is made in one read-side section. Between take()
 *     and the guest's first access is a grace period: an access that saw no
 *     place is over by then.
 *  3. A place covers what the device decodes as long as it is one. When it is
 *     made the device has left the hardware domain, whose writes are made under
 *     the device's lock by whoever has it then: only the core writes the BARs. It
 *     puts them where pcidev_bars() says, and a reset at 0.
 *  4. It ends when the device goes home (enter), which no guest reaches any more,
 *     or is freed (detach).
 *  5. A device that is given lies at none of the hardware domain's: take() comes
 *     before the look at their registers. What has moved there before that look is
 *     seen; what comes later is refused, and vPCI then switches its decoding off.
 *
 * Ranks: the lock is a leaf but for that of stage 2. map() is called in a
 * section, without locks of the core; a stage's members without any.
 */
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/pci_regs.h>
#include <holdfast/stage.h>

#include "places.h"

#define BARS (PCI_BAR_FIRST_ROM + 1)

struct range {
	uint64_t start, last;
};

struct place {
	struct place *next;
	const struct pci_dev *pdev; /* a name, never followed */
	pci_sbdf_t sbdf;
	unsigned int n; /* 0: it is the hardware domain's */
	struct range bar[BARS];
};

static plat_lock_t lock;
static struct place *places; /* one for each device; under the lock */

/* --- ranges --------------------------------------------------------------------- */

static struct range range(uint64_t start, uint64_t size)
{
	uint64_t last = start + size - 1;

	return (struct range){ start, last < start ? UINT64_MAX : last };
}

static bool overlap(const struct range *a, unsigned int n,
		    const struct range *b, unsigned int m)
{
	unsigned int i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < m; j++)
			if (a[i].start <= b[j].last && b[j].start <= a[i].last)
				return true;
	return false;
}

/* Of its memory BARs and its ROM; returns how many. */
static unsigned int ranges_of(struct pci_dev *pdev, bool recorded,
			      struct range out[BARS])
{
	struct pci_bar bar[PCI_BAR_COUNT];
	unsigned int i, n = 0;

	pcidev_bars(pdev, recorded, bar);
	for (i = 0; i < BARS; i++)
		if (bar[i].kind != PCI_BAR_NONE && bar[i].kind != PCI_BAR_IO &&
		    bar[i].addr && bar[i].size)
			out[n++] = range(bar[i].addr, bar[i].size);
	return n;
}

/* --- places; under the lock ----------------------------------------------------- */

static struct place *place_of(const struct pci_dev *pdev)
{
	struct place *place = places;

	while (place->pdev != pdev)
		place = place->next;
	return place;
}

/* The first that has a byte of @r, and is not @but's; or NULL. */
static const struct place *find(const struct range *r, unsigned int n,
				pci_sbdf_t but)
{
	const struct place *place = places;

	while (place && (place->sbdf.sbdf == but.sbdf ||
			 !overlap(place->bar, place->n, r, n)))
		place = place->next;
	return place;
}

/* --- the hardware domain's way there ---------------------------------------------- */

/* A device that goes home is in its own place until it has arrived. */
int places_map(struct stage2 *s2, const struct pci_mapping *m)
{
	const struct range r = range(m->hpa, m->size);
	char at[PCI_SBDF_LEN], by[PCI_SBDF_LEN];
	const struct place *place;
	int err = -EBUSY;

	plat_lock(&lock);
	place = find(&r, 1, m->sbdf);
	if (place)
		pci_sbdf_print(by, place->sbdf);
	else
		err = stage2_map(s2, m->gpa, m->hpa, m->size);
	plat_unlock(&lock);
	if (place)
		plat_log(PLAT_INFO, "%s: BAR %u lies over %s, not mapped",
			 pci_sbdf_print(at, m->sbdf), m->bar, by);
	return err;
}

bool places_are_others(uint64_t start, uint64_t size)
{
	const struct range r = range(start, size);
	bool others;

	plat_lock(&lock);
	others = find(&r, 1, pci_sbdf_from(UINT32_MAX));
	plat_unlock(&lock);
	return others;
}

/* --- devices come and go ------------------------------------------------------------ */

static int attach(struct pci_dev *pdev)
{
	struct place *place = plat_zalloc(sizeof(*place));

	if (!place)
		return -ENOMEM;
	place->pdev = pdev;
	place->sbdf = pcidev_sbdf(pdev);
	plat_lock(&lock);
	place->next = places;
	places = place;
	plat_unlock(&lock);
	return 0;
}

static void detach(struct pci_dev *pdev)
{
	struct place **link = &places, *place;

	plat_lock(&lock);
	while ((*link)->pdev != pdev)
		link = &(*link)->next;
	place = *link;
	*link = place->next;
	plat_unlock(&lock);
	plat_free(place);
}

static void take(struct pci_dev *pdev)
{
	struct range bar[BARS];
	unsigned int i, n = ranges_of(pdev, true, bar);
	struct place *place;

	plat_lock(&lock);
	place = place_of(pdev);
	memcpy(place->bar, bar, n * sizeof(*bar));
	place->n = n;
	for (i = 0; i < n; i++)
		hwdom_withdraw(bar[i].start, bar[i].last);
	plat_unlock(&lock);
}

static void give_up(struct pci_dev *pdev)
{
	plat_lock(&lock);
	place_of(pdev)->n = 0;
	plat_unlock(&lock);
}

/* A VF decodes by its PF's word (PCIe 6.0 §9.3.4.1.3). */
static bool decodes(struct pci_dev *pdev)
{
	return pcidev_desc(pdev)->is_vf ||
	       pcidev_read(pdev, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
}

/* In quarantine, or the hardware domain's as its registers are now. */
static bool is_at_anothers(struct pci_dev *pdev, pci_sbdf_t *whose)
{
	struct range own[BARS], bar[BARS];
	unsigned int n = ranges_of(pdev, true, own);
	const struct place *place;
	struct pci_dev *other = NULL;
	bool found;

	plat_lock(&lock);
	place = find(own, n, pcidev_sbdf(pdev));
	if (place)
		*whose = place->sbdf;
	plat_unlock(&lock);
	found = place;
	while (!found && (other = domain_next_pdev(hardware_domain, other))) {
		found = decodes(other) &&
			overlap(own, n, bar, ranges_of(other, false, bar));
		*whose = pcidev_sbdf(other);
	}
	pcidev_put(other);
	return found;
}

static int enter(struct pci_dev *pdev, struct domain *d)
{
	char at[PCI_SBDF_LEN], by[PCI_SBDF_LEN];
	pci_sbdf_t whose;

	if (d == hardware_domain) {
		give_up(pdev);
		return 0;
	}
	take(pdev);
	plat_rcu_synchronize();
	if (!is_at_anothers(pdev, &whose))
		return 0;
	plat_log(PLAT_INFO, "%s is not given to a guest: a BAR of %s lies over",
		 pci_sbdf_print(at, pcidev_sbdf(pdev)),
		 pci_sbdf_print(by, whose));
	return -EEXIST;
}

static const struct pci_stage stage = {
	.name = "places",
	.rank = PCI_STAGE_DEVICE,
	.attach = attach,
	.detach = detach,
	.enter = enter,
	.rest = take,
};

int places_init(void)
{
	plat_lock_init(&lock);
	return pci_stage_register(&stage);
}
