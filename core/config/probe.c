/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adding the function at one address.
 *
 * What is registered there already is compared by reading, under a reference,
 * and left alone if it is the same hardware: sizing its BARs again would stop
 * it for its user. Anything else is announced to the host, described and
 * registered.
 *
 * Two probes of one address would read each other's all-ones for BARs, so an
 * address being probed is claimed, and the second one is told -EBUSY.
 */
#include "config/internal.h"

struct claim {
	struct list_head entry;
	pci_sbdf_t sbdf;
};

static struct pci_lock claims_lock; /* LOCK_LEAF */
static struct list_head claims;     /* claim.entry; under claims_lock */

void probe_init(void)
{
	pci_lock_init(&claims_lock, LOCK_LEAF, "probes", 0);
	list_init(&claims);
}

static bool claim(struct claim *mine, pci_sbdf_t sbdf)
{
	struct claim *other;
	bool free = true;

	mine->sbdf = sbdf;
	pci_lock(&claims_lock);
	list_for_each(other, &claims, struct claim, entry)
		if (other->sbdf.sbdf == sbdf.sbdf)
			free = false;
	if (free)
		list_add_tail(&mine->entry, &claims);
	pci_unlock(&claims_lock);
	return free;
}

static void unclaim(struct claim *mine)
{
	pci_lock(&claims_lock);
	list_del(&mine->entry);
	pci_unlock(&claims_lock);
}

/* --- touching what nobody has registered ---------------------------------- */

static bool is_registered(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return !pci_query(sbdf, &info);
}

static void begin_touching(struct pci_host *host, pci_sbdf_t sbdf)
{
	if (host->ops->adding)
		host->ops->adding(host, sbdf);
}

/* Unless it came to be registered: then its removal ends the touching. */
static void end_touching(struct pci_host *host, pci_sbdf_t sbdf)
{
	if (host->ops->removed && !is_registered(sbdf))
		host->ops->removed(host, sbdf);
}

bool probe_answers(pci_sbdf_t sbdf)
{
	struct pci_host *host = pci_segment_host(sbdf.seg);
	struct claim mine;
	uint32_t vendor;

	if (!claim(&mine, sbdf))
		return true;
	if (is_registered(sbdf)) { /* only the claim keeps it so */
		unclaim(&mine);
		return true;
	}
	begin_touching(host, sbdf);
	vendor = pci_conf_read(sbdf, PCI_VENDOR_ID, 2);
	end_touching(host, sbdf);
	unclaim(&mine);
	return vendor && vendor != PCI_VENDOR_ID_NONE;
}

/* --- what is registered already ------------------------------------------- */

/* Does @pdev still answer as what was registered? As pcidev_compare(). */
static int is_same(struct pci_dev *pdev)
{
	struct pci_dev *pf = NULL;
	struct pci_dev_desc desc;
	struct conf c;
	int err;

	if (pdev->desc.is_vf) {
		err = pci_lookup(NULL, pdev->desc.parent, &pf);
		if (err)
			return err;
	}
	conf_of(&c, pdev);
	err = conf_describe(&c, pf, &desc);
	pcidev_put(pf);
	if (err)
		return err;
	pci_lock(&pdev->lock);
	err = pcidev_compare(pdev, &desc.facts);
	pci_unlock(&pdev->lock);
	return err;
}

/*
 * 1: registered, and the same hardware still. 0: nobody is, or other hardware
 * answers there. -EBUSY: it is being removed or revoked, or leads elsewhere while
 * it has children; or why it cannot be told.
 */
static int known(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;
	int ret = pci_lookup(NULL, sbdf, &pdev);

	if (ret == -ENODEV)
		return is_registered(sbdf) ? -EBUSY : 0;
	if (ret)
		return ret;
	ret = is_same(pdev);
	pcidev_put(pdev);
	return ret;
}

/* --- adding --------------------------------------------------------------- */

static int add_new(struct pci_host *host, pci_sbdf_t sbdf, struct pci_dev *pf,
		   bool search)
{
	struct pci_dev_desc desc;
	int err;

	begin_touching(host, sbdf);
	err = conf_describe_new(sbdf, pf, search, &desc);
	if (!err)
		err = pci_register_device(&desc, NULL);
	if (err)
		end_touching(host, sbdf);
	return err;
}

static int add_or_compare(pci_sbdf_t sbdf, struct pci_dev *pf, bool search,
			  bool *added)
{
	struct pci_host *host = pci_segment_host(sbdf.seg);
	struct claim mine;
	int ret;

	*added = false;
	if (!host)
		return -ENODEV;
	if (!claim(&mine, sbdf))
		return -EBUSY;
	ret = known(sbdf);
	if (!ret) {
		ret = add_new(host, sbdf, pf, search);
		*added = !ret;
	} else if (ret > 0) {
		ret = 0;
	}
	unclaim(&mine);
	return ret;
}

/*
 * Who hot-plugs a bridge tells of it first, and then numbers its buses. Nobody
 * there any more: it leads nowhere.
 */
static int take_up(pci_sbdf_t bridge)
{
	struct pci_dev *pdev;
	bool added;
	int err = pci_lookup(NULL, bridge, &pdev);

	if (!err) {
		bool leads = pcidev_read(pdev, PCI_SECONDARY_BUS, 1);

		pcidev_put(pdev);
		if (leads)
			err = add_or_compare(bridge, NULL, false, &added);
	}
	return err == -ENODEV ? 0 : err;
}

/*
 * Bridges that led nowhere, one of which may lead to @sbdf by now. In ascending
 * order: the one above such a bridge first.
 */
static int take_up_bridges(pci_sbdf_t sbdf)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	char name[PCI_SBDF_LEN], above[PCI_SBDF_LEN];
	pci_sbdf_t known;
	uint32_t bdf;

	for (bdf = 0; pci_bus_bridge(sbdf.seg, sbdf.bus, &known) == -ENOENT &&
		      pci_bus_next_idle(pseg, sbdf.bus, &bdf);
	     bdf++) {
		pci_sbdf_t bridge = { .bdf = (uint16_t)bdf, .seg = sbdf.seg };
		int err = take_up(bridge);

		if (!err)
			continue;
		plat_log(PLAT_WARN,
			 "%s: not added: %s may lead there by now, error %d",
			 pci_sbdf_print(name, sbdf),
			 pci_sbdf_print(above, bridge), err);
		return -ENXIO;
	}
	return 0;
}

int probe_add(pci_sbdf_t sbdf, struct pci_dev *pf, bool search, bool *added)
{
	int err = 0;

	*added = false;
	if (!pf)
		err = take_up_bridges(sbdf);
	return err ? err : add_or_compare(sbdf, pf, search, added);
}

int pci_add_device(pci_sbdf_t sbdf)
{
	bool added;

	return probe_add(sbdf, NULL, true, &added);
}
