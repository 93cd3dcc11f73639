/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each call of the host's IOMMU and interrupt controller, and each allocation,
 * fails once, at every position of a story: two guests, DMA, interrupts, and
 * the end of it all.
 *
 * The step in which it fails says a documented error, or copes; it has changed
 * nothing, or what it says; done again it works. At the end nothing is left, and
 * the witness has seen nothing, though the cards go on with their DMA all the
 * time.
 */
#include "story.h"

#define HOSTS SECOND
#define DMA 0x100000ull
#define MORE 0x200000ull
#define PAGES 4
#define BAR 0xe0000000ull /* of MSIX in the guest */
#define VECTORS 3

static struct domain *one, *two;
static struct vpci_vcpu vcpu;
static uint64_t ram, more, twos; /* host addresses behind DMA, MORE, DMA */
static unsigned int came, handled;
static bool refused_unmap;
static struct left before;

/* --- what fails ---------------------------------------------------------------------- */

enum { ALLOC = FABRIC_CALLS, KINDS };

static const char *const kind_name[KINDS] = {
	[FABRIC_CALL_SPACE_CREATE] = "space_create",
	[FABRIC_CALL_MAP] = "map",
	[FABRIC_CALL_ATTACH] = "attach",
	[FABRIC_CALL_FLUSH] = "flush",
	[FABRIC_CALL_FLUSH_DONE] = "flush_done",
	[FABRIC_CALL_ATS] = "ats",
	[FABRIC_CALL_IRQ_ALLOC] = "irq_alloc",
	[ALLOC] = "memory",
};

static struct {
	unsigned int kind, nth;
	uint64_t target;     /* fabric_unit_info.calls, when it has failed */
	bool armed;          /* allocations count */
	unsigned int allocs; /* left until one fails; 0: none will */
	bool failed;         /* an allocation has */
} inject;

void *__real_plat_zalloc(size_t size);
void *__wrap_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	if (inject.armed && inject.allocs && !--inject.allocs) {
		inject.failed = true;
		return NULL;
	}
	return __real_plat_zalloc(size);
}

static void arm(unsigned int kind, unsigned int nth)
{
	struct fabric_unit_info info;

	memset(&inject, 0, sizeof(inject));
	inject.kind = kind;
	inject.nth = nth;
	fabric_unit(f, &info);
	if (kind == ALLOC) {
		inject.allocs = nth;
	} else {
		inject.target = info.calls[kind] + nth;
		fabric_fail(f, (enum fabric_call)kind, nth);
	}
}

static bool has_failed(void)
{
	struct fabric_unit_info info;

	fabric_unit(f, &info);
	return inject.kind == ALLOC ? inject.failed
				    : info.calls[inject.kind] >= inject.target;
}

static void disarm(void)
{
	unsigned int kind;

	for (kind = 0; kind < FABRIC_CALLS; kind++)
		fabric_fail(f, (enum fabric_call)kind, 0);
	inject.allocs = 0;
}

/* --- the machine ------------------------------------------------------------------------ */

static void on_interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
			 unsigned int index)
{
	(void)sbdf;
	(void)msix;
	(void)index;
	assert_ptr_equal(d, one);
	came++;
}

static const struct domain_ops guest_ops = { .interrupt = on_interrupt };

static void handler(void *data, unsigned int index)
{
	(void)index;
	assert_ptr_equal(data, &handled);
	handled++;
}

static void assert_agree(void)
{
	struct left now = left();

	assert_int_equal(now.spaces, now.core_spaces);
	assert_int_equal(now.contexts, now.core_contexts);
	assert_int_equal(now.vectors, now.core_vectors);
}

/* What a failure has put there comes out, now that nothing fails. */
static void release_at(pci_sbdf_t sbdf)
{
	struct pci_iommu_info info;
	const char *why = NULL;

	assert_int_equal(pci_iommu_query(sbdf, &info), 0);
	assert_int_equal(info.mode, IOMMU_BLOCKED);
	if (pci_unquarantine_device(sbdf, &why))
		fail_msg("%x stays in quarantine: %s", sbdf.sbdf, why);
}

static void release(const char *device)
{
	if (in_quarantine(device))
		release_at(at(device));
}

/* --- the story ------------------------------------------------------------------------------ */

static int give_whole(struct domain *d, const char *device, unsigned int flags)
{
	release(device);
	return give(d, device, flags);
}

static int create_one(void)
{
	int err = domain_create(0, "one", &guest_ops, NULL, &one);

	inject.armed = false;
	if (err)
		return err;
	vpci_vcpu_init(&vcpu, one);
	ram = pages_of(domain_id(one), PAGES);
	more = pages_of(domain_id(one), PAGES);
	return 0;
}

static int create_two(void)
{
	int err = domain_create(0, "two", NULL, NULL, &two);

	inject.armed = false;
	if (!err)
		twos = pages_of(domain_id(two), PAGES);
	return err;
}

static int map_before(void)
{
	return domain_dma_map(one, DMA, ram, PAGES * FABRIC_PAGE,
			      IOMMU_READ | IOMMU_WRITE);
}

static int map_after(void)
{
	return domain_dma_map(one, MORE, more, PAGES * FABRIC_PAGE,
			      IOMMU_READ | IOMMU_WRITE);
}

static int map_two(void)
{
	return domain_dma_map(two, DMA, twos, PAGES * FABRIC_PAGE,
			      IOMMU_READ | IOMMU_WRITE);
}

static int give_msix(void)
{
	return give_whole(one, MSIX, 0);
}

static int give_phantom(void)
{
	return give_whole(one, PHANTOM, 0);
}

static int give_group(void)
{
	release(MULTI_1);
	return give_whole(one, MULTI, PCI_ASSIGN_GROUP);
}

static int give_reserved(void)
{
	return give_whole(one, RESERVED, PCI_ASSIGN_RELAXED);
}

/* It reaches what it should now, and by nothing that a unit remembers. */
static void assert_reaches(const char *device, uint64_t address, uint64_t hpa)
{
	uint32_t command = config(device, PCI_COMMAND, 2);
	static uint32_t val = 0x100;

	poke(device, PCI_COMMAND, 2, command | PCI_COMMAND_MASTER);
	assert_int_equal(dma(device, address, ++val), 0);
	assert_int_equal(in_ram(hpa), val);
	poke(device, PCI_COMMAND, 2, command);
}

static int give_two(void)
{
	int err = give_whole(two, MSIX, 0);

	if (!err)
		assert_reaches(MSIX, DMA, twos);
	return err;
}

static int bind(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(HOSTS));
	int err;

	assert_non_null(pdev);
	err = pci_irq_bind(pdev, PCI_VECTOR_MSI, 0, 4, handler, &handled);
	pcidev_put(pdev);
	return err;
}

static int unbind(void)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(HOSTS));
	int err;

	assert_non_null(pdev);
	err = pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 4);
	pcidev_put(pdev);
	return err;
}

static unsigned int bound(const char *device)
{
	struct pci_irq_info info = irqs(device);

	return info.msi + info.msix;
}

/* A guest is told no error: it may try again. */
static int are_bound(const char *device, unsigned int wanted)
{
	assert_true(bound(device) == wanted || irqs(device).failed ||
		    inject.kind == ALLOC);
	return bound(device) == wanted ? 0 : -ENOSPC;
}

static int set_up_msix(void)
{
	enable_msix(&vcpu, MSIX, BAR, VECTORS);
	return are_bound(MSIX, VECTORS);
}

static int set_up_msi(void)
{
	enable_msi(&vcpu, MULTI, 4);
	return are_bound(MULTI, 4);
}

/* Whatever has failed before, all of it works now. */
static int use(void)
{
	unsigned int i;

	wr(&vcpu, PHANTOM, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	wr(&vcpu, RESERVED, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(dma(MSIX, DMA, 0x11), 0);
	assert_int_equal(in_ram(ram), 0x11);
	assert_int_equal(dma(PHANTOM_4, MORE + 8, 0x22), 0);
	assert_int_equal(in_ram(more + 8), 0x22);
	assert_int_equal(dma(MULTI, DMA + PAGES * FABRIC_PAGE, 0x33), -EFAULT);
	for (i = 0; i < VECTORS; i++)
		assert_int_equal(fabric_interrupt(f, at(MSIX), i), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(fabric_interrupt(f, at(MULTI), i), 0);
	assert_int_equal(came, VECTORS + 4);
	dma_without_end(MSIX, DMA, 0);
	dma_without_end(MULTI, DMA, 0);
	dma_without_end(PHANTOM, DMA, 4);
	fabric_turn(f);
	assert_int_equal(in_ram(ram) & 0xffff0000, 0x5a5a0000);
	return 0;
}

static int give_all(void)
{
	int err = give_msix();

	if (!err)
		err = give_phantom();
	if (!err)
		err = give_group();
	return err ? err : give_reserved();
}

/* A unit has not answered: its devices reach nothing; take them, once more. */
static void take_and_give_all(void)
{
	static const char *const all[] = { MSIX, PHANTOM, MULTI, RESERVED };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct pci_iommu_info info;
		int err;

		assert_int_equal(pci_iommu_query(at(all[i]), &info), 0);
		assert_int_equal(info.mode, IOMMU_BLOCKED);
		err = pci_deassign_device(one, at(all[i]), PCI_ASSIGN_GROUP,
					  &report);
		assert_int_equal(err, -EIO);
	}
	assert_int_equal(give_all(), 0);
	assert_int_equal(set_up_msix(), 0);
	assert_int_equal(set_up_msi(), 0);
	dma_without_end(MSIX, DMA, 0);
	dma_without_end(MULTI, DMA, 0);
}

/* It splits what was mapped; then the memory is somebody else's. */
static int unmap(void)
{
	int err = refused_unmap ? 0 : domain_dma_unmap(one, DMA, FABRIC_PAGE);

	if (refused_unmap)
		take_and_give_all();
	refused_unmap = err == -EIO;
	if (err)
		return err;
	assert_int_equal(fabric_ram_give(f, ram, FABRIC_PAGE, DOMID_HARDWARE),
			 0);
	fabric_turn(f);
	assert_true(dma(MSIX, DMA, 0x44));
	return 0;
}

static int take_msix(void)
{
	if (!in_quarantine(MSIX))
		return pci_deassign_device(one, at(MSIX), 0, &report);
	release(MSIX);
	return 0;
}

static int destroy(struct domain **d)
{
	int err = domain_destroy(*d);

	assert_int_equal(domain_devices(*d), 0);
	domain_put(*d);
	*d = NULL;
	return err;
}

static int destroy_two(void)
{
	return destroy(&two);
}

static int destroy_one(void)
{
	return destroy(&one);
}

static const struct step {
	const char *name;
	int (*run)(void);
	/* What it may say, if something fails in it; and then nothing is new. */
	int errors[4];
} story[] = {
	{ "create", create_one, { -ENOMEM } },
	{ "create another", create_two, { -ENOMEM } },
	{ "map", map_before, { -ENOMEM } },
	{ "assign", give_msix, { -ENOMEM, -EIO } },
	{ "assign a phantom", give_phantom, { -ENOMEM, -EIO } },
	{ "assign a group", give_group, { -ENOMEM, -EIO } },
	{ "assign with a region", give_reserved, { -ENOMEM, -EIO } },
	{ "map into devices", map_after, { -ENOMEM } },
	{ "bind", bind, { -ENOMEM, -ENOSPC } },
	{ "enable MSI-X", set_up_msix, { -ENOSPC } },
	{ "enable MSI", set_up_msi, { -ENOSPC } },
	{ "use", use, { 0 } },
	{ "unmap", unmap, { -ENOMEM, -EIO } },
	{ "deassign", take_msix, { -ENOMEM, -EIO } },
	{ "map for another", map_two, { -ENOMEM } },
	{ "reassign", give_two, { -ENOMEM, -EIO } },
	{ "unbind", unbind, { 0 } },
	{ "destroy another", destroy_two, { 0 } },
	{ "destroy", destroy_one, { 0 } },
};

static unsigned int refused; /* steps, in all that has been told */

static bool is_documented(const struct step *step, int err)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(step->errors); i++)
		if (step->errors[i] == err)
			return true;
	return false;
}

static void do_step(const struct step *step)
{
	int err;

	inject.armed = true;
	err = step->run();
	inject.armed = false;
	lab_work();
	/* It may be a later one, which meets a device that is broken by then. */
	if (err && (!has_failed() || !is_documented(step, err)))
		fail_msg("%s: %d when %s fails at %u", step->name, err,
			 kind_name[inject.kind], inject.nth);
	assert_int_equal(pci_check_invariants(), 0);
	assert_agree();
	if (!err)
		return;
	refused++;
	err = step->run();
	if (err)
		fail_msg("%s: %d again, after %s has failed at %u", step->name,
			 err, kind_name[inject.kind], inject.nth);
}

static void assert_nothing_left(void)
{
	static const char *const used[] = { MSIX,    HOSTS,   MULTI,
					    MULTI_1, PHANTOM, RESERVED };
	uint64_t page = pages_of(DOMID_HARDWARE, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(used); i++) {
		release(used[i]);
		assert_reaches(used[i], page, page);
	}
	assert_int_equal(fabric_ram_free(f, page, FABRIC_PAGE), 0);
	assert_left(&before);
	assert_int_equal(bound(MSIX) + bound(MULTI) + bound(HOSTS), 0);
	assert_int_equal(pci_check_invariants(), 0);
	assert_int_equal(violations(), 0);
}

/* True: there was an @nth call, and it has failed. */
static bool tell(unsigned int kind, unsigned int nth)
{
	unsigned int i;
	bool failed;

	came = handled = 0;
	arm(kind, nth);
	for (i = 0; i < ARRAY_SIZE(story); i++)
		do_step(&story[i]);
	failed = has_failed();
	disarm();
	vpci_vcpu_fini(&vcpu);
	assert_nothing_left();
	fabric_ram_free(f, ram, PAGES * FABRIC_PAGE);
	fabric_ram_free(f, more, PAGES * FABRIC_PAGE);
	fabric_ram_free(f, twos, PAGES * FABRIC_PAGE);
	return failed;
}

static void fail_at_every_position(unsigned int kind)
{
	unsigned int nth = 1;

	refused = 0;
	while (tell(kind, nth))
		nth++;
	print_message("%s: %u positions, %u refusals\n", kind_name[kind],
		      nth - 1, refused);
	assert_true(nth > 1);
}

/* --- tests -------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	(void)state;
	lab_open(NULL);
	lab_add_segments();
	assert_int_equal(lab_scan(), 0);
	before = left();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lab_close();
	return 0;
}

static void test_every_space_that_cannot_be_made(void **state)
{
	(void)state;
	fail_at_every_position(FABRIC_CALL_SPACE_CREATE);
}

static void test_XSA460_every_range_that_cannot_be_mapped(void **state)
{
	(void)state;
	fail_at_every_position(FABRIC_CALL_MAP);
}

static void test_XSA449_every_context_that_cannot_be_set(void **state)
{
	(void)state;
	fail_at_every_position(FABRIC_CALL_ATTACH);
}

static void test_every_flush_that_cannot_begin(void **state)
{
	(void)state;
	fail_at_every_position(FABRIC_CALL_FLUSH);
}

static void test_XSA373_every_flush_that_fails(void **state)
{
	(void)state;
	/* What fails has not been done meanwhile. */
	fabric_flush_delay(f, PLAT_NSEC_PER_MSEC);
	fail_at_every_position(FABRIC_CALL_FLUSH_DONE);
}

static void test_every_ats_that_cannot_be_switched_on(void **state)
{
	(void)state;
	fail_at_every_position(FABRIC_CALL_ATS);
}

static void test_XSA237_XSA458_every_vector_that_there_is_not(void **state)
{
	(void)state;
	fail_at_every_position(FABRIC_CALL_IRQ_ALLOC);
}

static void test_XSA83_every_allocation_that_fails(void **state)
{
	(void)state;
	fail_at_every_position(ALLOC);
}

/* Those in quarantine come out of it; how many there are. */
static unsigned int all_are_home(void)
{
	struct pci_dev *pdev = NULL;
	unsigned int seg, n = 0;

	for (seg = 0; seg < 2; seg++) {
		while ((pdev = pci_next_pdev((uint16_t)seg, pdev))) {
			struct pci_dev_info info;
			struct pci_iommu_info iommu;

			pcidev_query(pdev, &info);
			if (info.owner == DOMID_IO)
				release_at(info.desc.sbdf);
			assert_int_equal(
				pci_iommu_query(info.desc.sbdf, &iommu), 0);
			/* Of bridges to conventional PCI nothing comes. */
			assert_true(!iommu.rids ||
				    iommu.mode == IOMMU_IDENTITY);
			n++;
		}
	}
	return n;
}

/*
 * A device that cannot be added now is added later, by the next scan; and what
 * of the machine was found is as if there were no other.
 */
static void add_all_but_what_fails(unsigned int kind)
{
	unsigned int nth = 0;
	bool failed;

	do {
		int err;

		lab_open(NULL);
		lab_add_segments();
		arm(kind, ++nth);
		inject.armed = true;
		err = lab_scan();
		inject.armed = false;
		failed = has_failed();
		assert_true(failed || !err);
		assert_int_equal(pci_check_invariants(), 0);
		disarm();
		assert_int_equal(lab_scan(), 0);
		assert_int_equal(all_are_home(), fabric_functions(f));
		assert_int_equal(pci_check_invariants(), 0);
		lab_close();
	} while (failed);
	print_message("%s: %u positions in a scan\n", kind_name[kind], nth - 1);
	assert_true(nth > 1);
}

static void test_every_context_of_a_new_device(void **state)
{
	(void)state;
	add_all_but_what_fails(FABRIC_CALL_ATTACH);
}

static void test_every_allocation_of_a_new_device(void **state)
{
	(void)state;
	add_all_but_what_fails(ALLOC);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_every_space_that_cannot_be_made),
		CASE(test_XSA460_every_range_that_cannot_be_mapped),
		CASE(test_XSA449_every_context_that_cannot_be_set),
		CASE(test_every_flush_that_cannot_begin),
		CASE(test_XSA373_every_flush_that_fails),
		CASE(test_every_ats_that_cannot_be_switched_on),
		CASE(test_XSA237_XSA458_every_vector_that_there_is_not),
		CASE(test_XSA83_every_allocation_that_fails),
		cmocka_unit_test(test_every_context_of_a_new_device),
		cmocka_unit_test(test_every_allocation_of_a_new_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
