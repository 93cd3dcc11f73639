/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's life with a device: its view, BARs, Command, messages, resets, a
 * ROM; and the hardware domain's virtual functions. Nobody tells a guest that
 * something has failed; it tries again.
 */
#include "machine.h"

#define ECAM 0xf0000000ull
#define ROM_AT 0xe8000000ull
#define BAR_1_AT 0xe4000000ull

/* --- before it has one --------------------------------------------------------- */

static bool added_window, added_ecam, added_policy;

static int create_and_shape(void)
{
	int err = create_one();

	added_window = added_ecam = added_policy = false;
	return err;
}

static int window(void)
{
	int err = added_window ? 0
			       : vpci_window_add(one, 0xe0000000, 0x10000000);

	added_window = !err;
	return err;
}

static int ecam(void)
{
	int err = added_ecam ? 0 : vpci_ecam_add(one, ECAM, 0, 0, 0);

	added_ecam = !err;
	return err;
}

static bool has_ecam(void)
{
	return vpci_ecam_covers(one, ECAM);
}

static int policy(void)
{
	if (owner_of(ALL) == domain_id(one))
		return 0;
	return vpci_policy_set(ALL, &vpci_policy_guest);
}

/* A capability whose set-up failed is hidden: there is no other way to say. */
static bool has_all(void)
{
	struct vpci_info view;

	return owner_of(ALL) == domain_id(one) && !vpci_query(ALL, &view) &&
	       !view.failed;
}

/* … but to take it back, and give it again. */
static int give_all(void)
{
	if (owner_of(ALL) == domain_id(one) && !has_all())
		CHECK_EQUAL(take(one, ALL, 0), 0);
	return give(one, ALL, 0);
}

/* --- registers ------------------------------------------------------------------- */

static struct vpci_info view_of(pci_sbdf_t sbdf)
{
	struct vpci_info view;

	CHECK_EQUAL(vpci_query(sbdf, &view), 0);
	return view;
}

static int place_bars(void)
{
	guest_write(&vcpu, ALL, PCI_COMMAND, 2, 0);
	guest_write(&vcpu, ALL, PCI_BASE_ADDRESS_0, 4, BAR_AT);
	guest_write(&vcpu, ALL, PCI_BASE_ADDRESS_1, 4, BAR_1_AT);
	guest_write(&vcpu, ALL, PCI_BASE_ADDRESS_2, 4, 0);
	return 0;
}

static bool are_placed(void)
{
	struct vpci_info view = view_of(ALL);

	return view.bar[0].guest == BAR_AT && view.bar[1].guest == BAR_1_AT;
}

static int decode(void)
{
	guest_write(&vcpu, ALL, PCI_COMMAND, 2, 0);
	guest_write(&vcpu, ALL, PCI_COMMAND, 2,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

static bool is_decoded(void)
{
	struct vpci_info view = view_of(ALL);

	return view.bar[1].decode && !view.bar[0].failed &&
	       view.bar[1].mapped == view.bar[1].size &&
	       config(ALL, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

static int move_bar(void)
{
	guest_write(&vcpu, ALL, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	guest_write(&vcpu, ALL, PCI_BASE_ADDRESS_1, 4, BAR_1_AT + 0x100000);
	guest_write(&vcpu, ALL, PCI_COMMAND, 2,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

static bool is_moved(void)
{
	struct vpci_info view = view_of(ALL);

	return view.bar[1].guest == BAR_1_AT + 0x100000 &&
	       view.bar[1].mapped == view.bar[1].size;
}

/* What cannot be mapped has switched memory decode off. */
static int rom_on(void)
{
	guest_write(&vcpu, ALL, PCI_ROM_ADDRESS, 4, 0);
	guest_write(&vcpu, ALL, PCI_ROM_ADDRESS, 4,
		    ROM_AT | PCI_ROM_ADDRESS_ENABLE);
	guest_write(&vcpu, ALL, PCI_COMMAND, 2,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

static bool has_rom(void)
{
	struct vpci_info view = view_of(ALL);

	return view.bar[PCI_BAR_FIRST_ROM].guest == ROM_AT &&
	       view.bar[PCI_BAR_FIRST_ROM].mapped ==
		       view.bar[PCI_BAR_FIRST_ROM].size;
}

static int rom_off(void)
{
	guest_write(&vcpu, ALL, PCI_ROM_ADDRESS, 4, ROM_AT);
	return 0;
}

static bool has_no_rom(void)
{
	return !view_of(ALL).bar[PCI_BAR_FIRST_ROM].mapped;
}

static uint32_t read_id(void)
{
	uint64_t val;

	CHECK_EQUAL(
		vpci_ecam_read(one,
			       ECAM + ((uint64_t)info_of(ALL).vsbdf.bdf << 12),
			       4, &val),
		PCI_DONE);
	return (uint32_t)val;
}

/* All-ones, at worst; the whole register comes from the view. */
static int look(void)
{
	uint64_t val;

	CHECK(read_id() == 0x00051b36 || inject_fired());
	(void)guest_read(&vcpu, ALL, PCI_STATUS, 2);
	CHECK_EQUAL(vpci_mmio_read(one, BAR_AT + 0x2000, 4, &val), PCI_DONE);
	CHECK_EQUAL(vpci_mmio_read(one, BAR_AT + 0x3800, 4, &val), PCI_DONE);
	CHECK_EQUAL(vpci_mmio_write(&vcpu, BAR_AT + 0x3800, 4, 0), PCI_DONE);
	return 0;
}

/* --- messages ------------------------------------------------------------------------ */

static struct pci_irq_info irqs(pci_sbdf_t sbdf)
{
	struct pci_irq_info info;

	CHECK_EQUAL(pci_irq_query(sbdf, &info), 0);
	return info;
}

static int msi_on(void)
{
	uint16_t msi = info_of(ALL).desc.msi;

	guest_write(&vcpu, ALL, msi + PCI_MSI_FLAGS, 2, 0);
	guest_write(&vcpu, ALL, msi + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	guest_write(&vcpu, ALL, msi + PCI_MSI_FLAGS, 2,
		    PCI_MSI_FLAGS_ENABLE | 2 << 4);
	/* It is told, in the books at least. */
	CHECK(irqs(ALL).msi == 4 || irqs(ALL).failed || inject_fired());
	return 0;
}

static bool arrives(unsigned int vector)
{
	unsigned int before = came;

	return !interrupt(ALL, vector) && came == before + 1;
}

static bool has_msi(void)
{
	return irqs(ALL).msi == 4 && !irqs(ALL).failed &&
	       view_of(ALL).msi_enabled == 4 && arrives(3);
}

static int msi_mask(void)
{
	uint16_t msi = info_of(ALL).desc.msi;
	/* 64-bit addresses, or not: where the mask bits are. */
	bool is_64 = guest_read(&vcpu, ALL, msi + PCI_MSI_FLAGS, 2) &
		     PCI_MSI_FLAGS_64BIT;
	uint16_t mask = msi + (is_64 ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);

	guest_write(&vcpu, ALL, mask, 4, 1);
	guest_write(&vcpu, ALL, mask, 4, 0);
	return 0;
}

static int msi_off(void)
{
	guest_write(&vcpu, ALL, info_of(ALL).desc.msi + PCI_MSI_FLAGS, 2, 0);
	return 0;
}

static bool has_no_vectors(void)
{
	return !irqs(ALL).msi && !irqs(ALL).msix;
}

static void write_table(unsigned int i, unsigned int at, uint8_t size,
			uint64_t val)
{
	CHECK_EQUAL(vpci_mmio_write(&vcpu, BAR_AT + 0x2000 + 16 * i + at, size,
				    val),
		    PCI_DONE);
}

static int msix_on(void)
{
	uint16_t ctl = info_of(ALL).desc.msix + PCI_MSIX_FLAGS;
	unsigned int i;

	guest_write(&vcpu, ALL, ctl, 2, 0);
	for (i = 0; i < 3; i++) {
		write_table(i, 0, 8, 0xfee00000);
		write_table(i, 8, 4, 0x40 + i);
		write_table(i, 12, 4, 0);
	}
	guest_write(&vcpu, ALL, ctl, 2, PCI_MSIX_FLAGS_ENABLE);
	return 0;
}

static bool has_msix(void)
{
	return irqs(ALL).msix == 3 && !irqs(ALL).failed &&
	       view_of(ALL).msix_enabled && arrives(2);
}

static int msix_mask(void)
{
	uint16_t ctl = info_of(ALL).desc.msix + PCI_MSIX_FLAGS;

	write_table(1, 12, 4, 1);
	write_table(1, 12, 4, 0);
	guest_write(&vcpu, ALL, ctl, 2,
		    PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	guest_write(&vcpu, ALL, ctl, 2, PCI_MSIX_FLAGS_ENABLE);
	return 0;
}

static int msix_off(void)
{
	guest_write(&vcpu, ALL, info_of(ALL).desc.msix + PCI_MSIX_FLAGS, 2, 0);
	return 0;
}

/* --- a reset of its own ------------------------------------------------------------------ */

static int reset(void)
{
	uint16_t ctl = info_of(ALL).desc.pcie + PCI_EXP_DEVCTL;

	guest_write(&vcpu, ALL, ctl, 2,
		    guest_read(&vcpu, ALL, ctl, 2) | PCI_EXP_DEVCTL_BCR_FLR);
	return 0;
}

static bool is_reset(void)
{
	struct vpci_info view = view_of(ALL);

	return !(view.command & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)) &&
	       !view.bar[0].guest && !view.bar[1].mapped;
}

static int take_all(void)
{
	return take(one, ALL, 0);
}

static bool is_home(void)
{
	return is_sound(ALL) && mode_of(ALL) == IOMMU_IDENTITY;
}

#define CREATE                                                         \
	{                                                              \
		"create", create_and_shape, memory_only, is_one, false \
	}
#define ASSIGN                                                   \
	{                                                        \
		"assign", give_all, assign_errors, has_all, true \
	}
#define PLACE                                                    \
	{                                                        \
		"place BARs", place_bars, NULL, are_placed, true \
	}
#define DECODE                                           \
	{                                                \
		"decode", decode, NULL, is_decoded, true \
	}
#define DEASSIGN                                                      \
	{                                                             \
		"deassign", take_all, deassign_errors, is_home, false \
	}

static const struct scenario bars = {
	.name = "guest-bars",
	.step =
		(const struct step[]){
			CREATE,
			{ "window", window, memory_only, NULL, false },
			{ "ecam", ecam, memory_only, has_ecam, false },
			{ "policy", policy, NULL, NULL, false },
			ASSIGN,
			PLACE,
			DECODE,
			{ "look", look, NULL, NULL, true },
			{ "move a BAR", move_bar, NULL, is_moved, true },
			{ "ROM on", rom_on, NULL, has_rom, true },
			{ "ROM off", rom_off, NULL, has_no_rom, true },
			DEASSIGN,
			DESTROY_ONE,
			{ 0 },
		},
};

static const struct scenario msi = {
	.name = "guest-msi",
	.step =
		(const struct step[]){
			CREATE,
			ASSIGN,
			PLACE,
			DECODE,
			{ "MSI on", msi_on, NULL, has_msi, true },
			{ "mask", msi_mask, NULL, has_msi, true },
			{ "MSI off", msi_off, NULL, has_no_vectors, true },
			{ "MSI on again", msi_on, NULL, has_msi, true },
			DEASSIGN,
			DESTROY_ONE,
			{ 0 },
		},
};

static const struct scenario msix = {
	.name = "guest-msix",
	.step =
		(const struct step[]){
			CREATE,
			ASSIGN,
			PLACE,
			DECODE,
			{ "MSI-X on", msix_on, NULL, has_msix, true },
			{ "mask", msix_mask, NULL, has_msix, true },
			{ "MSI-X off", msix_off, NULL, has_no_vectors, true },
			{ "MSI-X on again", msix_on, NULL, has_msix, true },
			DESTROY_ONE,
			{ 0 },
		},
};

static const struct scenario flr = {
	.name = "guest-flr",
	.step =
		(const struct step[]){
			CREATE,
			ASSIGN,
			PLACE,
			DECODE,
			{ "MSI on", msi_on, NULL, has_msi, true },
			{ "reset", reset, NULL, is_reset, true },
			{ "place again", place_bars, NULL, are_placed, true },
			{ "decode again", decode, NULL, is_decoded, true },
			DEASSIGN,
			DESTROY_ONE,
			{ 0 },
		},
};

/* --- the hardware domain's virtual functions ------------------------------------------------- */

#define VF pci_sbdf(0, 9, 0, 1)
#define VF_LAST pci_sbdf(0, 9, 0, 2)

static int enable_vfs(void)
{
	uint16_t pos = info_of(PF_OFF).desc.sriov;

	guest_write(&hw_vcpu, PF_OFF, pos + PCI_SRIOV_CTRL, 2, 0);
	guest_write(&hw_vcpu, PF_OFF, pos + PCI_SRIOV_NUM_VF, 2, 2);
	guest_write(&hw_vcpu, PF_OFF, pos + PCI_SRIOV_CTRL, 2,
		    PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	return 0;
}

static bool are_vfs_there(void)
{
	return is_sound(VF) && is_sound(VF_LAST);
}

static int disable_vfs(void)
{
	guest_write(&hw_vcpu, PF_OFF,
		    info_of(PF_OFF).desc.sriov + PCI_SRIOV_CTRL, 2, 0);
	return 0;
}

static bool are_vfs_gone(void)
{
	return !is_there(VF) && !is_there(VF_LAST) && is_sound(PF_OFF);
}

static const struct scenario vfs = {
	.name = "sriov",
	.hardware_views = true,
	.step =
		(const struct step[]){
			{ "enable", enable_vfs, NULL, are_vfs_there, true },
			{ "disable", disable_vfs, NULL, are_vfs_gone, true },
			{ 0 },
		},
};

const struct scenario *const guest_scenarios[] = { &bars, &msi, &msix,
						   &flr,  &vfs, NULL };
