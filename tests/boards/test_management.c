/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board's management over the real core and a simulated machine: what the
 * hardware domain writes by its mailbox, with a hotplug driver of a few lines
 * in Linux's place. Each CPU of the board is the one thread here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "fabric.h"
#include "gic.h"
#include "mgmt.h"
#include "pins.h"
#include "removals.h"
#include "slot.h"
#include "smmuv3.h"
#include "use.h"

#define PORT "0000:00:1c.0"
#define CARD "0000:01:00.0"
#define PORT_INTX (0x1c * 8 + 1)

static const char *machine; /* slots.json */
static struct fabric *f;
static struct vpci_vcpu vcpu;
static union mgmt_answer answer;
static uint64_t ring_at;

/* --- the board ------------------------------------------------------------------ */

static unsigned int interrupts;

void gic_set_pending(uint32_t intid)
{
	assert_int_equal(intid, PORT_INTX);
	interrupts++;
}

bool board_show_ring(uint64_t at)
{
	ring_at = at;
	return true;
}

void board_clean_ring(const void *start, size_t size)
{
	(void)start;
	(void)size;
}

void board_traffic(uint64_t *reads, uint64_t *writes)
{
	*reads = *writes = 7;
}

uint64_t smmu_refused(void)
{
	return 9;
}

static unsigned int guests;
static struct {
	unsigned int depth;
	int32_t status;
	uint32_t word;
} meanwhile;

int board_guest(uint32_t verb, pci_sbdf_t sbdf, struct mgmt_guest *guest)
{
	(void)sbdf;
	(void)guest;
	guests += verb == MGMT_GUEST_START;
	if (verb == MGMT_GUEST_STOP) { /* another CPU, meanwhile */
		meanwhile.depth++;
		mgmt_config_write(MGMT_BOX, 4, 0);
		mgmt_config_write(MGMT_DOOR, 4, MGMT_GUEST_STOP);
		meanwhile.status = (int32_t)mgmt_config_read(MGMT_STATUS, 4);
		meanwhile.word = mgmt_config_read(MGMT_BOX, 4);
	}
	return 0;
}

static void poll_all(void)
{
	use_poll();
	removals_poll();
}

/* --- the hardware domain ------------------------------------------------------------ */

static uint32_t rd(const char *dev, unsigned int reg, uint8_t size)
{
	uint64_t val;

	while (vpci_read(hardware_domain, at(dev), (uint16_t)reg, size, &val) ==
	       PCI_AGAIN)
		poll_all();
	return (uint32_t)val;
}

static void wr(const char *dev, unsigned int reg, uint8_t size, uint32_t val)
{
	while (vpci_write(&vcpu, at(dev), (uint16_t)reg, size, val) ==
	       PCI_AGAIN)
		poll_all();
	use_written(at(dev), (uint16_t)reg, size);
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		;
	poll_all();
}

static unsigned int cap(const char *dev, uint8_t id)
{
	unsigned int pos = rd(dev, PCI_CAPABILITY_LIST, 1);

	while (pos && rd(dev, pos, 1) != id)
		pos = rd(dev, pos + 1, 1);
	return pos;
}

/* A driver that works with its card. */
static void bind(void)
{
	unsigned int msix = cap(CARD, PCI_CAP_ID_MSIX);

	wr(CARD, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(CARD, msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

static void unbind(void)
{
	unsigned int msix = cap(CARD, PCI_CAP_ID_MSIX);

	wr(CARD, msix + PCI_MSIX_FLAGS, 2, 0);
	wr(CARD, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

/* The hotplug driver: what it has heard, and what it does. */
#define LISTENS                                                              \
	(PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_DLLSCE | \
	 PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_PWR_IND_ON)

static unsigned int slot_reg(unsigned int reg)
{
	return cap(PORT, PCI_CAP_ID_EXP) + reg;
}

static uint32_t heard(void)
{
	uint32_t status = rd(PORT, slot_reg(PCI_EXP_SLTSTA), 2);

	wr(PORT, slot_reg(PCI_EXP_SLTSTA), 2, status & PCI_EXP_SLTSTA_W1C);
	interrupts = 0;
	return status;
}

static void slot_control(uint32_t val)
{
	wr(PORT, slot_reg(PCI_EXP_SLTCTL), 2, val);
}

/* --- management -------------------------------------------------------------------- */

static struct mgmt_request request(const char *dev)
{
	return (struct mgmt_request){ .version = MGMT_VERSION,
				      .sbdf = at(dev).sbdf,
				      .timeout_ms = 10000,
				      .who = "test" };
}

static void box_put(const void *from, size_t size)
{
	const unsigned char *byte = from;
	uint32_t word;
	size_t i;

	for (i = 0; i < size; i += 4) {
		word = 0;
		memcpy(&word, byte + i, size - i < 4 ? size - i : 4);
		mgmt_config_write((uint16_t)(MGMT_BOX + i), 4, word);
	}
}

static int ask_with(enum mgmt_verb verb, const struct mgmt_request *r)
{
	uint32_t word;
	size_t i;

	box_put(r, sizeof(*r));
	mgmt_config_write(MGMT_DOOR, 4, verb);
	for (i = 0; i < sizeof(answer); i += 4) {
		word = mgmt_config_read((uint16_t)(MGMT_BOX + i), 4);
		memcpy((char *)&answer + i, &word, 4);
	}
	return (int32_t)mgmt_config_read(MGMT_STATUS, 4);
}

static int ask(enum mgmt_verb verb, const char *dev)
{
	struct mgmt_request r = request(dev);

	return ask_with(verb, &r);
}

static int remove_with(unsigned int flags)
{
	struct mgmt_request r = request(CARD);

	r.flags = flags;
	return ask_with(MGMT_REMOVE, &r);
}

/* Its result, as it is now, or once it is over. */
static int removal(void)
{
	poll_all();
	assert_int_equal(ask(MGMT_REMOVAL, CARD), 0);
	return answer.removal.result;
}

static int removal_end(void)
{
	while (removal() == -EINPROGRESS)
		;
	return answer.removal.result;
}

/* --- before and after each --------------------------------------------------------- */

static int extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	return slot_extend(view, pdev, d);
}

static int set_up(void **state)
{
	static const struct vpci_options options = { .hardware_views = true,
						     .extend = extend };
	struct pci_scan scan;
	char err[200];

	(void)state;
	f = fabric_open(machine, err, sizeof(err));
	if (!f)
		fail_msg("%s", err);
	if (fabric_plug(f, at(PORT), "nvme", err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(&options), 0);
	assert_int_equal(pci_iommu_init(NULL), 0);
	assert_int_equal(pci_reset_init(), 0);
	mgmt_init();
	assert_int_equal(pci_segment_add(0, fabric_host(f)), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(scan.failed, 0);
	vpci_vcpu_init(&vcpu, hardware_domain);
	slot_control(LISTENS);
	(void)heard();
	return 0;
}

static int tear_down(void **state)
{
	struct mgmt_request first = request("0000:00:00.0"), r = first;
	struct fabric_witness witness;

	(void)state;
	assert_int_equal(pci_check_invariants(), 0);
	vpci_vcpu_fini(&vcpu);
	/* The hardware domain is at its end, and so are its uses. */
	while (!ask_with(MGMT_NEXT, &first)) {
		r.sbdf = answer.device.sbdf;
		assert_int_equal(ask_with(MGMT_LOSE, &r), 0);
	}
	pci_fini();
	fabric_witness(f, &witness);
	assert_int_equal(witness.violations, 0);
	fabric_close(f);
	return 0;
}

/* --- what Linux finds ---------------------------------------------------------------- */

static void test_function_is_one_that_no_driver_takes(void **state)
{
	(void)state;
	assert_int_equal(mgmt_config_read(PCI_VENDOR_ID, 4),
			 MGMT_VENDOR | MGMT_DEVICE << 16);
	assert_int_equal(mgmt_config_read(PCI_CLASS_DEVICE, 2), MGMT_CLASS);
	assert_int_equal(mgmt_config_read(PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(mgmt_config_read(MGMT_VSEC, 2), PCI_EXT_CAP_ID_VNDR);
	assert_int_equal(mgmt_config_read(MGMT_VSEC + 4, 4) >> 20,
			 MGMT_VSEC_LEN);
}

static void test_bar_is_sized_and_placed(void **state)
{
	(void)state;
	mgmt_config_write(PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	assert_int_equal(mgmt_config_read(PCI_BASE_ADDRESS_0, 4), 0xfffff000);
	mgmt_config_write(PCI_BASE_ADDRESS_0, 4, 0x10004000);
	assert_int_equal(ring_at, 0);
	mgmt_config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(ring_at, 0x10004000);
	mgmt_config_write(PCI_BASE_ADDRESS_0 + 2, 2, 0x1001);
	assert_int_equal(ring_at, 0x10014000);
	mgmt_config_write(PCI_COMMAND, 2, 0);
	assert_int_equal(ring_at, 0);
}

static void test_accesses_that_are_none_do_nothing(void **state)
{
	uint16_t reg;

	(void)state;
	assert_int_equal(mgmt_config_read(1, 2), UINT32_MAX);
	assert_int_equal(mgmt_config_read(0, 3), UINT32_MAX);
	assert_int_equal(mgmt_config_read(0, 8), UINT32_MAX);
	assert_int_equal(mgmt_config_read(4096, 4), UINT32_MAX);
	for (reg = 0; reg < 4096; reg++)
		mgmt_config_write(reg, 1, 0xff);
	mgmt_config_write(MGMT_DOOR, 2, MGMT_LOSE);
	mgmt_config_write(5000, 4, 0);
	assert_int_equal(mgmt_config_read(PCI_VENDOR_ID, 4),
			 MGMT_VENDOR | MGMT_DEVICE << 16);
}

static void test_hostile_requests_are_answered(void **state)
{
	struct mgmt_request r = request(CARD);
	unsigned int i;

	(void)state;
	assert_int_equal(ask_with(0, &r), -ENOSYS);
	assert_int_equal(ask_with(MGMT_VERBS, &r), -ENOSYS);
	assert_int_equal(ask_with(UINT32_MAX, &r), -ENOSYS);
	r.version++;
	assert_int_equal(ask_with(MGMT_SHOW, &r), -EOPNOTSUPP);
	r = request(CARD);
	memset(r.who, 'a', sizeof(r.who));
	assert_int_equal(ask_with(MGMT_PIN, &r), -EINVAL);
	r.who[3] = '\033';
	assert_int_equal(ask_with(MGMT_PIN, &r), -EINVAL);
	assert_int_equal(remove_with(8), -EINVAL);
	r = request(CARD);
	r.timeout_ms = UINT32_MAX;
	assert_int_equal(ask_with(MGMT_REMOVE, &r), -EINVAL);
	for (i = MGMT_NEXT; i < MGMT_STATS; i++) {
		r = request(CARD);
		r.sbdf = 0xfffffff8u;
		r.index = UINT32_MAX;
		assert_true((int)ask_with(i, &r) < 0);
	}
}

static void test_one_request_at_a_time(void **state)
{
	(void)state;
	meanwhile.depth = 0;
	assert_int_equal(ask(MGMT_GUEST_STOP, CARD), 0);
	assert_int_equal(meanwhile.depth, 1);
	assert_int_equal(meanwhile.status, -EAGAIN);
	assert_int_equal(meanwhile.word, 0);
	assert_int_equal(ask(MGMT_SHOW, CARD), 0);
}

/* Any bytes, through either door. */
static void test_random_requests_break_nothing(void **state)
{
	unsigned int seed = 8, i, k;
	struct mgmt_request r;

	(void)state;
	for (i = 0; i < 20000; i++) {
		uint64_t x[4] = { MGMT_HVC_PUT +
					  (unsigned int)rand_r(&seed) % 4,
				  (unsigned int)rand_r(&seed) % 500,
				  (uint64_t)rand_r(&seed) << 33, 0 };

		for (k = 0; k < sizeof(r); k++)
			((unsigned char *)&r)[k] = (unsigned char)rand_r(&seed);
		if (i % 2)
			r.version = MGMT_VERSION;
		if (i % 4 == 1)
			memset(r.who, 0, sizeof(r.who));
		if (i % 8 == 1)
			r.sbdf &= 0x1ff;
		box_put(&r, sizeof(r));
		mgmt_config_write(MGMT_DOOR, 4,
				  (unsigned int)rand_r(&seed) % 24);
		(void)mgmt_hvc(x);
		poll_all();
	}
}

static void test_hvc_asks_the_same(void **state)
{
	struct mgmt_request r = request(CARD);
	struct mgmt_device device;
	uint64_t word, x[4];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(r); i += 8) {
		word = 0;
		memcpy(&word, (char *)&r + i,
		       sizeof(r) - i < 8 ? sizeof(r) - i : 8);
		memcpy(x, ((uint64_t[]){ MGMT_HVC_PUT, i, word, 0 }),
		       sizeof(x));
		assert_true(mgmt_hvc(x));
	}
	memcpy(x, ((uint64_t[]){ MGMT_HVC_CALL, MGMT_SHOW }), 16);
	assert_true(mgmt_hvc(x));
	assert_int_equal(x[0], 0);
	for (i = 0; i < sizeof(device); i += 8) {
		memcpy(x, ((uint64_t[]){ MGMT_HVC_GET, i }), 16);
		assert_true(mgmt_hvc(x));
		memcpy((char *)&device + i, &x[1], 8);
	}
	assert_int_equal(device.sbdf, at(CARD).sbdf);
	memcpy(x, ((uint64_t[]){ 0x84000000, 0 }), 16);
	assert_false(mgmt_hvc(x));
}

static void test_list_names_all_devices(void **state)
{
	struct mgmt_request r = request("0000:00:00.0");
	unsigned int n = 0;

	(void)state;
	while (!ask_with(MGMT_NEXT, &r)) {
		n++;
		r.sbdf = answer.device.sbdf + 1;
	}
	assert_int_equal(n, 4);
	assert_int_equal(ask(MGMT_STATS, CARD), 0);
	assert_int_equal(answer.stats.devices, 4);
}

/* --- uses ------------------------------------------------------------------------------ */

static void test_a_device_in_use_is_not_removed(void **state)
{
	struct mgmt_request r = request(CARD);

	(void)state;
	bind();
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(answer.removal.result, -EBUSY);
	assert_int_equal(answer.removal.blockers, 2);
	assert_int_equal(ask(MGMT_BLOCKER, CARD), 0);
	assert_string_equal(answer.hold.who,
			    "hardware domain: bus mastering is on");
	r.index = 1;
	assert_int_equal(ask_with(MGMT_BLOCKER, &r), 0);
	assert_string_equal(answer.hold.kind, "interrupts");
	r.index = 2;
	assert_int_equal(ask_with(MGMT_BLOCKER, &r), -ENOENT);
	assert_int_equal(interrupts, 0);
	/* Nothing has changed. */
	assert_int_equal(rd(CARD, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void test_a_device_that_is_let_go_is_removed(void **state)
{
	(void)state;
	bind();
	unbind();
	assert_int_equal(ask(MGMT_HOLDER, CARD), -ENOENT);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(removal_end(), 0);
	assert_int_equal(answer.removal.still_on_card, 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
}

static void test_a_byte_write_is_seen(void **state)
{
	(void)state;
	wr(CARD, PCI_COMMAND, 1, PCI_COMMAND_MASTER);
	assert_int_equal(ask(MGMT_HOLDER, CARD), 0);
	wr(CARD, PCI_COMMAND, 4, 0);
	assert_int_equal(ask(MGMT_HOLDER, CARD), -ENOENT);
}

static void test_a_bridge_is_no_use(void **state)
{
	(void)state;
	wr(PORT, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	assert_int_equal(ask(MGMT_HOLDER, PORT), 0);
	assert_string_equal(answer.hold.kind, "child");
	assert_int_equal(answer.hold.total, 1);
}

static void test_a_guest_is_not_given_what_is_used(void **state)
{
	(void)state;
	guests = 0;
	bind();
	assert_int_equal(ask(MGMT_GUEST_START, CARD), -EBUSY);
	assert_int_equal(ask(MGMT_GUEST_START, PORT), -EBUSY);
	assert_int_equal(guests, 0);
	unbind();
	assert_int_equal(ask(MGMT_GUEST_START, CARD), 0);
	assert_int_equal(guests, 1);
}

/* --- asked ------------------------------------------------------------------------------ */

static void test_ports_interrupt_by_their_pin(void **state)
{
	(void)state;
	assert_int_not_equal(pci_find_cap(at(PORT), PCI_CAP_ID_MSI), 0);
	assert_int_equal(cap(PORT, PCI_CAP_ID_MSI), 0);
	assert_int_equal(cap(PORT, PCI_CAP_ID_MSIX), 0);
	assert_int_not_equal(cap(PORT, PCI_CAP_ID_EXP), 0);
	assert_int_not_equal(cap(CARD, PCI_CAP_ID_MSIX), 0);
	assert_int_not_equal(
		rd(PORT, slot_reg(PCI_EXP_SLTCAP), 4) & PCI_EXP_SLTCAP_NCCS, 0);
}

static void test_asked_the_driver_ejects(void **state)
{
	uint32_t power = LISTENS | PCI_EXP_SLTCTL_PWR_OFF;

	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	assert_int_equal(answer.removal.result, -EINPROGRESS);
	assert_int_equal(interrupts, 1); /* once, for two holds */
	wr(PORT, slot_reg(PCI_EXP_SLTSTA), 2, PCI_EXP_SLTSTA_PDC);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDS);
	/* It waits, and the device works. */
	assert_int_equal(removal(), -EINPROGRESS);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	unbind();
	slot_control(power);
	assert_int_equal(removal_end(), 0);
	assert_int_equal(answer.removal.given_back, 2);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(rd(PORT, slot_reg(PCI_EXP_LNKSTA), 2) &
				 PCI_EXP_LNKSTA_DLLLA,
			 0);
	/* The machine's own slot has power as ever. */
	assert_int_equal(pci_conf_read(at(PORT),
				       (uint16_t)slot_reg(PCI_EXP_SLTCTL), 2) &
				 PCI_EXP_SLTCTL_PCC,
			 0);
}

/* A driver that leaves bus mastering on has let go all the same. */
static void test_power_off_is_consent(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	slot_control(LISTENS | PCI_EXP_SLTCTL_PWR_OFF);
	assert_int_equal(removal_end(), 0);
}

static void test_cancelled_everything_works(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	(void)heard();
	slot_control((LISTENS & ~PCI_EXP_SLTCTL_PIC) |
		     PCI_EXP_SLTCTL_PWR_IND_BLINK);
	assert_int_equal(ask(MGMT_CANCEL, CARD), 0);
	assert_int_equal(removal_end(), -ECANCELED);
	assert_true(heard() & PCI_EXP_SLTSTA_ABP); /* pressed again */
	assert_int_equal(ask(MGMT_HOLDER, CARD), 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	assert_int_equal(ask(MGMT_CANCEL, CARD), -ENOENT);
}

static void test_refused_everything_works(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	(void)heard();
	assert_int_equal(ask(MGMT_REFUSE, CARD), 0);
	assert_int_equal(removal_end(), -EBUSY);
	assert_string_equal(answer.removal.reason, "a holder refused");
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	/* Nothing blinks: a second press would be a new wish. */
	assert_int_equal(heard() & PCI_EXP_SLTSTA_ABP, 0);
}

static void test_an_ask_ends_by_its_deadline(void **state)
{
	struct mgmt_request r = request(CARD);

	(void)state;
	bind();
	r.flags = MGMT_REMOVE_ASK;
	r.timeout_ms = 50;
	assert_int_equal(ask_with(MGMT_REMOVE, &r), 0);
	assert_int_equal(removal_end(), -EBUSY);
	assert_int_equal(answer.removal.blockers, 2);
}

static void test_pins_are_kept(void **state)
{
	(void)state;
	unbind();
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(ask(MGMT_PIN, CARD), -EEXIST);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(answer.removal.result, -EBUSY);
	assert_int_equal(ask(MGMT_UNPIN, CARD), 0);
	assert_int_equal(ask(MGMT_UNPIN, CARD), -ENOENT);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(removal_end(), 0);
}

/* Another CPU has removed the device, and has not come to forget its pins. */
static void test_a_pin_that_was_cut_off_is_none(void **state)
{
	(void)state;
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(pci_remove_device(at(CARD), PCI_REMOVE_FORCE, 0, NULL),
			 0);
	assert_int_equal(ask(MGMT_UNPIN, CARD), -ENOENT);
	assert_int_equal(ask(MGMT_ADD, CARD), 0);
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(pci_remove_device(at(CARD), PCI_REMOVE_FORCE, 0, NULL),
			 0);
	assert_int_equal(ask(MGMT_ADD, CARD), 0);
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(remove_with(0), 0);
	assert_int_equal(answer.removal.result, -EBUSY);
}

/* --- forced, lost, again ------------------------------------------------------------------- */

static void test_forced_it_goes_at_once(void **state)
{
	(void)state;
	bind();
	assert_int_equal(ask(MGMT_PIN, CARD), 0);
	assert_int_equal(remove_with(MGMT_REMOVE_FORCE), 0);
	assert_int_equal(removal_end(), 0);
	assert_int_equal(answer.removal.given_back, 3);
	assert_int_equal(rd(CARD, PCI_COMMAND, 4), UINT32_MAX);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(ask(MGMT_UNPIN, CARD), -ENOENT);
}

static void test_what_was_removed_comes_back(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		bind();
		assert_int_equal(remove_with(MGMT_REMOVE_FORCE), 0);
		assert_int_equal(removal_end(), 0);
		assert_int_equal(heard() & PCI_EXP_SLTSTA_PDS, 0);
		assert_int_equal(ask(MGMT_ADD, i % 2 ? PORT : CARD), 0);
		assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC |
						  PCI_EXP_SLTSTA_DLLSC |
						  PCI_EXP_SLTSTA_PDS);
		assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
		assert_int_equal(ask(MGMT_HOLDER, CARD), -ENOENT);
	}
	assert_int_equal(ask(MGMT_ADD, CARD), 0); /* again: nothing happens */
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDS);
	assert_int_equal(ask(MGMT_ADD, "0000:00:1d.0"), -ENODEV);
}

/* Linux drops what it is told while it switches a slot off. */
static void test_a_slot_is_filled_when_its_driver_listens(void **state)
{
	uint32_t off = LISTENS | PCI_EXP_SLTCTL_PWR_OFF;

	(void)state;
	assert_int_equal(remove_with(MGMT_REMOVE_FORCE), 0);
	assert_int_equal(removal_end(), 0);
	slot_control(off);
	(void)heard();
	assert_int_equal(ask(MGMT_ADD, CARD), -EAGAIN);
	slot_control(off | PCI_EXP_SLTCTL_PIC); /* the indicator is off */
	assert_int_equal(ask(MGMT_ADD, CARD), -EAGAIN);
	while (ask(MGMT_ADD, CARD) == -EAGAIN)
		;
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC |
					  PCI_EXP_SLTSTA_PDS);
}

/* The driver has ejected the card for a removal that was then cancelled. */
static void test_what_was_ejected_in_vain_comes_back(void **state)
{
	(void)state;
	slot_control(LISTENS | PCI_EXP_SLTCTL_PWR_OFF | PCI_EXP_SLTCTL_PIC);
	(void)heard();
	while (ask(MGMT_ADD, CARD) == -EAGAIN)
		;
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC |
					  PCI_EXP_SLTSTA_PDS);
}

static void test_lost_it_is_gone(void **state)
{
	(void)state;
	bind();
	assert_int_equal(ask(MGMT_LOSE, CARD), 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(heard(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(ask(MGMT_LOSE, CARD), -ENODEV);
	assert_int_equal(ask(MGMT_ADD, CARD), 0);
}

/* Nobody but the one who says it is lost could step the removal. */
static void test_lost_while_it_is_asked_for(void **state)
{
	(void)state;
	bind();
	assert_int_equal(remove_with(MGMT_REMOVE_ASK), 0);
	assert_int_equal(ask(MGMT_LOSE, PORT), 0);
	assert_int_equal(removal_end(), -ENODEV);
	assert_string_equal(answer.removal.phase, "lost");
	assert_int_equal(ask(MGMT_ADD, PORT), 0);
}

static void test_quarantine_and_release(void **state)
{
	(void)state;
	bind();
	assert_int_equal(ask(MGMT_QUARANTINE, CARD), 0);
	assert_int_equal(ask(MGMT_SHOW, CARD), 0);
	assert_string_equal(answer.device.dma, "blocked");
	assert_int_equal(answer.device.holds, 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0xffff);
	assert_int_equal(ask(MGMT_RELEASE, CARD), 0);
	assert_int_equal(rd(CARD, PCI_VENDOR_ID, 2), 0x8086);
	assert_int_equal(ask(MGMT_RELEASE, CARD), -EINVAL);
}

/* --- the ring ------------------------------------------------------------------------------ */

static void test_events_are_in_the_ring(void **state)
{
	const struct mgmt_ring *ring = &mgmt_ring_page;
	uint64_t n = ring->next;
	const struct mgmt_event *e;

	(void)state;
	assert_int_equal(ring->magic, MGMT_RING_MAGIC);
	wr(CARD, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(ring->next, n + 1);
	e = &ring->event[n % MGMT_RING_ENTRIES];
	assert_int_equal(e->seq, n);
	assert_int_equal(e->sbdf, at(CARD).sbdf);
	assert_string_equal(e->detail, "hardware domain: bus mastering is on");
	/* Whatever its reader does to it, it goes on. */
	memset(&mgmt_ring_page, 0xff, sizeof(mgmt_ring_page));
	wr(CARD, PCI_COMMAND, 2, 0);
	assert_int_equal(ring->next, n + 2);
	assert_int_equal(ring->event[(n + 1) % MGMT_RING_ENTRIES].seq, n + 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(test_function_is_one_that_no_driver_takes),
		CASE(test_bar_is_sized_and_placed),
		CASE(test_accesses_that_are_none_do_nothing),
		CASE(test_hostile_requests_are_answered),
		CASE(test_one_request_at_a_time),
		CASE(test_random_requests_break_nothing),
		CASE(test_hvc_asks_the_same),
		CASE(test_list_names_all_devices),
		CASE(test_a_device_in_use_is_not_removed),
		CASE(test_a_device_that_is_let_go_is_removed),
		CASE(test_a_byte_write_is_seen),
		CASE(test_a_bridge_is_no_use),
		CASE(test_a_guest_is_not_given_what_is_used),
		CASE(test_ports_interrupt_by_their_pin),
		CASE(test_asked_the_driver_ejects),
		CASE(test_power_off_is_consent),
		CASE(test_cancelled_everything_works),
		CASE(test_refused_everything_works),
		CASE(test_an_ask_ends_by_its_deadline),
		CASE(test_pins_are_kept),
		CASE(test_a_pin_that_was_cut_off_is_none),
		CASE(test_forced_it_goes_at_once),
		CASE(test_what_was_removed_comes_back),
		CASE(test_a_slot_is_filled_when_its_driver_listens),
		CASE(test_what_was_ejected_in_vain_comes_back),
		CASE(test_lost_it_is_gone),
		CASE(test_lost_while_it_is_asked_for),
		CASE(test_quarantine_and_release),
		CASE(test_events_are_in_the_ring),
	};

	if (argc != 2)
		return 2;
	machine = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
