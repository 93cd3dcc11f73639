/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VF Enable, an operation in steps, against all that takes the PF or its VF
 * away meanwhile: V1 to V6 of core/vpci/vfs.c.
 */
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>

#include "world.h"

#define CONTROL (WORLD_SRIOV + PCI_SRIOV_CTRL)
#define ON PCI_SRIOV_CTRL_VFE

static int result;
static bool there;

static void begin(void)
{
	world_with(WORLD_VFS);
	world_pf();
	vpci_vcpu_init(&world_vcpu, hardware_domain);
	ensure(!domain_create(1, "one", NULL, NULL, &guest_one));
}

/* To the end of what it was told to do; or it is nobody's any more. */
static void settle(struct vpci_vcpu *vcpu)
{
	uint64_t when;

	while (vpci_process_pending(vcpu, &when) == PCI_AGAIN) {
		if (when > plat_now())
			explore_sleep_until(when);
		else
			explore_yield();
	}
}

static void write_control(struct vpci_vcpu *vcpu, uint16_t val)
{
	while (vpci_write(vcpu, PF, CONTROL, 2, val) == PCI_AGAIN)
		explore_yield();
}

static bool is_there(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return !pci_query(sbdf, &info);
}

static void begin_enabled(void)
{
	begin();
	write_control(&world_vcpu, ON);
	settle(&world_vcpu);
	ensure(is_there(VF) && world_vf_control() == ON);
}

/* V3: there is a VF only where there can be one. */
static void end(void)
{
	vpci_vcpu_fini(&world_vcpu);
	ensure(!is_there(VF) || world_vf_control() == ON);
	ensure(!is_there(VF) || is_there(PF));
	world_end();
}

static void enable(void)
{
	write_control(&world_vcpu, ON);
	settle(&world_vcpu);
}

static void disable(void)
{
	write_control(&world_vcpu, 0);
	settle(&world_vcpu);
}

/* --- the PF changes hands ---------------------------------------------------------- */

/* While it is a guest's nobody sets VF Enable, and no VF comes or goes. */
static void give(void)
{
	pci_sbdf_t at = GUEST_SLOT;

	result = pci_assign_device(guest_one, PF, 0, &at, NULL);
	ensure(!result || result == -EBUSY);
	there = is_there(VF);
	world_vf_guard(!result);
}

static void give_and_take(void)
{
	give();
	if (result)
		return;
	explore_yield();
	ensure(is_there(VF) == there);
	world_vf_guard(false);
	ensure(!pci_deassign_device(guest_one, PF, 0, NULL));
}

static void end_given(void)
{
	ensure(result || is_there(VF) == there);
	end();
}

static void end_settled(void)
{
	/* What was forgotten is so whole, and can be wanted again. */
	disable();
	ensure(!is_there(VF) && !world_vf_control());
	enable();
	ensure(is_there(VF) && world_vf_control() == ON);
	end();
}

SCENARIO(enable_assign, .name = "vfs/enable_against_assign",
	 .rule = "V5: of a PF that is a guest's nothing is enabled",
	 .setup = begin, .finish = end_settled,
	 .thread = { { "vcpu", enable }, { "toolstack", give_and_take } });
SCENARIO(disable_assign, .name = "vfs/disable_against_assign",
	 .rule = "V5: nor is it disabled", .setup = begin_enabled,
	 .finish = end_given,
	 .thread = { { "vcpu", disable }, { "toolstack", give } });

static void hide(void)
{
	result = pci_hide_device(PF, true);
	ensure(!result || result == -EBUSY);
	if (!result)
		world_vf_guard(true);
}

SCENARIO(enable_hide, .name = "vfs/enable_against_hide",
	 .rule = "V5: nor of one that is hidden", .setup = begin, .finish = end,
	 .thread = { { "vcpu", enable }, { "toolstack", hide } });

/* --- the PF goes ----------------------------------------------------------------------- */

static void remove_pf(void)
{
	result = world_remove(PF, 0, MSEC);
	ensure(!result || result == -EBUSY);
	ensure(result || !is_there(VF));
}

static void lose_pf(void)
{
	ensure(!world_lose(PF));
	ensure(!is_there(VF));
}

SCENARIO(enable_remove, .name = "vfs/enable_against_removal",
	 .rule = "V1, V4: nobody waits for a vCPU, and no VF is left",
	 .setup = begin, .finish = end,
	 .thread = { { "vcpu", enable }, { "remover", remove_pf } });
SCENARIO(enable_lose, .name = "vfs/enable_against_loss",
	 .rule = "V1, V6: a loss takes the VF that has just come",
	 .setup = begin, .finish = end,
	 .thread = { { "vcpu", enable }, { "loser", lose_pf } });
SCENARIO(disable_lose, .name = "vfs/disable_against_loss",
	 .rule = "V6: a loss and a step that removes a VF",
	 .setup = begin_enabled, .finish = end,
	 .thread = { { "vcpu", disable }, { "loser", lose_pf } });

/* --- the VF is used ---------------------------------------------------------------------- */

static void use_vf(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, VF);

	if (!pdev)
		return;
	ensure(world_vf_control() == ON);
	world_touch(pdev);
	pcidev_put(pdev);
}

static void remove_vf(void)
{
	result = world_remove(VF, 0, MSEC);
	ensure(!result || result == -EBUSY || result == -ENODEV ||
	       result == -EALREADY);
}

static void disabled(void)
{
	ensure(!is_there(VF) && !world_vf_control());
	end();
}

SCENARIO(disable_use, .name = "vfs/disable_against_use",
	 .rule = "V3: VF Enable is set while anybody has a reference to a VF",
	 .setup = begin_enabled, .finish = disabled,
	 .thread = { { "vcpu", disable }, { "user", use_vf } });
SCENARIO(disable_removal, .name = "vfs/disable_against_removal_of_a_vf",
	 .rule = "V2: a VF that somebody else removes is gone",
	 .setup = begin_enabled, .finish = end,
	 .thread = { { "vcpu", disable }, { "remover", remove_vf } });

/* --- two vCPUs ------------------------------------------------------------------------- */

static void second(uint16_t val)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, hardware_domain);
	write_control(&vcpu, val);
	settle(&vcpu);
	vpci_vcpu_fini(&vcpu);
}

static void enable_too(void)
{
	second(ON);
}

static void disable_meanwhile(void)
{
	second(0);
}

static void is_enabled(void)
{
	ensure(is_there(VF) && world_vf_control() == ON);
	end();
}

/* The last write wins, whichever it was: nothing is left half way. */
static void is_decided(void)
{
	ensure(is_there(VF) == (world_vf_control() == ON));
	end();
}

SCENARIO(enable_twice, .name = "vfs/two_enable",
	 .rule = "V1: of two vCPUs each finds it done when it has settled",
	 .setup = begin, .finish = is_enabled,
	 .thread = { { "vcpu", enable }, { "vcpu2", enable_too } });
SCENARIO(enable_disable, .name = "vfs/enable_against_disable",
	 .rule = "V2: the last write wins", .setup = begin,
	 .finish = is_decided,
	 .thread = { { "vcpu", enable }, { "vcpu2", disable_meanwhile } });

const struct explore_scenario *const vfs_scenarios[] = {
	&enable_assign, &disable_assign, &enable_hide, &enable_remove,
	&enable_lose,   &disable_lose,   &disable_use, &disable_removal,
	&enable_twice,  &enable_disable, NULL,
};
