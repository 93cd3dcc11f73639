/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that change hands: each kind of them, alone, with its group, and with
 * its guest's death; hidden; in quarantine and out of it.
 */
#include "machine.h"

/* Which device a scenario is about. */
static bool has(pci_sbdf_t sbdf)
{
	return owner_of(sbdf) == domain_id(one) && !info_of(sbdf).broken &&
	       mode_of(sbdf) == IOMMU_SPACE;
}

static bool is_home(pci_sbdf_t sbdf)
{
	return is_sound(sbdf) && mode_of(sbdf) == IOMMU_IDENTITY;
}

/* -EIO: of the unit, and it is home; or it is in quarantine, with a reason. */
static int assign(pci_sbdf_t sbdf, unsigned int flags)
{
	int err = give(one, sbdf, flags);

	if (err == -ENOMEM)
		CHECK(is_home(sbdf));
	if (err == -EIO && owner_of(sbdf) == DOMID_IO)
		CHECK(info_of(sbdf).broken);
	else if (err)
		CHECK(is_home(sbdf));
	return err;
}

static int deassign(pci_sbdf_t sbdf, unsigned int flags)
{
	int err = take(one, sbdf, flags);

	if (err == -EIO)
		CHECK(owner_of(sbdf) != domain_id(one));
	else if (err)
		CHECK(has(sbdf));
	return err;
}

/* The functions of a scenario about one device: given, taken, given, lost. */
#define DEVICE(id, sbdf, flags)                                             \
	static int give_##id(void)                                          \
	{                                                                   \
		return assign(sbdf, flags);                                 \
	}                                                                   \
	static bool has_##id(void)                                          \
	{                                                                   \
		return has(sbdf);                                           \
	}                                                                   \
	static int take_##id(void)                                          \
	{                                                                   \
		return deassign(sbdf, (flags)&PCI_ASSIGN_GROUP);            \
	}                                                                   \
	static bool is_home_##id(void)                                      \
	{                                                                   \
		return is_home(sbdf);                                       \
	}                                                                   \
	static int kill_##id(void)                                          \
	{                                                                   \
		return one ? destroy_one() : 0;                             \
	}                                                                   \
	static const struct scenario owner_##id = {                         \
		.name = "assign-" #id,                                      \
		.step =                                                     \
			(const struct step[]){                              \
				CREATE_ONE,                                 \
				{ "assign", give_##id, assign_errors,       \
				  has_##id, false },                        \
				{ "deassign", take_##id, deassign_errors,   \
				  is_home_##id, false },                    \
				{ "assign again", give_##id, assign_errors, \
				  has_##id, false },                        \
				{ "destroy", kill_##id, NULL, is_home_##id, \
				  true },                                   \
				{ 0 },                                      \
			},                                                  \
	}

DEVICE(all, ALL, 0);
DEVICE(pair, PAIR, PCI_ASSIGN_GROUP);
DEVICE(phantom, PHANTOM, 0);
DEVICE(legacy, LEGACY, 0);
DEVICE(region, REGION, PCI_ASSIGN_RELAXED);
DEVICE(pm, PM_ONLY, 0);
DEVICE(bus, BUS_ONLY, 0);
DEVICE(vf, VF_1, PCI_ASSIGN_GROUP);

/* --- without one ------------------------------------------------------------------- */

static const struct scenario domains = {
	.name = "domain",
	.step = (const struct step[]){ CREATE_ONE,
				       DESTROY_ONE,
				       CREATE_ONE,
				       DESTROY_ONE,
				       { 0 } },
};

/* --- several at once, and one after the other ------------------------------------------ */

static const pci_sbdf_t *several(unsigned int *n)
{
	static pci_sbdf_t all[4];

	all[0] = ALL;
	all[1] = PHANTOM;
	all[2] = LEGACY;
	all[3] = BUS_ONLY;
	*n = ARRAY_SIZE(all);
	return all;
}

static int give_several(void)
{
	unsigned int i, n;
	const pci_sbdf_t *all = several(&n);
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = assign(all[i], 0);
	return err;
}

static bool has_several(void)
{
	unsigned int i, n;
	const pci_sbdf_t *all = several(&n);

	for (i = 0; i < n; i++)
		if (!has(all[i]))
			return false;
	return true;
}

static bool are_home(void)
{
	unsigned int i, n;
	const pci_sbdf_t *all = several(&n);

	for (i = 0; i < n; i++)
		if (!is_home(all[i]))
			return false;
	return true;
}

static int kill_one(void)
{
	return one ? destroy_one() : 0;
}

static const struct scenario many = {
	.name = "assign-several",
	.step =
		(const struct step[]){
			CREATE_ONE,
			{ "assign", give_several, assign_errors, has_several,
			  false },
			{ "destroy", kill_one, NULL, are_home, true },
			{ 0 },
		},
};

static int create_two(void)
{
	return two ? 0 : domain_create(0, "two", NULL, NULL, &two);
}

static bool is_two(void)
{
	return two;
}

static int give_two(void)
{
	int err = give(two, ALL, 0);

	if (err == -ENOMEM)
		CHECK(is_home(ALL));
	return err;
}

static bool has_two(void)
{
	return owner_of(ALL) == domain_id(two) && mode_of(ALL) == IOMMU_SPACE;
}

static int give_back(void)
{
	if (owner_of(ALL) == domain_id(two))
		CHECK_EQUAL(pci_domain_return(two, ALL), 0);
	return 0;
}

static int destroy_two(void)
{
	int err = two ? domain_destroy(two) : 0;

	domain_put(two);
	two = NULL;
	return err;
}

static bool is_no_two(void)
{
	return !two;
}

static const struct scenario from_hand_to_hand = {
	.name = "reassign",
	.step =
		(const struct step[]){
			CREATE_ONE,
			{ "create two", create_two, memory_only, is_two,
			  false },
			{ "assign", give_all, assign_errors, has_all, false },
			{ "deassign", take_all, deassign_errors, is_home_all,
			  false },
			{ "assign to two", give_two, assign_errors, has_two,
			  false },
			{ "give back", give_back, NULL, is_home_all, true },
			DESTROY_ONE,
			{ "destroy two", destroy_two, NULL, is_no_two, false },
			{ 0 },
		},
};

/* --- hidden ---------------------------------------------------------------------------- */

static int hide(void)
{
	int err = pci_hide_device(ALL, true);

	if (err)
		CHECK(owner_of(ALL) == DOMID_IO && info_of(ALL).broken);
	return err;
}

static bool is_hidden(void)
{
	return owner_of(ALL) == DOMID_HIDDEN;
}

static int show(void)
{
	return pci_hide_device(ALL, false);
}

static const struct scenario hidden = {
	.name = "hide",
	.step =
		(const struct step[]){
			{ "hide", hide, hide_errors, is_hidden, false },
			{ "show", show, hide_errors, is_home_all, false },
			{ 0 },
		},
};

/* --- quarantine ------------------------------------------------------------------------- */

static const struct answer unquarantine_errors[] = {
	{ -ENOMEM, OF_MEMORY },
	{ -EIO, OF_HARDWARE | OF_UNIT_MEM },
	LAST,
};

static int put_in(void)
{
	return pci_quarantine_device(ALL, "a test");
}

static bool is_in(void)
{
	return owner_of(ALL) == DOMID_IO && info_of(ALL).broken;
}

static int take_out(void)
{
	const char *why = NULL;
	int err;

	if (owner_of(ALL) != DOMID_IO)
		return 0;
	err = pci_unquarantine_device(ALL, &why);
	if (err)
		CHECK(is_in());
	if (err == -EIO)
		CHECK(why);
	return err;
}

static const struct scenario quarantine = {
	.name = "quarantine",
	.step =
		(const struct step[]){
			{ "in", put_in, quarantine_errors, is_in, false },
			{ "out", take_out, unquarantine_errors, is_home_all,
			  false },
			{ 0 },
		},
};

/* --- from quarantine to a guest -------------------------------------------------------- */

static int put_pair_in(void)
{
	int err = pci_quarantine_device(PAIR, "a test");

	return err ? err : pci_quarantine_device(PAIR_1, "a test");
}

static bool rests(pci_sbdf_t sbdf)
{
	return owner_of(sbdf) == DOMID_IO && info_of(sbdf).broken &&
	       mode_of(sbdf) == IOMMU_BLOCKED;
}

static bool pair_rests(void)
{
	return rests(PAIR) && rests(PAIR_1);
}

static bool has_pair_both(void)
{
	return has(PAIR) && has(PAIR_1);
}

/* Both, or none; and that is in quarantine then, if it was. */
static int give_rested(void)
{
	bool rested = pair_rests();
	int err = give(one, PAIR, PCI_ASSIGN_GROUP | PCI_ASSIGN_QUARANTINED);

	if (err && rested)
		CHECK(pair_rests());
	return err;
}

static const struct scenario from_quarantine = {
	.name = "assign-quarantined",
	.step =
		(const struct step[]){
			CREATE_ONE,
			{ "in", put_pair_in, quarantine_errors, pair_rests,
			  false },
			{ "assign", give_rested, assign_errors, has_pair_both,
			  false },
			{ "deassign", take_pair, deassign_errors, is_home_pair,
			  false },
			DESTROY_ONE,
			{ 0 },
		},
};

const struct scenario *const owner_scenarios[] = {
	&domains,       &owner_all,         &owner_pair,
	&owner_phantom, &owner_legacy,      &owner_region,
	&owner_pm,      &owner_bus,         &owner_vf,
	&many,          &from_hand_to_hand, &hidden,
	&quarantine,    &from_quarantine,   NULL,
};
