/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that come, are held, and go: removed, forced off, pulled. */
#include "machine.h"

#define SECOND PLAT_NSEC_PER_SEC

/* -EIO: it would not become quiet, and says why; or nothing has happened. */
static int remove_it(pci_sbdf_t sbdf, unsigned int flags)
{
	struct pci_removal_info info;
	int err;

	if (!is_there(sbdf))
		return 0;
	err = pci_remove_device(sbdf, flags, SECOND, &info);
	CHECK_EQUAL(info.result, err);
	if (err == -EIO) {
		CHECK_EQUAL(info.phase, PCI_REMOVAL_FAILED);
		CHECK(info.reason);
	}
	if (err == -ENOMEM)
		CHECK(!info_of(sbdf).broken);
	return err;
}

static int add_it(pci_sbdf_t sbdf)
{
	int err = pci_add_device(sbdf);

	if (err)
		CHECK(!is_there(sbdf));
	return err;
}

/* The port's card, and what is below. */
static int scan_slot(pci_sbdf_t sbdf)
{
	struct pci_scan found;

	CHECK_EQUAL(pci_scan_slot(sbdf, &found), 0);
	return found.error;
}

/* --- one function ------------------------------------------------------------- */

static int remove_all(void)
{
	return remove_it(ALL, 0);
}

static int remove_all_ask(void)
{
	return remove_it(ALL, PCI_REMOVE_ASK);
}

static int remove_all_force(void)
{
	return remove_it(ALL, PCI_REMOVE_ASK | PCI_REMOVE_FORCE);
}

static bool is_removed(void)
{
	return !is_there(ALL);
}

static int add_all(void)
{
	return add_it(ALL);
}

static bool is_added(void)
{
	return is_sound(ALL) && mode_of(ALL) == IOMMU_IDENTITY;
}

#define REMOVE                                                          \
	{                                                               \
		"remove", remove_all, removal_errors, is_removed, false \
	}
#define ADD                                                \
	{                                                  \
		"add", add_all, add_errors, is_added, true \
	}

static const struct scenario remove_plain = {
	.name = "remove",
	.step = (const struct step[]){ REMOVE, ADD, REMOVE, ADD, { 0 } },
};

static const struct scenario remove_ask = {
	.name = "remove-ask",
	.step =
		(const struct step[]){
			{ "remove", remove_all_ask, removal_errors, is_removed,
			  false },
			ADD,
			{ 0 },
		},
};

/* --- a guest's ------------------------------------------------------------------- */

static int give_all(void)
{
	return give(one, ALL, 0);
}

static bool is_ones(void)
{
	return is_there(ALL) && owner_of(ALL) == domain_id(one) &&
	       mode_of(ALL) == IOMMU_SPACE;
}

static int use_all(void)
{
	uint16_t msi = info_of(ALL).desc.msi;

	guest_write(&vcpu, ALL, PCI_BASE_ADDRESS_0, 4, BAR_AT);
	guest_write(&vcpu, ALL, PCI_COMMAND, 2,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	guest_write(&vcpu, ALL, msi + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	guest_write(&vcpu, ALL, msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	return 0;
}

static const struct scenario remove_force = {
	.name = "remove-force",
	.step =
		(const struct step[]){
			CREATE_ONE,
			{ "assign", give_all, assign_errors, is_ones, false },
			{ "use", use_all, NULL, NULL, true },
			{ "remove", remove_all_force, removal_errors,
			  is_removed, false },
			ADD,
			DESTROY_ONE,
			{ 0 },
		},
};

/* Asked, it lets go; in steps. */
static int remove_stepped(void)
{
	struct pci_removal *op;
	int err;

	if (!is_there(ALL))
		return 0;
	err = pci_removal_start(ALL, PCI_REMOVE_ASK, SECOND, "test", NULL, NULL,
				&op);
	if (err)
		return err;
	err = pci_removal_step(op);
	if (err == -EINPROGRESS && owner_of(ALL) == domain_id(one))
		CHECK_EQUAL(pci_domain_return(one, ALL), 0);
	if (err == -EINPROGRESS)
		err = pci_removal_wait(op);
	pci_removal_finish(op);
	return err;
}

/* What was given back when asked comes home: reset, and the host's. */
static int cancel_stepped(void)
{
	struct pci_removal *op;
	int err = pci_removal_start(ALL, PCI_REMOVE_ASK, SECOND, "test", NULL,
				    NULL, &op);

	if (err)
		return err;
	err = pci_removal_step(op);
	if (err == -EINPROGRESS && owner_of(ALL) == domain_id(one))
		CHECK_EQUAL(pci_domain_return(one, ALL), 0);
	CHECK_EQUAL(pci_removal_cancel(op), 0);
	err = pci_removal_wait(op);
	pci_removal_finish(op);
	return err == -ECANCELED ? 0 : err;
}

static const struct scenario remove_steps = {
	.name = "remove-stepped",
	.step =
		(const struct step[]){
			CREATE_ONE,
			{ "assign", give_all, assign_errors, is_ones, false },
			{ "use", use_all, NULL, NULL, true },
			{ "remove", remove_stepped, removal_errors, is_removed,
			  false },
			ADD,
			{ "assign again", give_all, assign_errors, is_ones,
			  false },
			{ "cancel", cancel_stepped, removal_errors, is_added,
			  true },
			DESTROY_ONE,
			{ 0 },
		},
};

/* --- more than one function --------------------------------------------------------- */

static int remove_pf(void)
{
	return remove_it(PF, PCI_REMOVE_FORCE);
}

static bool is_pf_removed(void)
{
	return !is_there(PF) && !is_there(VF_1) && !is_there(VF_2);
}

/* Out and in again: firmware switches the VFs on. */
static int plug_pf(void)
{
	unplug_from(PF_PORT);
	plug_into(PF_PORT, "pf");
	return scan_slot(PF);
}

static bool is_pf_added(void)
{
	return is_sound(PF) && is_sound(VF_1) && is_sound(VF_2);
}

static const struct scenario pf_with_vfs = {
	.name = "pf",
	.step =
		(const struct step[]){
			{ "remove", remove_pf, removal_errors, is_pf_removed,
			  false },
			{ "plug", plug_pf, add_errors, is_pf_added, true },
			{ 0 },
		},
};

static int remove_port(void)
{
	return remove_it(PORT, PCI_REMOVE_ASK);
}

static bool is_port_removed(void)
{
	return !is_there(PORT) && !is_there(ALL);
}

static int add_port(void)
{
	return scan_slot(PORT);
}

static bool is_port_added(void)
{
	return is_sound(PORT) && is_added();
}

static const struct scenario bridge = {
	.name = "bridge",
	.step =
		(const struct step[]){
			{ "remove", remove_port, removal_errors,
			  is_port_removed, false },
			{ "add", add_port, add_errors, is_port_added, true },
			{ 0 },
		},
};

/* --- cards that come and go ------------------------------------------------------------ */

static int plug(void)
{
	plug_into(SLOT, "all");
	return scan_slot(CARD);
}

static bool is_card_added(void)
{
	return is_sound(CARD) && mode_of(CARD) == IOMMU_IDENTITY;
}

static int remove_card(void)
{
	return remove_it(CARD, PCI_REMOVE_SLOT);
}

static int unplug(void)
{
	unplug_from(SLOT);
	return 0;
}

static bool is_no_card(void)
{
	return !is_there(CARD);
}

static const struct scenario plugged = {
	.name = "plug",
	.step =
		(const struct step[]){
			{ "plug", plug, add_errors, is_card_added, true },
			{ "remove", remove_card, removal_errors, is_no_card,
			  false },
			{ "unplug", unplug, NULL, is_no_card, false },
			{ 0 },
		},
};

static int pull(void)
{
	int err;

	inject_pause();
	(void)!fabric_surprise(f, ALL);
	inject_resume();
	if (!is_there(ALL))
		return 0;
	err = pci_device_lost(ALL);
	CHECK(!is_there(ALL));
	return err;
}

static int plug_again(void)
{
	plug_into(PORT, "all");
	return scan_slot(ALL);
}

static const struct scenario lost = {
	.name = "lost",
	.keeps_spaces = true,
	.step =
		(const struct step[]){
			CREATE_ONE,
			{ "assign", give_all, assign_errors, is_ones, false },
			{ "use", use_all, NULL, NULL, true },
			{ "pull", pull, NULL, is_removed, false },
			{ "plug", plug_again, add_errors, is_added, true },
			{ "pull again", pull, NULL, is_removed, false },
			{ "plug again", plug_again, add_errors, is_added,
			  true },
			DESTROY_ONE,
			{ 0 },
		},
};

/* --- holds -------------------------------------------------------------------------------- */

static struct pci_hold *hold;

static int take_hold(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, ALL);
	int err = 0;

	CHECK(pdev);
	if (!hold)
		err = pci_hold_take(pdev, PCI_HOLD_PIN, "test", NULL, NULL,
				    &hold);
	pcidev_put(pdev);
	if (err)
		CHECK_EQUAL(info_of(ALL).holds, 0);
	return err;
}

static bool is_held(void)
{
	return hold && info_of(ALL).holds == 1;
}

/* In use: it stays, whatever fails. */
static int refuse(void)
{
	int err = pci_remove_device(ALL, 0, SECOND, NULL);

	return err == -EBUSY ? 0 : err;
}

static int release_hold(void)
{
	if (hold)
		pci_hold_release(hold);
	hold = NULL;
	return 0;
}

static bool is_free(void)
{
	return !info_of(ALL).holds;
}

static const struct scenario held = {
	.name = "hold",
	.step =
		(const struct step[]){
			{ "hold", take_hold, memory_only, is_held, false },
			{ "refuse", refuse, memory_only, is_held, false },
			{ "release", release_hold, NULL, is_free, false },
			REMOVE,
			ADD,
			{ 0 },
		},
};

const struct scenario *const device_scenarios[] = {
	&remove_plain, &remove_ask, &remove_force, &remove_steps, &pf_with_vfs,
	&bridge,       &plugged,    &lost,         &held,         NULL,
};
