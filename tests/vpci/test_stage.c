/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vPCI as a stage of a device's life: adds that fail, removals that are
 * refused, fail or are forced, devices that are given back, broken or mended.
 * What is nobody's any more is nowhere; what stays works as before.
 */
#include "device/removal_op.h"
#include "given.h"

#define OTHER "00:03.1"
#define ON (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define SIZE 0x10000u /* of BAR 0 */
#define GPA 0xe0000000u
#define MSIX_CAP 0x80
#define VNDR_CAP 0x90
#define DEVCTL (EXPRESS + PCI_EXP_DEVCTL)

/* --- the hardware domain has a map; another stage comes after vPCI ------------- */

#define TRIES 1000 /* so many maps fail: the end of what knows none itself */

static struct {
	uint64_t mapped;
	unsigned int maps;
	int error; /* of its maps */
	struct vpci_vcpu vcpu;
} host;

static struct {
	int attach, quiesce; /* what they answer */
} later;

static struct {
	unsigned int reads, writes;
} memory;

static unsigned int bar_events;

static struct pci_removal *op; /* NULL: none that is not finished */

static int map(struct domain *d, const struct pci_mapping *m)
{
	int err = ++host.maps <= TRIES ? host.error : 0;

	(void)d;
	if (!err)
		host.mapped += m->size;
	return err;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	host.mapped -= m->size;
}

static const struct domain_ops host_ops = { .map = map, .unmap = unmap };

static int later_attach(struct pci_dev *pdev)
{
	(void)pdev;
	return later.attach;
}

static int later_quiesce(struct pci_dev *pdev, uint64_t deadline,
			 const char **why)
{
	(void)pdev, (void)deadline;
	if (later.quiesce)
		*why = "it will not";
	return later.quiesce;
}

static const struct pci_stage later_stage = { .name = "later",
					      .attach = later_attach,
					      .quiesce = later_quiesce };

static int mem_read(struct pci_host *h, uint64_t addr, uint8_t size,
		    uint64_t *val)
{
	(void)h, (void)addr, (void)size;
	memory.reads++;
	*val = 0x5a;
	return 0;
}

static int mem_write(struct pci_host *h, uint64_t addr, uint8_t size,
		     uint64_t val)
{
	(void)h, (void)addr, (void)size, (void)val;
	memory.writes++;
	return 0;
}

static void note(struct pci_event_listener *self, const struct pci_event *event)
{
	(void)self;
	bar_events += event->type == PCI_EVENT_BAR;
}

static struct pci_event_listener listener = { .event = note };

static int setup(void **state)
{
	if (given_setup(state) || pci_stage_register(&later_stage))
		return -1;
	memset(&host, 0, sizeof(host));
	memset(&later, 0, sizeof(later));
	memset(&memory, 0, sizeof(memory));
	bar_events = 0;
	pci_event_listen(&listener);
	fake.ops.mem_read = mem_read;
	fake.ops.mem_write = mem_write;
	vpci_options.hardware_views = true;
	hardware_domain->ops = &host_ops;
	vpci_vcpu_init(&host.vcpu, hardware_domain);
	return 0;
}

static int teardown(void **state)
{
	if (op) /* a failed test's */
		pci_removal_finish(op);
	op = NULL;
	vpci_vcpu_fini(&host.vcpu);
	pci_event_unlisten(&listener);
	return given_teardown(state);
}

#define STAGE_CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* --- what the tests do ------------------------------------------------------------ */

/* The guest places the BAR, masters and maps; with a vector, if it has any. */
static void use_it(void)
{
	wr(PCI_BASE_ADDRESS_0, 4, GPA);
	wr(PCI_COMMAND, 2, ON);
	wr(MSI_CAP + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	work();
}

static void give_in_use(void)
{
	add_msi();
	give(GIVEN);
	use_it();
	assert_int_equal(given.mapped, SIZE);
	assert_true(given.vector.enabled);
}

static void assert_guest_has_nothing(void)
{
	assert_int_equal(given.mapped, 0);
	assert_false(given.vector.enabled);
}

static void ask_for(const char *name, unsigned int flags)
{
	assert_int_equal(pci_removal_start(at(name), PCI_REMOVE_ASK | flags,
					   5000 * MSEC, "test", NULL, NULL,
					   &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
}

static void end_removal(int result)
{
	assert_int_equal(pci_removal_wait(op), result);
	pci_removal_finish(op);
	op = NULL;
}

static uint64_t load(struct domain *d, uint64_t gpa)
{
	uint64_t val;

	assert_int_equal(vpci_mmio_read(d, gpa, 4, &val), PCI_DONE);
	return val;
}

static void store(uint64_t gpa)
{
	assert_int_equal(vpci_mmio_write(&given.vcpu, gpa, 4, 1), PCI_DONE);
}

/* A hold that nobody gives back when it is asked for. */
static struct pci_hold *pin(const char *name)
{
	struct pci_dev *pdev = get(name);
	struct pci_hold *hold;

	assert_int_equal(pci_hold_take(pdev, PCI_HOLD_PIN, "test", NULL, NULL,
				       &hold),
			 0);
	pcidev_put(pdev);
	return hold;
}

/* --- adds that fail ------------------------------------------------------------- */

static void assert_host_has_nothing(void)
{
	assert_true(host.maps); /* it had */
	assert_int_equal(host.mapped, 0);
	plat_rcu_barrier(); /* the device is freed by now */
	assert_int_equal(load(hardware_domain, BAR0_AT), UINT32_MAX);
	assert_int_equal(memory.reads, 0);
}

static void
test_H10_an_add_that_a_later_stage_fails_leaves_nothing(void **state)
{
	(void)state;
	hw_put(PCI_COMMAND, 2, ON);
	later.attach = -ENOMEM;
	assert_int_equal(pci_add_device(at(GIVEN)), -ENOMEM);
	assert_host_has_nothing();
	later.attach = 0;
	add(GIVEN);
	assert_int_equal(host.mapped, SIZE);
}

static void
test_H10_an_add_that_cannot_be_published_leaves_nothing(void **state)
{
	struct pci_dev_desc desc;
	struct pci_dev *pdev;

	(void)state;
	hw_put(PCI_COMMAND, 2, ON);
	desc = described(GIVEN);
	desc.parent = at("00:02.0"); /* which is not there */
	assert_int_equal(pci_register_device(&desc, &pdev), -ENODEV);
	assert_host_has_nothing();
}

/* --- given back while a removal asks ------------------------------------------------ */

static void test_what_is_returned_is_out_of_the_guests_hands(void **state)
{
	(void)state;
	give_in_use();
	ask_for(GIVEN, 0);
	assert_int_equal(pci_domain_return(given.guest, at(GIVEN)), 0);
	assert_guest_has_nothing();
	end_removal(0);
}

static void another_guest(void)
{
	const struct domain_ops *ops = given.guest->ops;

	vpci_vcpu_fini(&given.vcpu);
	domain_put(given.guest);
	assert_int_equal(domain_create(0, "another", ops, NULL, &given.guest),
			 0);
}

static void test_what_a_destroyed_guest_had_is_out_of_its_hands(void **state)
{
	struct pci_hold *hold;

	(void)state;
	give_in_use();
	hold = pin(GIVEN); /* so the removal cannot go on */
	ask_for(GIVEN, 0);
	assert_int_equal(domain_destroy(given.guest), 0);
	assert_guest_has_nothing();
	another_guest();
	assert_int_equal(pci_removal_cancel(op), 0);
	end_removal(-ECANCELED);
	pci_hold_release(hold);
}

/* The removal may end between the guest's answer and what follows of it. */
static void test_a_removals_0_says_the_guest_has_nothing(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	give_in_use();
	ask_for(GIVEN, 0);
	pdev = get(GIVEN);
	assert_int_equal(pcidev_move(pdev, given.guest, dom_io,
				     PCI_MOVE_RETURNING, NULL, NULL, NULL),
			 0);
	pcidev_put(pdev);
	end_removal(0);
	assert_guest_has_nothing();
}

static void test_rule8_what_would_not_become_quiet_is_in_no_guest(void **state)
{
	(void)state;
	give_in_use();
	ask_for(GIVEN, 0);
	assert_int_equal(pci_domain_return(given.guest, at(GIVEN)), 0);
	later.quiesce = -EIO;
	end_removal(-EIO);
	assert_guest_has_nothing();
	assert_string_equal(info_of(GIVEN).broken, "it will not");
}

/* --- removals that do not remove ------------------------------------------------------ */

static void
test_rule9_a_forced_removal_that_ends_busy_leaves_a_view(void **state)
{
	struct pci_hold *hold;
	struct pci_dev *pdev;
	int err;

	(void)state;
	hw_put(PCI_COMMAND, 2, ON);
	add(GIVEN);
	hold = pin(GIVEN);
	pdev = get(GIVEN); /* only holds go by force */
	err = pci_remove_device(at(GIVEN), PCI_REMOVE_FORCE, 20 * MSEC, NULL);
	pcidev_put(pdev);
	pci_hold_release(hold);
	assert_int_equal(err, -EBUSY);
	assert_int_equal(host_sees(PCI_VENDOR_ID, 4), 0x10ec8086);
	assert_int_equal(host_sees(PCI_COMMAND, 2), ON);
	assert_int_equal(host.maps, 2);
	assert_int_equal(host.mapped, SIZE);
}

static bool lost, quiet, again;

/* Function 0 is lost while 1 is made quiet. Does 1 master ever again? */
static void lose_the_first(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	if (fn->sbdf.sbdf != at(OTHER).sbdf)
		return;
	if (!(fake_get(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER))
		quiet = true;
	else if (quiet)
		again = true;
	if (!lost && reg == PCI_COMMAND)
		lost = !pci_mark_lost(at(GIVEN));
}

static void end_as_the_first_is_lost(void)
{
	lost = quiet = again = false;
	fake.on_access = lose_the_first;
	end_removal(-EBUSY);
	fake.on_access = NULL;
	assert_true(lost && quiet);
}

/* Functions 0 and 1 of a card, both the host's; 0 will be lost. */
static struct fake_fn *add_card(void)
{
	struct fake_fn *fn = fake_add(OTHER, 0x10ec8086);

	fake_bar(fn, PCI_BASE_ADDRESS_0, BAR0_AT + SIZE, 0xffff0000);
	hw_put(PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_MFD);
	fake_put(fn, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_MFD);
	fake_put(fn, PCI_COMMAND, 2, ON);
	add(GIVEN);
	add(OTHER);
	return fn;
}

static void test_a_card_that_stays_is_as_it_was(void **state)
{
	struct fake_fn *fn = add_card();

	(void)state;
	assert_int_equal(pci_removal_start(at(OTHER), PCI_REMOVE_SLOT,
					   1000 * MSEC, "test", NULL, NULL,
					   &op),
			 0);
	end_as_the_first_is_lost();
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), ON);
	assert_int_equal(host.mapped, SIZE);
	assert_int_equal(pci_device_lost(at(GIVEN)), 0);
}

/* … but for what the guest had it do (rule 15), and as the host had it. */
static void test_rule15_a_part_given_back_stays_without_bus_master(void **state)
{
	struct fake_fn *fn = add_card();

	(void)state;
	fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	give(OTHER);
	use_it();
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2) & ON, ON);
	ask_for(OTHER, PCI_REMOVE_SLOT);
	assert_int_equal(pci_domain_return(given.guest, at(OTHER)), 0);
	end_as_the_first_is_lost();
	assert_false(again);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), PCI_COMMAND_IO);
	assert_int_equal(pci_device_lost(at(GIVEN)), 0);
}

/* Refused before anything was done: so nothing is undone. */
static void test_a_part_that_its_guest_keeps_goes_on_working(void **state)
{
	struct fake_fn *fn = add_card();
	uint32_t command;

	(void)state;
	give(OTHER);
	use_it();
	command = fake_get(fn, PCI_COMMAND, 2);
	assert_int_equal(command & ON, ON);
	ask_for(GIVEN, PCI_REMOVE_SLOT);
	assert_int_equal(pci_domain_refuse(given.guest, at(OTHER)), 0);
	end_removal(-EBUSY);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), command);
	assert_int_equal(given.mapped, SIZE);
}

/* --- coming home ------------------------------------------------------------------ */

static void test_rule15_bus_master_is_off_when_it_comes_home(void **state)
{
	(void)state;
	hw_put(PCI_COMMAND, 2, ON);
	give_in_use();
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	take_back();
	assert_int_equal(hw(PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	assert_int_equal(host.mapped, SIZE);
}

static void test_a_map_that_fails_for_a_dead_device_is_tried_once(void **state)
{
	(void)state;
	give(GIVEN);
	given.fn->absent = true; /* pulled; nobody has said so yet */
	host.error = -ENOMEM;
	take_back();
	assert_int_equal(host.maps, 1);
	assert_int_equal(bar_events, 1);
	given.fn->absent = false;
}

static void host_decodes(void)
{
	unsigned int pieces = 0;

	assert_int_equal(vpci_write(&host.vcpu, at(GIVEN), PCI_COMMAND, 2, ON),
			 PCI_DONE);
	while (vpci_process_pending(&host.vcpu, NULL) == PCI_AGAIN &&
	       pieces < TRIES)
		pieces++;
	assert_true(pieces < TRIES);
}

static void test_a_map_that_fails_is_told_once(void **state)
{
	(void)state;
	add(GIVEN);
	hw_put(PCI_COMMAND, 2, ON);
	given.fn->sticky = PCI_COMMAND;
	host.error = -ENOMEM;
	host_decodes();
	host_decodes();
	assert_int_equal(bar_events, 1);
	host.error = 0;
	host_decodes();
	assert_int_equal(host.mapped, SIZE);
}

/* --- a guest's reset under way -------------------------------------------------------- */

/* The guest resets it, and it takes long; then gives it back. */
static struct vpci *return_in_reset(void)
{
	struct vpci *view;

	fake_express(given.fn, EXPRESS, PCI_EXP_TYPE_ENDPOINT);
	hw_put(EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	give(GIVEN);
	view = view_of(GIVEN);
	wr(DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	while (!view->flr_over)
		assert_int_equal(vpci_process_pending(&given.vcpu, NULL),
				 PCI_AGAIN);
	view->flr_over = plat_now() + 2000 * MSEC;
	ask_for(GIVEN, 0);
	assert_int_equal(pci_domain_return(given.guest, at(GIVEN)), 0);
	return view;
}

static void test_a_step_does_not_wait_for_a_reset(void **state)
{
	struct vpci *view = return_in_reset();
	uint64_t over = view->flr_over;

	(void)state;
	assert_int_equal(pci_removal_cancel(op), 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	while (!plat_gp_done(op->gp))
		plat_rcu_synchronize();
	hw_put(PCI_BASE_ADDRESS_0, 4, 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), 0); /* not touched */
	assert_true(plat_now() < over);
	view->flr_over = plat_now();
	assert_int_equal(pci_removal_step(op), -ECANCELED);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	end_removal(-ECANCELED);
}

/* --- what no guest may reach ------------------------------------------------------------ */

static const struct vpci_policy without_msix = { .name = "without MSI-X" };

static void add_msix(uint32_t table, uint32_t pba)
{
	fake_cap(given.fn, MSIX_CAP, PCI_CAP_ID_MSIX);
	hw_put(MSIX_CAP + PCI_MSIX_FLAGS, 2, 3);
	hw_put(MSIX_CAP + PCI_MSIX_TABLE, 4, table);
	hw_put(MSIX_CAP + PCI_MSIX_PBA, 4, pba);
	add(GIVEN);
}

static void assert_closed(uint32_t offset)
{
	unsigned int writes = memory.writes, reads = memory.reads;

	assert_int_equal(load(given.guest, GPA + offset), UINT32_MAX);
	store(GPA + offset);
	assert_int_equal(memory.writes, writes);
	assert_int_equal(memory.reads, reads);
}

static void assert_open(uint32_t offset)
{
	unsigned int writes = memory.writes;

	assert_int_equal(load(given.guest, GPA + offset), 0x5a);
	store(GPA + offset);
	assert_int_equal(memory.writes, writes + 1);
}

/* An unmap may say more than was mapped: given.c does not count holes. */
static void take_back_with_holes(void)
{
	take_back();
	given.mapped = 0;
}

static void test_a_table_that_is_not_shown_is_not_reached(void **state)
{
	(void)state;
	add_msix(0x2000, 0x3008);
	assert_int_equal(vpci_policy_set(at(GIVEN), &without_msix), 0);
	give(GIVEN);
	use_it();
	assert_int_equal(given.mapped, SIZE - 2 * PLAT_PAGE_SIZE);
	assert_closed(0x2000);
	assert_closed(0x203c);
	assert_open(0x2040);
	assert_closed(0x3008);
	assert_open(0x3010);
	assert_int_equal(rd(PCI_CAPABILITY_LIST, 1), 0);
	take_back_with_holes();
}

static void test_a_table_that_overlaps_its_pba_is_not_reached(void **state)
{
	(void)state;
	add_msix(0x2000, 0x2010);
	give(GIVEN);
	use_it();
	assert_int_equal(rd(PCI_CAPABILITY_LIST, 1), 0);
	assert_int_equal(given.mapped, SIZE - PLAT_PAGE_SIZE);
	assert_closed(0x2000);
	assert_closed(0x2010);
	assert_open(0x2040);
	take_back_with_holes();
}

static void mark_read_only(bool on)
{
	struct pci_dev *pdev = get(GIVEN);

	pcidev_set_read_only(pdev, on);
	pcidev_put(pdev);
}

static void test_what_is_read_only_takes_no_write(void **state)
{
	(void)state;
	give(GIVEN);
	wr(PCI_INTERRUPT_LINE, 1, 5);
	mark_read_only(true);
	wr(PCI_INTERRUPT_LINE, 1, 9);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 5);
	mark_read_only(false);
	wr(PCI_INTERRUPT_LINE, 1, 9);
	assert_int_equal(rd(PCI_INTERRUPT_LINE, 1), 9);
}

static void test_memory_of_what_is_read_only_takes_no_write(void **state)
{
	(void)state;
	give(GIVEN);
	use_it();
	mark_read_only(true);
	store(GPA);
	assert_int_equal(memory.writes, 0);
	assert_int_equal(load(given.guest, GPA), 0x5a);
	mark_read_only(false);
	assert_open(0);
}

/* --- a device that does not answer ---------------------------------------------------- */

/* One bit of the second byte is the guest's; the rest is hardware's. */
static const struct vpci_field bit8[] = {
	{ .offset = 4, .size = 4, .masks = { .hw = UINT32_MAX, .rw = 1 << 8 } },
};
static const struct vpci_cap_policy vndr = { .show = true,
					     .nfields = 1,
					     .field = bit8 };
static const struct vpci_policy one_bit = { .name = "one bit",
					    .cap[PCI_CAP_ID_VNDR] = &vndr };

static void give_one_bit(uint32_t val)
{
	fake_cap(given.fn, VNDR_CAP, PCI_CAP_ID_VNDR);
	hw_put(VNDR_CAP + 2, 1, 8); /* its length */
	hw_put(VNDR_CAP + 4, 4, val);
	fake_allow(given.fn, VNDR_CAP + 4, 4, UINT32_MAX);
	add(GIVEN);
	assert_int_equal(vpci_policy_set(at(GIVEN), &one_bit), 0);
	give(GIVEN);
}

/* It comes back just in time for the write. */
static void answer_writes_only(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)reg;
	fn->absent = !write;
}

static void test_what_no_answer_says_is_not_written_back(void **state)
{
	unsigned int writes;

	(void)state;
	give_one_bit(0x11223344);
	writes = given.fn->writes;
	fake.on_access = answer_writes_only;
	wr(VNDR_CAP + 4, 4, 1 << 8);
	fake.on_access = NULL;
	given.fn->absent = false;
	assert_int_equal(hw(VNDR_CAP + 4, 4), 0x11223344);
	assert_int_equal(given.fn->writes, writes);
}

static void test_all_ones_that_are_an_answer_are_kept(void **state)
{
	(void)state;
	give_one_bit(UINT32_MAX);
	wr(VNDR_CAP + 4, 4, 0);
	assert_int_equal(hw(VNDR_CAP + 4, 4), ~(1u << 8));
}

static void mend(void)
{
	struct pci_dev *pdev = get(GIVEN);

	assert_int_equal(pcidev_mend(pdev), 0);
	pcidev_put(pdev);
	assert_null(info_of(GIVEN).broken);
}

/* A reset that it did not survive; then somebody has looked after it. */
static void test_a_guest_has_what_is_mended_as_at_first(void **state)
{
	struct pci_dev *pdev;
	uint32_t command;

	(void)state;
	give(GIVEN);
	command = hw(PCI_COMMAND, 2);
	assert_true(command & PCI_COMMAND_MEMORY);
	pdev = get(GIVEN);
	pcidev_set_broken(pdev, "it was reset by nobody");
	pcidev_put(pdev);
	hw_put(PCI_COMMAND, 2, 0);
	hw_put(PCI_BASE_ADDRESS_0, 4, 0);
	mend();
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), BAR0_AT);
	/* As its own Command says: INTx is not off. */
	assert_int_equal(hw(PCI_COMMAND, 2),
			 command & ~PCI_COMMAND_INTX_DISABLE);
	use_it();
	assert_int_equal(given.mapped, SIZE);
	assert_int_equal(given.hpa, BAR0_AT);
	assert_int_equal(hw(PCI_COMMAND, 2) & ON, ON);
}

/* The host fails at the BAR, which comes after the interrupt line. */
static void fail_bar(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)fn;
	if (write && reg == PCI_INTERRUPT_LINE)
		fake.error_at = fake.accesses + 1;
}

static void test_what_is_not_put_back_is_not_mended(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	give(GIVEN);
	pdev = get(GIVEN);
	pcidev_set_broken(pdev, "by test");
	fake.on_access = fail_bar;
	assert_int_equal(pcidev_mend(pdev), -EIO);
	fake.on_access = NULL;
	assert_string_equal(info_of(GIVEN).broken,
			    "its registers cannot be put back");
	assert_false(hw(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	assert_int_equal(pcidev_mend(pdev), 0);
	assert_true(hw(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	pcidev_put(pdev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN_CASE(test_what_is_not_put_back_is_not_mended),
		STAGE_CASE(
			test_H10_an_add_that_a_later_stage_fails_leaves_nothing),
		STAGE_CASE(
			test_H10_an_add_that_cannot_be_published_leaves_nothing),
		STAGE_CASE(test_what_is_returned_is_out_of_the_guests_hands),
		STAGE_CASE(test_what_a_destroyed_guest_had_is_out_of_its_hands),
		STAGE_CASE(test_a_removals_0_says_the_guest_has_nothing),
		STAGE_CASE(
			test_rule8_what_would_not_become_quiet_is_in_no_guest),
		STAGE_CASE(
			test_rule9_a_forced_removal_that_ends_busy_leaves_a_view),
		STAGE_CASE(test_a_card_that_stays_is_as_it_was),
		STAGE_CASE(
			test_rule15_a_part_given_back_stays_without_bus_master),
		STAGE_CASE(test_a_part_that_its_guest_keeps_goes_on_working),
		STAGE_CASE(test_rule15_bus_master_is_off_when_it_comes_home),
		STAGE_CASE(
			test_a_map_that_fails_for_a_dead_device_is_tried_once),
		STAGE_CASE(test_a_map_that_fails_is_told_once),
		STAGE_CASE(test_a_step_does_not_wait_for_a_reset),
		STAGE_CASE(test_a_table_that_is_not_shown_is_not_reached),
		STAGE_CASE(test_a_table_that_overlaps_its_pba_is_not_reached),
		STAGE_CASE(test_what_is_read_only_takes_no_write),
		STAGE_CASE(test_memory_of_what_is_read_only_takes_no_write),
		STAGE_CASE(test_what_no_answer_says_is_not_written_back),
		STAGE_CASE(test_all_ones_that_are_an_answer_are_kept),
		STAGE_CASE(test_a_guest_has_what_is_mended_as_at_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
