/* SPDX-License-Identifier: BSD-2-Clause */
/* The board, its hardware domain and the machine; lab.h says what of. */
#include "lab.h"

#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>

#include "../at.h"
#include "fabric.h"
#include "gic.h"
#include "removals.h"
#include "slot.h"
#include "smmuv3.h"
#include "use.h"

#define PORT_INTX (0x1c * 8 + 1)

struct lab lab;

static struct fabric *f;
static struct vpci_vcpu vcpu;

/* --- the board ------------------------------------------------------------------ */

void gic_set_pending(uint32_t intid)
{
	assert_int_equal(intid, PORT_INTX);
	lab.interrupts++;
}

bool board_show_ring(uint64_t at)
{
	lab.ring_at = at;
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

int board_guest(uint32_t verb, pci_sbdf_t sbdf, struct mgmt_guest *guest)
{
	(void)sbdf;
	(void)guest;
	lab.guests += verb == MGMT_GUEST_START;
	if (verb == MGMT_GUEST_STOP) { /* another CPU, meanwhile */
		lab.meanwhile.depth++;
		mgmt_config_write(MGMT_BOX, 4, 0);
		mgmt_config_write(MGMT_DOOR, 4, MGMT_GUEST_STOP);
		lab.meanwhile.status =
			(int32_t)mgmt_config_read(MGMT_STATUS, 4);
		lab.meanwhile.word = mgmt_config_read(MGMT_BOX, 4);
	}
	return 0;
}

void poll_all(void)
{
	use_poll();
	removals_poll();
}

/* --- the hardware domain ------------------------------------------------------------ */

uint32_t rd(const char *dev, unsigned int reg, uint8_t size)
{
	uint64_t val;

	while (vpci_read(hardware_domain, at(dev), (uint16_t)reg, size, &val) ==
	       PCI_AGAIN)
		poll_all();
	return (uint32_t)val;
}

void wr(const char *dev, unsigned int reg, uint8_t size, uint32_t val)
{
	while (vpci_write(&vcpu, at(dev), (uint16_t)reg, size, val) ==
	       PCI_AGAIN)
		poll_all();
	use_written(at(dev), (uint16_t)reg, size);
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		;
	poll_all();
}

unsigned int cap(const char *dev, uint8_t id)
{
	unsigned int pos = rd(dev, PCI_CAPABILITY_LIST, 1);

	while (pos && rd(dev, pos, 1) != id)
		pos = rd(dev, pos + 1, 1);
	return pos;
}

void bind(void)
{
	unsigned int msix = cap(CARD, PCI_CAP_ID_MSIX);

	wr(CARD, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(CARD, msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

void unbind(void)
{
	unsigned int msix = cap(CARD, PCI_CAP_ID_MSIX);

	wr(CARD, msix + PCI_MSIX_FLAGS, 2, 0);
	wr(CARD, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

unsigned int slot_reg(unsigned int reg)
{
	return cap(PORT, PCI_CAP_ID_EXP) + reg;
}

uint32_t heard(void)
{
	uint32_t status = rd(PORT, slot_reg(PCI_EXP_SLTSTA), 2);

	wr(PORT, slot_reg(PCI_EXP_SLTSTA), 2, status & PCI_EXP_SLTSTA_W1C);
	lab.interrupts = 0;
	return status;
}

void slot_control(uint32_t val)
{
	wr(PORT, slot_reg(PCI_EXP_SLTCTL), 2, val);
}

/* --- management -------------------------------------------------------------------- */

struct mgmt_request request(const char *dev)
{
	return (struct mgmt_request){ .version = MGMT_VERSION,
				      .sbdf = at(dev).sbdf,
				      .timeout_ms = 10000,
				      .who = "test" };
}

void box_put(const void *from, size_t size)
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

int ask_with(enum mgmt_verb verb, const struct mgmt_request *r)
{
	uint32_t word;
	size_t i;

	box_put(r, sizeof(*r));
	mgmt_config_write(MGMT_DOOR, 4, verb);
	for (i = 0; i < sizeof(lab.answer); i += 4) {
		word = mgmt_config_read((uint16_t)(MGMT_BOX + i), 4);
		memcpy((char *)&lab.answer + i, &word, 4);
	}
	return (int32_t)mgmt_config_read(MGMT_STATUS, 4);
}

int ask(enum mgmt_verb verb, const char *dev)
{
	struct mgmt_request r = request(dev);

	return ask_with(verb, &r);
}

int remove_with(unsigned int flags)
{
	struct mgmt_request r = request(CARD);

	r.flags = flags;
	return ask_with(MGMT_REMOVE, &r);
}

int removal(void)
{
	poll_all();
	assert_int_equal(ask(MGMT_REMOVAL, CARD), 0);
	return lab.answer.removal.result;
}

int removal_end(void)
{
	while (removal() == -EINPROGRESS)
		;
	return lab.answer.removal.result;
}

/* --- before and after each --------------------------------------------------------- */

static int extend(struct vpci *view, struct pci_dev *pdev, struct domain *d)
{
	return slot_extend(view, pdev, d);
}

void plug(const char *port)
{
	char err[200];

	if (fabric_plug(f, at(port), "nvme", err, sizeof(err)))
		fail_msg("%s", err);
}

int lab_set_up(void **state)
{
	static const struct vpci_options options = { .hardware_views = true,
						     .extend = extend };
	struct pci_scan scan;
	char err[200];

	(void)state;
	f = fabric_open(lab.machine, err, sizeof(err));
	if (!f)
		fail_msg("%s", err);
	plug(PORT);
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

int lab_tear_down(void **state)
{
	struct mgmt_request first = request("0000:00:00.0"), r = first;
	struct fabric_witness witness;

	(void)state;
	assert_int_equal(pci_check_invariants(), 0);
	vpci_vcpu_fini(&vcpu);
	/* The hardware domain is at its end, and so are its uses. */
	while (!ask_with(MGMT_NEXT, &first)) {
		r.sbdf = lab.answer.device.sbdf;
		assert_int_equal(ask_with(MGMT_LOSE, &r), 0);
	}
	pci_fini();
	fabric_witness(f, &witness);
	assert_int_equal(witness.violations, 0);
	fabric_close(f);
	return 0;
}
