/* SPDX-License-Identifier: BSD-2-Clause */
/* The header as a guest sees it, and hardware as it comes and goes. */
#include <holdfast/iommu.h>
#include <holdfast/removal.h>

#include "given.h"

#define ON (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define KEPT_BITS (PCI_COMMAND_PARITY | PCI_COMMAND_SERR)
#define HOST_BITS (PCI_COMMAND_IO | KEPT_BITS)

/* --- who it is -------------------------------------------------------------- */

static void test_identity_comes_from_hardware(void **state)
{
	(void)state;
	hw_put(PCI_SUBSYSTEM_VENDOR_ID, 4, 0x00018086);
	hw_put(PCI_INTERRUPT_PIN, 1, 2);
	hw_put(PCI_MIN_GNT, 2, 0x0a05);
	give(GIVEN);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x10ec8086);
	assert_int_equal(rd(PCI_CLASS_REVISION, 4), 0x02000001);
	assert_int_equal(rd(PCI_SUBSYSTEM_VENDOR_ID, 4), 0x00018086);
	assert_int_equal(rd(PCI_INTERRUPT_PIN, 1), 2);
	assert_int_equal(rd(PCI_MIN_GNT, 1), 5);
	assert_int_equal(rd(PCI_MAX_LAT, 1), 10);
}

static void give_vf(void)
{
	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_sriov(given.fn, 2, 4, 1);
	hw_put(PCI_SUBSYSTEM_VENDOR_ID, 4, 0x00018086);
	hw_put(0x200 + PCI_SRIOV_BAR, 4, 0xf8000000);
	fake.bar_size = 0;
	add(GIVEN);
	fake_put(&fake.fn[1], PCI_INTERRUPT_PIN, 1, 1); /* a liar */
	fake_put(&fake.fn[1], PCI_SUBSYSTEM_ID, 2, 0x0777);
	fake_allow(&fake.fn[1], PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	give("00:03.4");
}

static void test_identity_of_a_vf_comes_from_its_pf(void **state)
{
	(void)state;
	give_vf();
	assert_int_equal(hw(PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x10ed8086);
	assert_int_equal(rd(PCI_CLASS_REVISION, 4), 0x02000001);
	assert_int_equal(rd(PCI_SUBSYSTEM_VENDOR_ID, 4), 0x07778086);
	assert_int_equal(rd(PCI_INTERRUPT_PIN, 1), 0);
	wr(PCI_CACHE_LINE_SIZE, 1, 16);
	wr(PCI_INTERRUPT_LINE, 1, 11);
	assert_int_equal(rd(PCI_CACHE_LINE_SIZE, 1), 0);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 0);
}

static void test_own_bytes_do_not_reach_hardware(void **state)
{
	unsigned int writes;

	(void)state;
	fake_allow(given.fn, PCI_CACHE_LINE_SIZE, 4, UINT32_MAX);
	fake_allow(given.fn, PCI_INTERRUPT_LINE, 1, 0xff);
	give(GIVEN);
	writes = given.fn->writes;
	wr(PCI_CACHE_LINE_SIZE, 4, 0x40801020);
	wr(PCI_INTERRUPT_LINE, 1, 11);
	assert_int_equal(rd(PCI_CACHE_LINE_SIZE, 1), 0x20);
	assert_int_equal(rd(PCI_LATENCY_TIMER, 1), 0x10);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(rd(PCI_BIST, 1), 0);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 11);
	assert_int_equal(given.fn->writes, writes);
}

static void test_latency_timer_of_pci_express_is_zero(void **state)
{
	(void)state;
	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	give(GIVEN);
	wr(PCI_LATENCY_TIMER, 1, 0x10);
	assert_int_equal(rd(PCI_LATENCY_TIMER, 1), 0);
}

static void test_multifunction_is_what_else_is_in_the_slot(void **state)
{
	pci_sbdf_t first = pci_sbdf(0, 3, 7, 0), third = pci_sbdf(0, 3, 7, 2);

	(void)state;
	fake_add("00:05.0", 0x00018086);
	fake_put(given.fn, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_MFD);
	assert_int_equal(give_at(GIVEN, first), 0);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(give_at("00:05.0", pci_sbdf(0, 3, 8, 1)), 0);
	given.vsbdf = first;
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0); /* another slot */
	assert_int_equal(
		pci_deassign_device(given.guest, at("00:05.0"), 0, NULL), 0);
	assert_int_equal(give_at("00:05.0", third), 0);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_MFD);
	given.vsbdf = first;
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_MFD);
	assert_int_equal(
		pci_deassign_device(given.guest, at("00:05.0"), 0, NULL), 0);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0);
}

/* --- Command ---------------------------------------------------------------- */

static void test_command_has_three_bits_for_a_guest(void **state)
{
	uint16_t kept;

	(void)state;
	hw_put(PCI_COMMAND, 2, ON | HOST_BITS);
	give(GIVEN);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
	wr(PCI_COMMAND, 2, 0xffff);
	assert_int_equal(rd(PCI_COMMAND, 2), ON | PCI_COMMAND_INTX_DISABLE);
	kept = hw(PCI_COMMAND, 2);
	assert_int_equal(kept, ON | KEPT_BITS | PCI_COMMAND_INTX_DISABLE);
	wr(PCI_COMMAND, 2, 0);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
	assert_int_equal(hw(PCI_COMMAND, 2), PCI_COMMAND_MEMORY | KEPT_BITS);
	wr(PCI_COMMAND + 1, 1, 0xff);
	assert_int_equal(rd(PCI_COMMAND, 2), PCI_COMMAND_INTX_DISABLE);
	work();
}

static void test_XSA120_memory_decode_stays_on_in_hardware(void **state)
{
	(void)state;
	give(GIVEN);
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	wr(PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	work();
	assert_int_equal(given.mapped, 0x10000);
	wr(PCI_COMMAND, 2, 0);
	work();
	assert_int_equal(given.mapped, 0);
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
}

/* … nor does it come on where nobody has placed a BAR. */
static void test_memory_decode_stays_off_without_a_placed_bar(void **state)
{
	(void)state;
	hw_put(PCI_BASE_ADDRESS_0, 4, 0);
	give(GIVEN);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	work();
	assert_int_equal(hw(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, 0);
	assert_int_equal(given.mapped, 0);
}

static void test_bus_master_follows_the_guest_of_a_sound_device(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	give(GIVEN);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	wr(PCI_COMMAND, 2, 0);
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	pdev = get(GIVEN);
	pcidev_set_broken(pdev, "a test says so");
	wr(PCI_COMMAND, 2, ON);
	work();
	assert_int_equal(rd(PCI_COMMAND, 2), ON);
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_int_equal(given.mapped, 0);
	pcidev_put(pdev);
}

static void test_bus_master_of_a_broken_device_is_not_restored(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	hw_put(PCI_COMMAND, 2, ON);
	give(GIVEN);
	pdev = get(GIVEN);
	pcidev_set_broken(pdev, "a test says so");
	pcidev_put(pdev);
	assert_int_equal(pci_deassign_device(given.guest, at(given.name), 0,
					     NULL),
			 -EIO); /* it stays in quarantine */
	assert_int_equal(hw(PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
}

static void test_intx_is_off_with_message_interrupts(void **state)
{
	(void)state;
	fake_cap(given.fn, MSI_CAP, PCI_CAP_ID_MSI);
	hw_put(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT);
	give(GIVEN);
	wr(PCI_COMMAND, 2, 0);
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	wr(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	assert_false(rd(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	wr(PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	wr(MSI_CAP + PCI_MSI_FLAGS, 2, 0);
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	wr(PCI_COMMAND, 2, 0);
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

/* Message interrupts go off then, and INTx does not come in their place. */
static void
test_a_guest_that_is_cut_off_has_no_interrupt_and_no_dma(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	fake_cap(given.fn, MSI_CAP, PCI_CAP_ID_MSI);
	hw_put(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT);
	give(GIVEN);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	pdev = get(GIVEN);
	pci_stages_cut_off(pdev);
	pcidev_put(pdev);
	assert_int_equal(hw(PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
}

static void test_a_device_that_does_not_answer_is_not_written(void **state)
{
	unsigned int writes;

	(void)state;
	give(GIVEN);
	given.fn->absent = true;
	writes = given.fn->writes;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(given.fn->writes, writes);
	given.fn->absent = false;
}

static void test_command_of_a_vf_is_memory_and_bus_master(void **state)
{
	(void)state;
	give_vf();
	wr(PCI_COMMAND, 2, 0xffff);
	assert_int_equal(rd(PCI_COMMAND, 2), ON);
	assert_int_equal(hw(PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	work();
}

/* --- Status ------------------------------------------------------------------ */

static void test_status_errors_are_cleared_by_writing_one(void **state)
{
	(void)state;
	fake_allow(given.fn, PCI_STATUS, 2,
		   0xffff); /* as written: seen below */
	hw_put(PCI_STATUS, 2, 0xf900 | PCI_STATUS_66MHZ | PCI_STATUS_INTERRUPT);
	give(GIVEN);
	assert_int_equal(rd(PCI_STATUS, 2),
			 0xf900 | PCI_STATUS_66MHZ | PCI_STATUS_INTERRUPT);
	hw_put(PCI_STATUS, 2, 0);
	wr(PCI_COMMAND, 4, (uint32_t)PCI_STATUS_DETECTED_PARITY << 16);
	assert_int_equal(hw(PCI_STATUS, 2), PCI_STATUS_DETECTED_PARITY);
	wr(PCI_STATUS, 2, 0x06ff);
	assert_int_equal(hw(PCI_STATUS, 2), 0);
}

static void test_status_says_whether_the_guest_has_a_list(void **state)
{
	(void)state;
	fake_cap(given.fn, 0x80, PCI_CAP_ID_HT); /* not for guests */
	give(GIVEN);
	assert_true(hw(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	assert_false(rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	take_back();
	fake_cap(given.fn, EXPRESS, PCI_CAP_ID_VPD);
	give(GIVEN);
	assert_true(rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	assert_int_equal(rd(PCI_CAPABILITY_LIST, 1), EXPRESS);
}

/* --- type 1 -------------------------------------------------------------------- */

static void test_a_bridge_shows_its_buses_and_takes_nothing(void **state)
{
	struct fake_fn *bridge = fake_bridge("00:01.0", 1, 4);
	struct pci_dev *pdev;
	struct vpci *view;
	unsigned int reg;
	uint8_t before[64];

	(void)state;
	for (reg = PCI_IO_BASE; reg < PCI_CAPABILITY_LIST; reg++)
		bridge->reg[reg] = (uint8_t)reg;
	fake_put(bridge, PCI_BRIDGE_CONTROL, 2, 0x0003);
	memset(bridge->writable, 0xff, 64);
	memset(bridge->writable + PCI_BASE_ADDRESS_0, 0, 8);
	memset(bridge->writable + PCI_ROM_ADDRESS1, 0, 4);
	add("00:01.0");
	pdev = get("00:01.0");
	assert_int_equal(
		vpci_build(pdev, given.guest, &vpci_policy_guest, &view), 0);
	memcpy(before, bridge->reg, sizeof(before));
	plat_rcu_read_lock();
	for (reg = PCI_PRIMARY_BUS; reg < PCI_CAPABILITY_LIST; reg++)
		assert_int_equal(vpci_view_read(view, (uint16_t)reg, 1),
				 bridge->reg[reg]);
	assert_int_equal(vpci_view_read(view, PCI_BRIDGE_CONTROL, 2), 3);
	assert_int_equal(vpci_view_read(view, PCI_HEADER_TYPE, 1), 1);
	pci_lock(&pdev->lock);
	for (reg = PCI_BASE_ADDRESS_0; reg < 64; reg++)
		vpci_view_write(view, (uint16_t)reg, 1, 0xff);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
	assert_memory_equal(bridge->reg, before, sizeof(before));
	vpci_free_later(view);
	pcidev_put(pdev);
	plat_rcu_barrier();
}

/* --- coming and going ------------------------------------------------------------ */

static uint16_t trace[16];
static unsigned int traced;

static void note_command(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	if (fn == given.fn && reg == PCI_COMMAND && traced < ARRAY_SIZE(trace))
		trace[traced++] = fake_get(fn, PCI_COMMAND, 2);
}

static void add_everything(void)
{
	hw_put(PCI_COMMAND, 2, ON | HOST_BITS);
	fake_allow(given.fn, PCI_COMMAND, 2, 0xffff);
	fake_bar(given.fn, PCI_BASE_ADDRESS_2, 0x0000000c, 0xfff00000);
	fake_bar(given.fn, PCI_BASE_ADDRESS_3, 0x00000012, UINT32_MAX);
	fake_bar(given.fn, PCI_ROM_ADDRESS, 0xfd000000, 0xffff0001);
	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_allow(given.fn, EXPRESS + PCI_EXP_DEVCTL, 2, 0xffff);
	hw_put(EXPRESS + PCI_EXP_DEVCTL, 2, 0x583f);
	fake_cap(given.fn, MSI_CAP, PCI_CAP_ID_MSI);
	fake_allow(given.fn, MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	fake_cap(given.fn, MSI_CAP + 0x18, PCI_CAP_ID_MSIX);
	fake_allow(given.fn, MSI_CAP + 0x18 + PCI_MSIX_FLAGS, 2, 0xc000);
}

static void test_hardware_comes_to_a_guest_quiet(void **state)
{
	(void)state;
	add_everything();
	hw_put(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	hw_put(MSI_CAP + 0x18 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	hw_put(PCI_ROM_ADDRESS, 4, 0xfd000001);
	give(GIVEN);
	assert_int_equal(hw(PCI_COMMAND, 2), PCI_COMMAND_MEMORY | KEPT_BITS |
						     PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(hw(MSI_CAP + PCI_MSI_FLAGS, 2), 0);
	assert_int_equal(hw(MSI_CAP + 0x18 + PCI_MSIX_FLAGS, 2), 0);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000000);
}

/* Not only the guest can change registers: so can what it runs on the device. */
static void spoil(void)
{
	hw_put(PCI_COMMAND, 2, 0x0007);
	hw_put(PCI_BASE_ADDRESS_0, 4, 0x00010000);
	hw_put(PCI_BASE_ADDRESS_2, 4, 0x0010000c);
	hw_put(PCI_BASE_ADDRESS_3, 4, 0);
	hw_put(PCI_ROM_ADDRESS, 4, 0x00010001);
	hw_put(EXPRESS + PCI_EXP_DEVCTL, 2, 0);
	hw_put(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	hw_put(MSI_CAP + 0x18 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

static void test_XSA337_hardware_goes_back_as_the_host_had_it(void **state)
{
	(void)state;
	add_everything();
	give(GIVEN);
	spoil();
	take_back();
	/* All but Bus Master: rule 15. */
	assert_int_equal(hw(PCI_COMMAND, 2),
			 (ON & ~PCI_COMMAND_MASTER) | HOST_BITS);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfd000000);
	assert_int_equal(hw(EXPRESS + PCI_EXP_DEVCTL, 2), 0x583f);
	assert_int_equal(hw(MSI_CAP + PCI_MSI_FLAGS, 2), 0);
	assert_int_equal(hw(MSI_CAP + 0x18 + PCI_MSIX_FLAGS, 2), 0);
}

static void test_XSA476_both_halves_of_a_64_bit_bar_go_back(void **state)
{
	(void)state;
	add_everything();
	give(GIVEN);
	spoil();
	take_back();
	assert_int_equal(hw(PCI_BASE_ADDRESS_2, 4), 0x0000000c);
	assert_int_equal(hw(PCI_BASE_ADDRESS_3, 4), 0x00000012);
}

/* BARs are written with decoding off: the fake host watches that as well. */
static void test_bus_master_goes_off_before_it_is_restored(void **state)
{
	(void)state;
	add_everything();
	give(GIVEN);
	spoil();
	traced = 0;
	fake.on_access = note_command;
	take_back();
	fake.on_access = NULL;
	assert_true(traced >= 2);
	assert_int_equal(trace[0], 0x0007); /* before the first write */
	assert_int_equal(trace[traced - 1], /* … and before the last */
			 KEPT_BITS | PCI_COMMAND_INTX_DISABLE);
}

/* A PF's reset, by its driver in the guest, takes these away. */
static void test_what_vfs_hang_on_goes_back_while_there_are_none(void **state)
{
	const uint16_t acs = 0x300 + PCI_ACS_CTRL,
		       vf_bar = 0x200 + PCI_SRIOV_BAR;
	const uint16_t page_size = 0x200 + PCI_SRIOV_SYS_PGSIZE;

	(void)state;
	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	fake_sriov(given.fn, 0, 4, 1);
	fake_ext_cap(given.fn, 0x300, PCI_EXT_CAP_ID_ACS);
	fake_allow(given.fn, acs, 2, 0xffff);
	hw_put(acs, 2, PCI_ACS_RR);
	fake_allow(given.fn, page_size, 4, UINT32_MAX);
	hw_put(page_size, 4, 2);
	fake_bar(given.fn, vf_bar, 0xf800000c, 0xffffc000);
	fake_bar(given.fn, vf_bar + 4, 0x12, UINT32_MAX);
	give(GIVEN);
	hw_put(page_size, 4, 1);
	hw_put(vf_bar, 4, 0x0000000c);
	hw_put(vf_bar + 4, 4, 0);
	hw_put(acs, 2, 0);
	take_back();
	assert_int_equal(hw(page_size, 4), 2);
	assert_int_equal(hw(vf_bar, 4), 0xf800000c);
	assert_int_equal(hw(vf_bar + 4, 4), 0x12);
	assert_int_equal(hw(acs, 2), PCI_ACS_RR);
	give(GIVEN);
	hw_put(0x200 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	hw_put(page_size, 4, 1);
	take_back(); /* and the fake host minds writes to VF BARs now */
	assert_int_equal(hw(page_size, 4), 1);
}

static void test_what_nobody_could_read_is_not_written_back(void **state)
{
	(void)state;
	add_everything();
	add(GIVEN);
	given.fn->absent = true;
	assert_int_equal(give_at(GIVEN, pci_sbdf_from(UINT32_MAX)), -EIO);
	given.fn->absent = false;
	assert_int_equal(hw(EXPRESS + PCI_EXP_DEVCTL, 2), 0x583f);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
}

static void test_a_lost_device_is_not_touched(void **state)
{
	unsigned int accesses;

	(void)state;
	add_everything();
	give(GIVEN);
	accesses = given.fn->accesses;
	pci_device_lost(at(GIVEN));
	assert_int_equal(given.fn->accesses, accesses);
}

static void test_a_sleeping_device_is_woken_for_the_guest(void **state)
{
	uint64_t begin;

	(void)state;
	fake_cap(given.fn, 0x50, PCI_CAP_ID_PM);
	fake_allow(given.fn, 0x50 + PCI_PM_CTRL, 2, 0x8003);
	add(GIVEN);
	hw_put(0x50 + PCI_PM_CTRL, 2, 0x8003);
	begin = plat_now();
	give(GIVEN);
	assert_true(plat_now() - begin >= 10 * MSEC);
	assert_int_equal(hw(0x50 + PCI_PM_CTRL, 2), 0); /* as written */
}

static void test_a_vf_has_no_bars_to_write(void **state)
{
	(void)state;
	give_vf();
	fake_allow(given.fn, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	take_back();
	give("00:03.4");
	take_back();
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(hw(PCI_COMMAND, 2), 0);
}

/* --- the hardware domain ------------------------------------------------------------ */

static struct vpci *hardware_view(struct pci_dev *pdev)
{
	struct vpci *view;

	assert_int_equal(vpci_build(pdev, hardware_domain,
				    &vpci_policy_hardware_domain, &view),
			 0);
	return view;
}

static void test_hardware_domain_has_its_header_as_it_is(void **state)
{
	struct pci_dev *pdev;
	struct vpci *view;

	(void)state;
	add(GIVEN);
	pdev = get(GIVEN);
	view = hardware_view(pdev);
	assert_true(vpci_write_passes(view, PCI_COMMAND, 2));
	assert_true(vpci_write_passes(view, PCI_BASE_ADDRESS_0, 4));
	vpci_free_later(view);
	pcidev_put(pdev);
	plat_rcu_barrier();
}

static void write_view(struct vpci *view, uint16_t reg, uint8_t size,
		       uint32_t val)
{
	plat_rcu_read_lock();
	pci_lock(&view->pdev->lock);
	vpci_view_write(view, reg, size, val);
	pci_unlock(&view->pdev->lock);
	while (vpci_map_step(view))
		;
	plat_rcu_read_unlock();
}

static void test_hardware_domains_bars_lie_where_hardware_has_them(void **state)
{
	struct domain_ops ops = *given.guest->ops;
	const struct domain_ops *was = hardware_domain->ops;
	struct pci_dev *pdev;
	struct vpci *view;

	(void)state;
	hw_put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fake_bar(given.fn, PCI_ROM_ADDRESS, 0xfd000000, 0xffff0001);
	add(GIVEN);
	pdev = get(GIVEN);
	pci_hardware_domain_ops(&ops);
	view = hardware_view(pdev);
	vpci_header_enter(view);
	assert_int_equal(given.mapped, 0x10000);
	assert_int_equal(given.gpa, BAR0_AT);
	assert_int_equal(given.hpa, BAR0_AT);
	/* Where it must not be: the register stays, and nothing decodes. */
	assert_int_equal(vpci_window_add(hardware_domain, BAR0_AT, 0x10000), 0);
	assert_int_equal(vpci_window_add(hardware_domain, 0xfc120000, 0x20000),
			 0);
	write_view(view, PCI_BASE_ADDRESS_0, 4, 0xfb000000);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), 0xfb000000);
	assert_int_equal(hw(PCI_COMMAND, 2), 0);
	assert_int_equal(given.mapped, 0);
	write_view(view, PCI_BASE_ADDRESS_0, 4, 0xfc120000);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), 0xfc120000);
	write_view(view, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(given.gpa, 0xfc120000);
	assert_int_equal(given.hpa, 0xfc120000);
	/* The ROM's own enable, too, is as the domain leaves it. */
	write_view(view, PCI_ROM_ADDRESS, 4, 0xfc130001);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfc130001);
	assert_int_equal(given.gpa, 0xfc130000);
	write_view(view, PCI_COMMAND, 2, 0);
	assert_int_equal(hw(PCI_ROM_ADDRESS, 4), 0xfc130001);
	assert_int_equal(given.mapped, 0);
	write_view(view, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vpci_unmap_all(view, false);
	assert_int_equal(given.mapped, 0);
	vpci_free_later(view);
	pcidev_put(pdev);
	plat_rcu_barrier();
	pci_hardware_domain_ops(was);
	fake.moved = 0; /* that was the domain's wish */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN_CASE(test_identity_comes_from_hardware),
		GIVEN_CASE(test_identity_of_a_vf_comes_from_its_pf),
		GIVEN_CASE(test_own_bytes_do_not_reach_hardware),
		GIVEN_CASE(test_latency_timer_of_pci_express_is_zero),
		GIVEN_CASE(test_multifunction_is_what_else_is_in_the_slot),
		GIVEN_CASE(test_command_has_three_bits_for_a_guest),
		GIVEN_CASE(test_XSA120_memory_decode_stays_on_in_hardware),
		GIVEN_CASE(test_memory_decode_stays_off_without_a_placed_bar),
		GIVEN_CASE(test_bus_master_follows_the_guest_of_a_sound_device),
		GIVEN_CASE(test_bus_master_of_a_broken_device_is_not_restored),
		GIVEN_CASE(test_intx_is_off_with_message_interrupts),
		GIVEN_CASE(
			test_a_guest_that_is_cut_off_has_no_interrupt_and_no_dma),
		GIVEN_CASE(test_a_device_that_does_not_answer_is_not_written),
		GIVEN_CASE(test_command_of_a_vf_is_memory_and_bus_master),
		GIVEN_CASE(test_status_errors_are_cleared_by_writing_one),
		GIVEN_CASE(test_status_says_whether_the_guest_has_a_list),
		GIVEN_CASE(test_a_bridge_shows_its_buses_and_takes_nothing),
		GIVEN_CASE(test_hardware_comes_to_a_guest_quiet),
		GIVEN_CASE(test_XSA337_hardware_goes_back_as_the_host_had_it),
		GIVEN_CASE(test_XSA476_both_halves_of_a_64_bit_bar_go_back),
		GIVEN_CASE(test_bus_master_goes_off_before_it_is_restored),
		GIVEN_CASE(
			test_what_vfs_hang_on_goes_back_while_there_are_none),
		GIVEN_CASE(test_what_nobody_could_read_is_not_written_back),
		GIVEN_CASE(test_a_lost_device_is_not_touched),
		GIVEN_CASE(test_a_sleeping_device_is_woken_for_the_guest),
		GIVEN_CASE(test_a_vf_has_no_bars_to_write),
		GIVEN_CASE(test_hardware_domain_has_its_header_as_it_is),
		GIVEN_CASE(
			test_hardware_domains_bars_lie_where_hardware_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
