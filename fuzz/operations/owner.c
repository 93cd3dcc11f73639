/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has a device: guests, the host, quarantine; resets on the way. */
#include "world.h"

static unsigned int owner_of(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return pci_query(sbdf, &info) ? UINT32_MAX : info.owner;
}

static int assign(const struct step *s)
{
	pci_sbdf_t sbdf = device_of(s), vsbdf = pci_sbdf_from(UINT32_MAX);
	struct domain *d = domain_of(s);
	struct pci_assign_report report;
	int err;

	if (!d)
		return 0;
	if (s->b & 1)
		vsbdf = pci_sbdf(0, 0, s->b >> 1 & 3, 0);
	err = s->a & 4 ? pci_test_assign(d, sbdf, s->a & 3, &report)
		       : pci_assign_device(d, sbdf, s->a & 3, &vsbdf, &report);
	if (!err && !(s->a & 4) && undisturbed())
		FUZZ_ASSERT(owner_of(sbdf) == domain_id(d));
	domain_put(d);
	return err;
}

static int deassign(const struct step *s)
{
	pci_sbdf_t sbdf = device_of(s);
	struct domain *d = domain_of(s);
	struct pci_assign_report report;
	int err;

	if (!d)
		return 0;
	err = pci_deassign_device(d, sbdf, s->a & 1, &report);
	if ((!err || err == -EIO) && undisturbed())
		FUZZ_ASSERT(owner_of(sbdf) != domain_id(d));
	domain_put(d);
	return err;
}

static int group(const struct step *s)
{
	struct pci_group_member member[DEVICES];
	int n = pci_device_group(device_of(s), member, DEVICES);

	if (n > 0)
		FUZZ_ASSERT(member[0].sbdf.sbdf == device_of(s).sbdf);
	return n < 0 ? n : 0;
}

static int reset(const struct step *s)
{
	enum pci_reset_method used;
	const char *why = NULL;

	return pci_reset_device(
		device_of(s),
		(enum pci_reset_method)(s->a % (PCI_RESET_METHODS + 1)), &used,
		&why);
}

static int order(const struct step *s)
{
	enum pci_reset_method by[PCI_RESET_METHODS];
	int err = pci_reset_methods(device_of(s));

	if (err < 0)
		return err;
	by[0] = (enum pci_reset_method)(s->a % PCI_RESET_METHODS);
	by[1] = (enum pci_reset_method)(s->b % PCI_RESET_METHODS);
	return pci_reset_order(s->c & 1 ? pci_sbdf_from(UINT32_MAX)
					: device_of(s),
			       by, s->c >> 1 & 1 ? 0 : 1 + (by[0] != by[1]));
}

static int quarantine(const struct step *s)
{
	int err = pci_quarantine_device(device_of(s), "a walk");

	if (!err && undisturbed())
		FUZZ_ASSERT(owner_of(device_of(s)) == DOMID_IO);
	return err;
}

static int unquarantine(const struct step *s)
{
	const char *why = NULL;
	int err = pci_unquarantine_device(device_of(s), &why);

	if (undisturbed() && !err)
		FUZZ_ASSERT(owner_of(device_of(s)) == DOMID_HARDWARE);
	if (undisturbed() && err == -EIO)
		FUZZ_ASSERT(owner_of(device_of(s)) == DOMID_IO && why);
	return err;
}

static int hide(const struct step *s)
{
	int err = pci_hide_device(device_of(s), s->a & 1);

	if (!err && s->a & 1 && undisturbed())
		FUZZ_ASSERT(owner_of(device_of(s)) == DOMID_HIDDEN);
	return err;
}

static int mark(const struct step *s)
{
	struct pci_dev *pdev;
	int err = pci_lookup(NULL, device_of(s), &pdev);

	if (err)
		return err;
	if (s->a & 1)
		pcidev_set_broken(pdev, "a walk");
	else if (s->a & 2)
		pcidev_set_read_only(pdev, s->a & 4);
	else
		err = pcidev_mend(pdev);
	pcidev_put(pdev);
	return err;
}

static int policy(const struct step *s)
{
	return vpci_policy_set(device_of(s), NULL);
}

const struct operation owner_operations[] = {
	{ "assign",
	  assign,
	  { -ENODEV, -EBUSY, -EBADF, -EINVAL, -EPERM, -EIO, -EEXIST, -ENOSPC,
	    -E2BIG, -EOPNOTSUPP, -ENOMEM } },
	{ "deassign",
	  deassign,
	  { -ENODEV, -EBUSY, -EINVAL, -EPERM, -E2BIG, -ENOMEM, -EIO } },
	{ "group", group, { -ENODEV, -EBUSY, -E2BIG, -ENOMEM } },
	{ "reset",
	  reset,
	  { -ENODEV, -EBUSY, -EBADF, -EINVAL, -EOPNOTSUPP, -EIO } },
	{ "order", order, { -ENODEV, -EBUSY } },
	{ "quarantine", quarantine, { -ENODEV, -EBUSY, -EPERM, -EIO } },
	{ "unquarantine",
	  unquarantine,
	  { -ENODEV, -EINVAL, -EBUSY, -EIO, -EPERM, -E2BIG, -ENOMEM } },
	{ "hide", hide, { -ENODEV, -EBUSY, -EBADF, -EIO } },
	{ "mark", mark, { -ENODEV, -EBUSY, -EIO } },
	{ "policy", policy, { -ENODEV, -EBUSY } },
	{ NULL }
};
