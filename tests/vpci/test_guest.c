/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests boot with passed-through devices: on the server of the fabric all that
 * can be assigned, shared out to three guests at once, each of which reaches
 * configuration space its own way; and on dumps, as far as these go: sizes
 * are made up.
 */
#include <holdfast/iommu.h>

#include "vpci/internal.h"

#include "dump.h"
#include "guest.h"

enum { GUESTS = 3, DEVICES = 64 };

static const char *dumps; /* the directory */
static struct fabric *fabric;
static struct guest *guest[GUESTS];

/* What was assigned to whom, and where. */
static struct given {
	struct pci_dev_desc desc;
	struct guest *to;
	pci_sbdf_t at;
} given[DEVICES];
static unsigned int ngiven;

/* --- setting up --------------------------------------------------------------- */

static struct pci_host dump_host;

static void core_begin(void)
{
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	ngiven = 0;
}

/*
 * VF BARs cannot be sized while VFs are there (PCIe 6.0 §9.3.3.14): they are
 * off for the first scan.
 */
static void enable_vfs(bool on)
{
	pci_sbdf_t pf = pci_sbdf(0, 3, 0, 0);
	uint16_t pos = pci_find_ext_cap(pf, PCI_EXT_CAP_ID_SRIOV);
	uint16_t ctrl = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	struct pci_scan scan;

	assert_int_not_equal(pos, 0);
	assert_int_equal(
		pci_conf_write(pf, pos + PCI_SRIOV_CTRL, 2, on ? ctrl : 0), 0);
	if (on) {
		assert_int_equal(pci_scan_segment(0, &scan), 0);
		assert_int_equal(scan.added, 4);
	}
}

static void add_segments(struct pci_host *host, int (*next)(unsigned int seg))
{
	struct pci_scan scan;
	int seg = -1;

	while ((seg = next((unsigned int)seg + 1)) >= 0) {
		assert_int_equal(pci_segment_add((uint16_t)seg, host), 0);
		if (!seg && host != &dump_host)
			enable_vfs(false);
		assert_int_equal(pci_scan_segment((uint16_t)seg, &scan), 0);
		assert_int_equal(scan.failed, 0);
	}
}

static int fabric_next(unsigned int seg)
{
	return fabric_segment_next(fabric, seg);
}

static void give(struct guest *to, const struct pci_dev_desc *desc,
		 uint32_t vsbdf)
{
	struct given *is = &given[ngiven++];

	assert_true(ngiven <= DEVICES);
	is->desc = *desc;
	is->to = to;
	is->at = guest_assign(to, desc->sbdf, vsbdf);
}

/* The next one from *@bdf on that can be given to @g. */
static bool next_free(struct guest *g, int seg, uint32_t *bdf,
		      struct pci_dev_desc *desc)
{
	struct pci_dev_info info;

	while (*bdf <= UINT16_MAX &&
	       !pci_query_next(pci_sbdf_from((uint32_t)seg << 16 | *bdf),
			       &info)) {
		*desc = info.desc;
		*bdf = desc->sbdf.bdf + 1u;
		if (!pci_test_assign(g->domain, desc->sbdf, 0, NULL))
			return true;
	}
	return false;
}

/*
 * A slot of the host becomes a slot of one guest, with its functions where
 * they were; VFs go anywhere, one by one.
 */
static void give_segment(int seg, uint8_t *dev)
{
	unsigned int who = 0;
	struct pci_dev_desc desc;
	uint32_t bdf = 0, slot = UINT32_MAX;

	while (next_free(guest[0], seg, &bdf, &desc)) {
		if (slot != desc.sbdf.sbdf >> 3 || desc.is_vf) {
			who = (who + 1) % GUESTS;
			dev[who]++;
		}
		slot = desc.sbdf.sbdf >> 3;
		give(guest[who], &desc,
		     desc.is_vf
			     ? UINT32_MAX
			     : pci_sbdf(0, 0, dev[who], PCI_FN(desc.sbdf)).sbdf);
	}
}

static void give_everything(void)
{
	uint8_t dev[GUESTS] = { 8, 8, 8 }; /* below: for those anywhere */
	int seg = -1;

	while ((seg = pci_segment_next((unsigned int)seg + 1)) >= 0)
		give_segment(seg, dev);
}

static int setup(void **state)
{
	char err[200] = "";

	(void)state;
	fabric = fabric_open("server", err, sizeof(err));
	assert_string_equal(err, "");
	core_begin();
	add_segments(fabric_host(fabric), fabric_next);
	enable_vfs(true);
	guest[0] = guest_begin("trap", GUEST_TRAP, fabric, true);
	guest[1] = guest_begin("ecam", GUEST_BY_ECAM, fabric, false);
	guest[2] = guest_begin("pio", GUEST_BY_PIO, fabric, true);
	give_everything();
	return 0;
}

static int teardown(void **state)
{
	struct fabric_witness witness;
	unsigned int i;

	(void)state;
	for (i = 0; i < GUESTS; i++)
		guest_end(guest[i]);
	assert_int_equal(pci_check_invariants(), 0);
	pci_fini();
	fabric_witness(fabric, &witness);
	if (witness.violations)
		print_error("%s\n", witness.list[0].text);
	assert_int_equal(witness.violations, 0);
	fabric_close(fabric);
	return 0;
}

/* --- what a guest finds ----------------------------------------------------------- */

static void boot(void)
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		guest_enumerate(guest[i], 0, 0);
}

static struct guest_fn *found(const struct given *is)
{
	struct guest_fn *fn = guest_find(is->to, is->at);

	if (!fn)
		fail_msg("%04x:%04x is not found at %02x.%x",
			 is->desc.ident.vendor, is->desc.ident.device,
			 PCI_DEV(is->at), PCI_FN(is->at));
	return fn;
}

static void test_guest_finds_all_its_functions_and_no_other(void **state)
{
	unsigned int i, k, functions = 0, placeholders = 0;

	(void)state;
	assert_true(ngiven > 40);
	boot();
	for (i = 0; i < ngiven; i++) {
		const struct guest_fn *fn = found(&given[i]);
		const struct pci_ident *id = &given[i].desc.ident;

		assert_int_equal(fn->vendor, id->vendor);
		assert_int_equal(fn->device, id->device);
		assert_int_equal(fn->class_rev, id->class_rev);
		assert_int_equal(fn->header & PCI_HEADER_TYPE_MASK,
				 given[i].desc.hdr_type);
	}
	/* what stands for a function 0 that is not there is nobody's */
	for (i = 0; i < GUESTS; i++) {
		functions += guest[i]->nfn;
		for (k = 0; k < guest[i]->nfn; k++)
			placeholders += guest[i]->fn[k].device == 0xffff;
	}
	assert_true(placeholders > 0);
	assert_int_equal(functions, ngiven + placeholders);
}

static bool shares_its_slot(const struct given *is)
{
	unsigned int i;

	for (i = 0; i < ngiven; i++)
		if (given[i].to == is->to && &given[i] != is &&
		    given[i].at.bdf >> 3 == is->at.bdf >> 3)
			return true;
	return false;
}

static void test_function_0_says_whether_there_are_others(void **state)
{
	unsigned int i, shared = 0;

	(void)state;
	boot();
	for (i = 0; i < ngiven; i++) {
		bool mfd = found(&given[i])->header & PCI_HEADER_TYPE_MFD;

		assert_int_equal(mfd, shares_its_slot(&given[i]));
		shared += mfd;
	}
	assert_true(shared >= 8);
}

/* A BAR that the host has not placed is not shown. */
static uint64_t size_shown(const struct pci_bar *bar)
{
	return bar->kind == PCI_BAR_IO || bar->addr ? bar->size : 0;
}

static void test_guest_sizes_bars_as_they_are(void **state)
{
	unsigned int i, k, sized[PCI_BAR_ROM + 1] = { 0 };

	(void)state;
	boot();
	for (i = 0; i < ngiven; i++) {
		const struct guest_fn *fn = found(&given[i]);

		for (k = 0; k <= PCI_BAR_FIRST_ROM; k++) {
			const struct pci_bar *bar = &given[i].desc.bar[k];

			assert_int_equal(fn->bar[k].size, size_shown(bar));
			if (!fn->bar[k].size)
				continue;
			assert_int_equal(fn->bar[k].kind, bar->kind);
			assert_int_equal(fn->bar[k].prefetch, bar->prefetch);
			sized[bar->kind]++;
		}
	}
	assert_true(sized[PCI_BAR_IO] && sized[PCI_BAR_MEM32] &&
		    sized[PCI_BAR_MEM64] && sized[PCI_BAR_ROM]);
}

static void test_lists_end_and_show_what_policy_shows(void **state)
{
	unsigned int i, k, caps = 0, exts = 0;

	(void)state;
	boot();
	for (i = 0; i < ngiven; i++) {
		const struct guest_fn *fn = found(&given[i]);

		assert_null(fn->fault);
		for (k = 0; k < fn->ncaps; k++)
			assert_true(vpci_cap_policy(&vpci_policy_guest, false,
						    fn->cap[k].id));
		for (k = 0; k < fn->next; k++)
			assert_true(vpci_cap_policy(&vpci_policy_guest, true,
						    fn->ext[k].id));
		assert_int_equal(guest_cap(fn, PCI_CAP_ID_MSIX) != 0,
				 given[i].desc.msix != 0);
		assert_int_equal(guest_cap(fn, PCI_CAP_ID_EXP) != 0,
				 given[i].desc.pcie != 0);
		caps += fn->ncaps;
		exts += fn->next;
	}
	assert_true(caps > ngiven && exts > 0);
}

/* --- using them ---------------------------------------------------------------------- */

static void start_all(void)
{
	unsigned int i;

	boot();
	for (i = 0; i < ngiven; i++)
		guest_start(given[i].to, found(&given[i]));
}

/* Is @offset of BAR @bar in the MSI-X table or PBA? Their pages are trapped. */
static bool is_trapped_page(const struct given *is, unsigned int bar,
			    uint64_t offset)
{
	struct vpci *view;
	bool yes;

	plat_rcu_read_lock();
	view = hf_load_acquire(
		&pci_table_find(&is->to->domain->table, is->at)->view);
	yes = vpci_msix_has_page(view, bar, offset & ~(uint64_t)0xfff);
	plat_rcu_read_unlock();
	return yes;
}

/* The device's own memory changes, wherever the guest has put it. */
static unsigned int use_bar(const struct given *is, unsigned int i)
{
	const struct guest_fn *fn = found(is);
	uint64_t last = fn->bar[i].size - 4, val = 0;
	uint32_t word = 0xc0de0000 | is->desc.sbdf.bdf | i << 24;
	bool mapped = guest_is_mapped(is->to, fn->bar[i].addr + last);

	if (is_trapped_page(is, i, last)) {
		assert_false(mapped);
		return 0;
	}
	guest_store(is->to, fn->bar[i].addr + last, 4, word);
	assert_int_equal(guest_load(is->to, fn->bar[i].addr + last, 4), word);
	assert_int_equal(fabric_mem_read(fabric, is->desc.bar[i].addr + last, 4,
					 &val),
			 0);
	assert_int_equal(val, word);
	assert_int_equal(mapped, is->to != guest[1] &&
					 fn->bar[i].size >= PLAT_PAGE_SIZE);
	return 1;
}

static void test_bars_reach_the_device_mapped_or_trapped(void **state)
{
	unsigned int i, k, used = 0;

	(void)state;
	start_all();
	for (i = 0; i < ngiven; i++)
		for (k = 0; k < PCI_BAR_FIRST_ROM; k++)
			if (found(&given[i])->bar[k].addr)
				used += use_bar(&given[i], k);
	assert_true(used > 20);
	for (i = 0; i < GUESTS; i++)
		assert_int_equal(guest[i]->nmappings > 0, i != 1);
}

static void test_decode_off_takes_bars_out_of_the_guest(void **state)
{
	unsigned int i;

	(void)state;
	start_all();
	for (i = 0; i < ngiven; i++)
		guest_stop(given[i].to, found(&given[i]));
	for (i = 0; i < GUESTS; i++)
		assert_int_equal(guest[i]->nmappings, 0);
	for (i = 0; i < ngiven; i++) {
		const struct guest_fn *fn = found(&given[i]);

		if (fn->bar[0].addr)
			assert_int_equal(guest_load(given[i].to,
						    fn->bar[0].addr, 4),
					 UINT32_MAX);
	}
}

static void check_vectors(const struct given *is, const struct guest_fn *fn,
			  uint32_t base)
{
	unsigned int i;

	for (i = 0; i < fn->vectors; i++) {
		const struct guest_vector *v =
			guest_vector(is->to, is->desc.sbdf, fn->msix, i);

		assert_non_null(v);
		assert_true(v->last.enabled);
		assert_false(v->last.masked);
		assert_int_equal(v->last.address, GUEST_DOORBELL);
		assert_int_equal(v->last.data, base + i);
	}
	assert_null(guest_vector(is->to, is->desc.sbdf, fn->msix, i));
}

/* Hardware sends no message before somebody has translated it. */
static void check_hardware_is_off(const struct pci_dev_desc *desc)
{
	if (desc->msi)
		assert_false(pci_conf_read(desc->sbdf,
					   desc->msi + PCI_MSI_FLAGS, 2) &
			     PCI_MSI_FLAGS_ENABLE);
	if (desc->msix)
		assert_false(pci_conf_read(desc->sbdf,
					   desc->msix + PCI_MSIX_FLAGS, 2) &
			     PCI_MSIX_FLAGS_ENABLE);
}

static void test_vectors_arrive_as_the_guest_wrote_them(void **state)
{
	unsigned int i, msi = 0, msix = 0;

	(void)state;
	start_all();
	for (i = 0; i < ngiven; i++) {
		struct guest_fn *fn = found(&given[i]);

		guest_interrupts(given[i].to, fn, 0x100 * (i + 1));
		check_vectors(&given[i], fn, 0x100 * (i + 1));
		check_hardware_is_off(&given[i].desc);
		if (fn->msix)
			msix += fn->vectors;
		else
			msi += fn->vectors;
	}
	assert_true(msi > 10 && msix > 300);
}

static void check_restored(const struct pci_dev_desc *desc, uint16_t command)
{
	unsigned int i;

	assert_int_equal(pci_conf_read(desc->sbdf, PCI_COMMAND, 2), command);
	for (i = 0; i < PCI_BAR_FIRST_ROM && !desc->is_vf; i++)
		if (desc->bar[i].addr && desc->bar[i].kind != PCI_BAR_IO)
			assert_int_equal(
				pci_conf_read(
					desc->sbdf,
					(uint16_t)(PCI_BASE_ADDRESS_0 + 4 * i),
					4) &
					PCI_BASE_ADDRESS_MEM_MASK,
				(uint32_t)desc->bar[i].addr);
	check_hardware_is_off(desc);
}

static void test_devices_come_back_as_the_host_had_them(void **state)
{
	static uint16_t command[DEVICES];
	unsigned int i;

	(void)state;
	for (i = 0; i < ngiven; i++) {
		assert_int_equal(pci_deassign_device(given[i].to->domain,
						     given[i].desc.sbdf, 0,
						     NULL),
				 0);
		command[i] = (uint16_t)pci_conf_read(given[i].desc.sbdf,
						     PCI_COMMAND, 2);
		guest_assign(given[i].to, given[i].desc.sbdf, given[i].at.sbdf);
	}
	start_all();
	for (i = 0; i < ngiven; i++) {
		guest_interrupts(given[i].to, found(&given[i]), 0);
		assert_int_equal(pci_deassign_device(given[i].to->domain,
						     given[i].desc.sbdf, 0,
						     NULL),
				 0);
		check_restored(&given[i].desc, command[i]);
	}
	for (i = 0; i < GUESTS; i++)
		assert_int_equal(guest[i]->nmappings, 0);
}

/* --- dumps -------------------------------------------------------------------------------- */

/*
 * A dump is a read-only host. As one that can be written it keeps what is
 * written and nothing more, so a size is as large as the address allows.
 */
static struct pci_host *dump;

static int dump_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	(void)host;
	return dump->ops->read(dump, sbdf, reg, size, val);
}

static int dump_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	(void)host;
	return dump->ops->write(dump, sbdf, reg, size, val);
}

static int dump_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	(void)host;
	return dump->ops->next(dump, sbdf);
}

static uint16_t dump_config_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	(void)host;
	return dump->ops->config_size(dump, sbdf);
}

static int dump_bar_size(struct pci_host *host, pci_sbdf_t sbdf,
			 unsigned int bar, uint64_t *size)
{
	uint32_t val = 0;

	(void)host;
	if (!dump->ops->bar_size(dump, sbdf, bar, size))
		return 0;
	*size = 0;
	if (bar > 5 ||
	    dump->ops->read(dump, sbdf,
			    (uint16_t)(PCI_BASE_ADDRESS_0 + 4 * bar), 4, &val))
		return 0;
	val &= val & PCI_BASE_ADDRESS_SPACE_IO ? PCI_BASE_ADDRESS_IO_MASK
					       : PCI_BASE_ADDRESS_MEM_MASK;
	*size = val & -val;
	return 0;
}

static const struct pci_host_ops dump_ops = {
	.read = dump_read,
	.write = dump_write,
	.next = dump_next,
	.config_size = dump_config_size,
	.bar_size = dump_bar_size,
};
static struct pci_host dump_host = { .ops = &dump_ops, .name = "dump" };

static int dump_segment(unsigned int seg)
{
	pci_sbdf_t at = pci_sbdf((uint16_t)seg, 0, 0, 0);

	return seg > UINT16_MAX || dump->ops->next(dump, &at) ? -ENOENT
							      : at.seg;
}

static void boot_one(const struct given *is)
{
	struct guest_fn *fn = found(is);

	assert_int_equal(fn->vendor, is->desc.ident.vendor);
	assert_int_equal(fn->device, is->desc.ident.device);
	assert_null(fn->fault);
	guest_start(is->to, fn);
	guest_interrupts(is->to, fn, 0x40);
	check_vectors(is, fn, 0x40);
}

/* Each at the bus, device and function that it has in the dump. */
static void boot_from_dump(int seg)
{
	struct guest *g = guest_begin("dump", GUEST_TRAP, NULL, true);
	unsigned int i = ngiven;
	struct pci_dev_desc desc;
	uint32_t bdf = 0;

	while (next_free(g, seg, &bdf, &desc))
		give(g, &desc, desc.sbdf.bdf);
	guest_enumerate(g, 0, 255);
	for (; i < ngiven; i++)
		boot_one(&given[i]);
	guest_end(g);
}

static void check_dump(const char *name, unsigned int count)
{
	char path[4096], err[128] = "";
	int seg = -1;

	snprintf(path, sizeof(path), "%s/tests/dump/data/%s", dumps, name);
	dump = dump_open(path, err, sizeof(err));
	assert_string_equal(dump ? "" : err, "");
	core_begin();
	add_segments(&dump_host, dump_segment);
	while ((seg = pci_segment_next((unsigned int)seg + 1)) >= 0)
		boot_from_dump(seg);
	assert_int_equal(ngiven, count);
	assert_int_equal(pci_check_invariants(), 0);
	pci_fini();
	dump_close(dump);
}

static void test_guest_boots_on_dumps_at_any_bus(void **state)
{
	(void)state;
	check_dump("conventional.lspci", 3);
	check_dump("express.lspci", 2);
	check_dump("header.lspci", 3);
	check_dump("segments.lspci", 5);
}

int main(int argc, char **argv)
{
#define ON_SERVER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ON_SERVER(test_guest_finds_all_its_functions_and_no_other),
		ON_SERVER(test_function_0_says_whether_there_are_others),
		ON_SERVER(test_guest_sizes_bars_as_they_are),
		ON_SERVER(test_lists_end_and_show_what_policy_shows),
		ON_SERVER(test_bars_reach_the_device_mapped_or_trapped),
		ON_SERVER(test_decode_off_takes_bars_out_of_the_guest),
		ON_SERVER(test_vectors_arrive_as_the_guest_wrote_them),
		ON_SERVER(test_devices_come_back_as_the_host_had_them),
		cmocka_unit_test(test_guest_boots_on_dumps_at_any_bus),
	};

	dumps = argc > 2 ? argv[2] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
