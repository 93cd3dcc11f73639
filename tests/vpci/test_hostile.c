/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that writes all-ones, all-zeros and random values to every byte of
 * its devices, in every size, changes in hardware the bits that policy allows
 * and no other: on each device of the fabric's server that can be assigned.
 * The set is printed, once for each kind of device.
 *
 * What policy allows is read off the view: bits that live in hardware and are
 * the guest's to write. Registers with a write hook are documented apart,
 * exceptions[]. A guest may also reset its device where it is able to; what
 * that alone changes is found by doing it once, and printed, too.
 *
 * The seed is printed; HOSTILE_SEED in the environment gives another.
 */
#include <time.h>

#include <holdfast/iommu.h>

#include "vpci/internal.h"

#include "guest.h"

enum { SPACE = PCI_CFG_SPACE_EXP_SIZE, FUNCTIONS = 96, KINDS = 64 };

static struct fabric *fabric;
static struct guest *g;
static uint32_t word;

/* Every function there is, and its configuration space. */
static unsigned int nfunctions;
static pci_sbdf_t function[FUNCTIONS];
static uint8_t before[FUNCTIONS][SPACE];

/* The one under attack. */
static pci_sbdf_t host_at, guest_at;
static struct vpci *view;
static struct pci_dev_desc desc;
static uint8_t start[SPACE]; /* its configuration space */
static uint8_t plain[SPACE]; /* bits that the view's masks allow */
static uint8_t extra[SPACE]; /* … that hooks do */
static uint8_t kept[SPACE];  /* … of these, what stays when it leaves */
static uint8_t reset[SPACE]; /* … that a reset changes */
static uint8_t seen[SPACE];  /* that have changed */

static uint32_t next_random(void)
{
	word ^= word << 13;
	word ^= word >> 17;
	word ^= word << 5;
	return word;
}

/* --- a device that the guest may write to ---------------------------------------- */

/* nic-25g's vendor-specific byte can be written; this policy lets some of it. */
static const struct vpci_field vendor_field = {
	.offset = 3,
	.size = 1,
	.masks = { .hw = 0xff, .rw = 0x5a },
};
static const struct vpci_cap_policy vendor_cap = {
	.show = true,
	.nfields = 1,
	.field = &vendor_field,
};
static struct vpci_policy vendor_policy;

static void allow_vendor_bits(void)
{
	const pci_sbdf_t nic = pci_sbdf(1, 1, 0, 0);

	vendor_policy = vpci_policy_guest;
	vendor_policy.name = "vendor";
	vendor_policy.cap[PCI_CAP_ID_VNDR] = &vendor_cap;
	assert_int_not_equal(pci_find_cap(nic, PCI_CAP_ID_VNDR), 0);
	assert_int_equal(vpci_policy_set(nic, &vendor_policy), 0);
}

/* --- looking ----------------------------------------------------------------------- */

static void look(pci_sbdf_t at, uint8_t *space)
{
	unsigned int i;

	for (i = 0; i < SPACE; i += 4) {
		uint32_t val = pci_conf_read(at, (uint16_t)i, 4);

		memcpy(space + i, &val, 4);
	}
}

static void note(unsigned int reg)
{
	uint32_t val = pci_conf_read(host_at, (uint16_t)(reg & ~3u), 4), was;
	unsigned int i;

	memcpy(&was, start + (reg & ~3u), 4);
	for (i = 0; i < 4; i++)
		seen[(reg & ~3u) + i] |= (uint8_t)((val ^ was) >> 8 * i);
}

static void note_all(void)
{
	unsigned int i;

	for (i = 0; i < SPACE; i += 4)
		note(i);
}

static void look_at_all(void)
{
	pci_sbdf_t at = pci_sbdf_from(0);
	struct pci_dev_info info;
	int seg = -1;

	nfunctions = 0;
	while ((seg = pci_segment_next((unsigned int)seg + 1)) >= 0) {
		at = pci_sbdf((uint16_t)seg, 0, 0, 0);
		for (; !pci_query_next(at, &info); at.bdf++) {
			at = info.desc.sbdf;
			assert_true(nfunctions < FUNCTIONS);
			look(at, before[nfunctions]);
			function[nfunctions++] = at;
		}
	}
}

static void others_are_as_they_were(void)
{
	uint8_t now[SPACE];
	unsigned int i, k;

	for (i = 0; i < nfunctions; i++) {
		if (function[i].sbdf == host_at.sbdf)
			continue;
		look(function[i], now);
		for (k = 0; k < SPACE; k++)
			if (now[k] != before[i][k])
				fail_msg("%08x: byte %#x of %08x changed",
					 host_at.sbdf, k, function[i].sbdf);
	}
}

/* --- what may change ------------------------------------------------------------------ */

static void allow_plain(void)
{
	unsigned int i;

	memset(plain, 0, sizeof(plain));
	for (i = 0; i < SPACE; i++) {
		const struct vpci_dword *d = &view->dword[view->index[i / 4]];
		unsigned int lane = d->lane[i % 4];

		if (!view->index[i / 4] || (lane && view->range[lane].write))
			continue;
		plain[i] = (uint8_t)((d->hw & (d->rw | d->w1c)) >> 8 * (i % 4));
	}
}

static void allow(unsigned int reg, uint16_t bits)
{
	extra[reg] |= (uint8_t)bits;
	extra[reg + 1] |= (uint8_t)(bits >> 8);
}

/* What hooks do to hardware, as their files say. */
static void allow_extra(void)
{
	uint16_t vpd = pci_find_cap(host_at, PCI_CAP_ID_VPD);

	memset(extra, 0, sizeof(extra));
	/* header.c; a VF has no INTx (PCIe 6.0 §9.3.4.1.3) */
	allow(PCI_COMMAND,
	      desc.is_vf ? PCI_COMMAND_MASTER
			 : PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	if (view->bar[PCI_BAR_FIRST_ROM].size) /* bar.c */
		allow(PCI_ROM_ADDRESS, PCI_ROM_ADDRESS_ENABLE);
	if (desc.pcie) /* cap_pcie.c */
		allow(desc.pcie + PCI_EXP_DEVCTL,
		      PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_READRQ);
	memset(kept, 0, sizeof(kept));
	if (vpd) { /* cap_vpd.c: a read, and what it answers */
		allow(vpd + PCI_VPD_ADDR, UINT16_MAX);
		allow(vpd + PCI_VPD_DATA, UINT16_MAX);
		allow(vpd + PCI_VPD_DATA + 2, UINT16_MAX);
		memcpy(kept + vpd, extra + vpd, PCI_CAP_VPD_SIZEOF);
	}
}

/* --- the attack -------------------------------------------------------------------------- */

/* 100 ms after a reset are over at once. */
static void skip_the_wait(struct guest *unused)
{
	(void)unused;
	pci_lock(&view->pdev->lock);
	if (view->flr_over)
		view->flr_over = 1;
	pci_unlock(&view->pdev->lock);
}

static void strike(unsigned int reg, uint8_t size, uint64_t val)
{
	while (vpci_write(&g->vcpu, guest_at, (uint16_t)reg, size, val) ==
	       PCI_AGAIN)
		guest_settle(g);
	guest_settle(g);
}

/* What a reset changes, if the guest can make one. */
static void learn_reset(void)
{
	memset(seen, 0, sizeof(seen));
	if (desc.pcie)
		strike(desc.pcie + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	if (desc.af)
		strike(desc.af + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	note_all();
	memcpy(reset, seen, sizeof(reset));
	memset(seen, 0, sizeof(seen));
}

/* It finds the device and starts it, as a guest with better manners. */
static struct guest_fn *start_device(void)
{
	struct guest_fn *fn;

	g->low = GUEST_LOW;
	g->high = GUEST_HIGH;
	guest_enumerate(g, 0, 0);
	fn = guest_find(g, guest_at);
	assert_non_null(fn);
	guest_start(g, fn);
	return fn;
}

/* The ROM decodes only where it may lie, as all the rest. */
static void open_rom(void)
{
	uint64_t size = start_device()->bar[PCI_BAR_FIRST_ROM].size;

	if (!size)
		return;
	strike(PCI_ROM_ADDRESS, 4,
	       ((g->low + size - 1) & ~(size - 1)) | PCI_ROM_ADDRESS_ENABLE);
	note(PCI_ROM_ADDRESS);
}

enum pattern { ONES, ZEROS, RANDOM, PATTERNS };

static uint64_t value(enum pattern pattern)
{
	if (pattern == RANDOM)
		return (uint64_t)next_random() << 32 | next_random();
	return pattern == ONES ? UINT64_MAX : 0;
}

static void strike_everywhere(enum pattern pattern)
{
	unsigned int reg, size;

	for (size = 1; size <= 8; size *= 2) {
		for (reg = 0; reg < SPACE; reg += size) {
			strike(reg, (uint8_t)size, value(pattern));
			note(reg);
			note(reg + size - 1);
		}
		note_all();
	}
}

/* Sizes and places that no access has. */
static void strike_past(void)
{
	static const uint8_t size[] = { 0, 3, 5, 8, 4, 2, 16, 255 };
	unsigned int i;

	for (i = 0; i < 2000; i++)
		strike(next_random() & 0xffff, size[i % ARRAY_SIZE(size)],
		       value(RANDOM));
	note_all();
}

/* Bits that hardware lets the host change, of those in @mask. */
static uint8_t can_change(unsigned int reg, uint8_t mask)
{
	uint8_t was = (uint8_t)pci_conf_read(host_at, (uint16_t)reg, 1), now;

	assert_int_equal(pci_conf_write(host_at, (uint16_t)reg, 1, was ^ mask),
			 0);
	now = (uint8_t)pci_conf_read(host_at, (uint16_t)reg, 1);
	assert_int_equal(pci_conf_write(host_at, (uint16_t)reg, 1, was), 0);
	return (now ^ was) & mask;
}

static void nothing_else_changed(void)
{
	unsigned int i;

	for (i = 0; i < SPACE; i++) {
		uint8_t allowed = plain[i] | extra[i] | reset[i];

		if (seen[i] & ~allowed)
			fail_msg("%08x: bits %#x of %#x changed, and %#x may",
				 host_at.sbdf, seen[i], i, allowed);
	}
}

static void all_of_it_changed(void)
{
	unsigned int i;

	for (i = 0; i < SPACE; i++)
		if (plain[i] && can_change(i, plain[i]) & ~seen[i])
			fail_msg("%08x: of bits %#x of %#x only %#x changed",
				 host_at.sbdf, plain[i], i, seen[i]);
	assert_true(seen[PCI_COMMAND] & PCI_COMMAND_MASTER);
	if (view->bar[PCI_BAR_FIRST_ROM].size)
		assert_true(seen[PCI_ROM_ADDRESS] & PCI_ROM_ADDRESS_ENABLE);
}

/* --- the table ------------------------------------------------------------------------------ */

static const char *header_name(unsigned int reg)
{
	switch (reg) {
	case PCI_COMMAND:
		return "Command";
	case PCI_STATUS:
		return "Status";
	case PCI_ROM_ADDRESS:
		return "Expansion ROM";
	case PCI_INTERRUPT_LINE:
		return "Interrupt Line";
	default:
		return "header";
	}
}

static void print_name(unsigned int reg)
{
	struct pci_cap cap[64] = { 0 }, *at = NULL;
	unsigned int i, count = 0;
	const char *name = NULL;

	pci_caps(host_at, cap, ARRAY_SIZE(cap), &count);
	for (i = 0; i < count && i < ARRAY_SIZE(cap); i++)
		if (cap[i].pos <= reg && (!at || cap[i].pos > at->pos))
			at = &cap[i];
	if (at)
		name = pci_cap_name(at->extended, at->id);
	if (reg < PCI_STD_HEADER_SIZEOF)
		printf("    %03x  %s", reg, header_name(reg));
	else
		printf("    %03x  %s+%02x", reg, name ? name : "?",
		       reg - (at ? at->pos : 0));
}

static void print_set(const uint8_t *bits, const uint8_t *without,
		      const char *text)
{
	unsigned int i;

	for (i = 0; i < SPACE; i += 2) {
		uint8_t low = bits[i] & (uint8_t)~without[i];
		uint8_t high = bits[i + 1] & (uint8_t)~without[i + 1];

		if (!low && !high)
			continue;
		print_name(i);
		printf("  %04x  %s\n", high << 8 | low, text);
	}
}

static void print_kind(void)
{
	static uint32_t kind[KINDS];
	static unsigned int nkinds;
	static const uint8_t nothing[SPACE];
	uint32_t id = (uint32_t)desc.ident.vendor << 16 | desc.ident.device;
	uint8_t policy[SPACE];
	unsigned int i;

	for (i = 0; i < nkinds; i++)
		if (kind[i] == id)
			return;
	kind[nkinds++ % KINDS] = id;
	printf("  %04x:%04x%s\n", desc.ident.vendor, desc.ident.device,
	       desc.is_vf ? " (VF)" : "");
	for (i = 0; i < SPACE; i++)
		policy[i] = seen[i] & (plain[i] | extra[i]);
	print_set(policy, nothing, "");
	print_set(reset, policy, "by a reset");
}

/* --- memory ------------------------------------------------------------------------------------ */

struct table {
	uint64_t at, size;
	uint8_t was[PCI_MSIX_MAX_ENTRIES * PCI_MSIX_ENTRY_SIZE];
};

static void read_table(struct table *t, uint8_t *bytes)
{
	uint64_t i, val;

	for (i = 0; i < t->size; i += 8) {
		fabric_mem_read(fabric, t->at + i, 8, &val);
		memcpy(bytes + i, &val, 8);
	}
}

static void find_table(struct table *t)
{
	uint32_t where;

	*t = (struct table){ 0 };
	if (!desc.msix || !view->msix)
		return;
	where = pci_conf_read(host_at, desc.msix + PCI_MSIX_TABLE, 4);
	t->at = desc.bar[where & PCI_MSIX_TABLE_BIR].addr +
		(where & PCI_MSIX_TABLE_OFFSET);
	t->size = (uint64_t)desc.msix_entries * PCI_MSIX_ENTRY_SIZE;
	read_table(t, t->was);
}

/* In and a little around a BAR; sizes that there are not, too. */
static void storm(uint64_t addr, uint64_t size, unsigned int times)
{
	static const uint8_t sizes[] = { 1, 2, 4, 8, 4, 8, 3, 16 };

	while (times--) {
		uint8_t n = sizes[next_random() % ARRAY_SIZE(sizes)];
		uint64_t offset = next_random() % (size + 64);

		if (next_random() % 16)
			offset &= ~(uint64_t)(n - 1);
		while (vpci_mmio_write(&g->vcpu, addr + offset - 32, n,
				       value(RANDOM)) == PCI_AGAIN)
			guest_settle(g);
	}
	guest_settle(g);
}

static void storm_bars(void)
{
	static struct table table;
	static uint8_t now[sizeof(table.was)];
	struct guest_fn *fn = start_device();
	unsigned int i;

	find_table(&table);
	for (i = 0; i < PCI_BAR_FIRST_ROM; i++) {
		if (!fn->bar[i].addr)
			continue;
		storm(fn->bar[i].addr, fn->bar[i].size, 1500);
		storm(fn->bar[i].addr,
		      fn->bar[i].size < 0x4000 ? fn->bar[i].size : 0x4000,
		      1500);
	}
	read_table(&table, now);
	assert_memory_equal(now, table.was, table.size);
}

/* --- the tests ------------------------------------------------------------------------------------ */

static int setup(void **state)
{
	char err[200] = "";
	struct pci_scan scan;
	int seg = -1;

	(void)state;
	fabric = fabric_open("server", err, sizeof(err));
	assert_string_equal(err, "");
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	while ((seg = fabric_segment_next(fabric, (unsigned int)seg + 1)) >=
	       0) {
		assert_int_equal(
			pci_segment_add((uint16_t)seg, fabric_host(fabric)), 0);
		assert_int_equal(pci_scan_segment((uint16_t)seg, &scan), 0);
	}
	allow_vendor_bits();
	g = guest_begin("hostile", GUEST_TRAP, fabric, false);
	g->waits = skip_the_wait;
	look_at_all();
	return 0;
}

static int teardown(void **state)
{
	struct fabric_witness witness;

	(void)state;
	guest_end(g);
	assert_int_equal(pci_check_invariants(), 0);
	pci_fini();
	fabric_witness(fabric, &witness);
	assert_int_equal(witness.violations, 0);
	fabric_close(fabric);
	return 0;
}

static void begin(pci_sbdf_t at)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at);

	assert_non_null(pdev);
	pcidev_describe(pdev, &desc);
	host_at = at;
	guest_at = guest_assign(g, at, UINT32_MAX);
	view = hf_load_acquire(&pdev->view);
	assert_non_null(view);
	pcidev_put(pdev); /* it is assigned, and stays */
	look(at, start);
	allow_plain();
	allow_extra();
	learn_reset();
}

/*
 * The host has it again as it was (XSA-337), but for what policy lets a guest
 * write there.
 */
static void end(const uint8_t *was)
{
	uint8_t now[SPACE];
	unsigned int i;

	others_are_as_they_were();
	assert_int_equal(pci_deassign_device(g->domain, host_at, 0, NULL), 0);
	look(host_at, now);
	assert_false(now[PCI_COMMAND] & PCI_COMMAND_MASTER); /* rule 15 */
	now[PCI_COMMAND] |= was[PCI_COMMAND] & PCI_COMMAND_MASTER;
	for (i = 0; i < SPACE; i++)
		if ((now[i] ^ was[i]) & ~(plain[i] | kept[i]))
			fail_msg("%08x: byte %#x came back as %#x, was %#x",
				 host_at.sbdf, i, now[i], was[i]);
}

/* @attack on each device that can be assigned; returns how many. */
static unsigned int attack_all(void (*attack)(void))
{
	unsigned int i, count = 0;

	for (i = 0; i < nfunctions; i++) {
		if (pci_test_assign(g->domain, function[i], 0, NULL))
			continue;
		begin(function[i]);
		attack();
		end(before[i]);
		look(function[i], before[i]);
		count++;
	}
	return count;
}

static void write_everything(void)
{
	enum pattern pattern;

	open_rom();
	for (pattern = ONES; pattern < PATTERNS; pattern++)
		strike_everywhere(pattern);
	strike_past();
	nothing_else_changed();
	all_of_it_changed();
	print_kind();
}

static void test_config_writes_change_what_policy_allows(void **state)
{
	(void)state;
	printf("what a guest can change in hardware, by kind of device\n");
	assert_true(attack_all(write_everything) > 40);
}

static void write_memory(void)
{
	storm_bars();
	note_all();
	nothing_else_changed();
}

static void test_memory_writes_reach_only_the_bars(void **state)
{
	(void)state;
	assert_true(attack_all(write_memory) > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_config_writes_change_what_policy_allows, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_memory_writes_reach_only_the_bars, setup,
			teardown),
	};
	const char *given = getenv("HOSTILE_SEED");

	word = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)time(NULL);
	print_message("seed %u\n", word);
	word |= 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
