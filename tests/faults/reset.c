/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets that are asked for, by each method; in quarantine, too. */
#include "machine.h"

static bool is_home(pci_sbdf_t sbdf)
{
	return is_sound(sbdf) && mode_of(sbdf) == IOMMU_IDENTITY;
}

/* -EIO: it is in quarantine, with the reason. Anything else: as before. */
static int reset(pci_sbdf_t sbdf, enum pci_reset_method method)
{
	enum pci_reset_method used = PCI_RESET_METHODS;
	const char *why = NULL;
	int err = pci_reset_device(sbdf, method, &used, &why);

	if (!err)
		CHECK_EQUAL(used, method);
	if (err == -EIO)
		CHECK(why && owner_of(sbdf) == DOMID_IO);
	else
		CHECK(is_home(sbdf));
	return err;
}

#define METHOD(id, sbdf, method)                                           \
	static int reset_##id(void)                                        \
	{                                                                  \
		return reset(sbdf, method);                                \
	}                                                                  \
	static bool is_home_##id(void)                                     \
	{                                                                  \
		return is_home(sbdf);                                      \
	}                                                                  \
	static const struct scenario by_##id = {                           \
		.name = "reset-" #id,                                      \
		.step =                                                    \
			(const struct step[]){                             \
				{ "reset", reset_##id, reset_errors,       \
				  is_home_##id, false },                   \
				{ "reset again", reset_##id, reset_errors, \
				  is_home_##id, false },                   \
				{ 0 } },                                   \
	}

METHOD(flr, ALL, PCI_RESET_FLR);
METHOD(af, LEGACY, PCI_RESET_AF);
METHOD(pm, PM_ONLY, PCI_RESET_PM);
METHOD(bus, BUS_ONLY, PCI_RESET_BUS);
METHOD(vf, VF_1, PCI_RESET_FLR);

const struct scenario *const reset_scenarios[] = { &by_flr, &by_af, &by_pm,
						   &by_bus, &by_vf, NULL };
