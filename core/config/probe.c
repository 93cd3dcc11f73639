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

int probe_add(pci_sbdf_t sbdf, struct pci_dev *pf, bool search, bool *added)
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

int pci_add_device(pci_sbdf_t sbdf)
{
	bool added;

	return probe_add(sbdf, NULL, true, &added);
}
