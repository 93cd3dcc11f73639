/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device's registers can say, and a controller's message can be: on the
 * fake host, by a controller of our own that has one answer.
 */
#include <pthread.h>
#include <unistd.h>

#include <holdfast/event.h>
#include <holdfast/iommu.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "../config/fake_host.h"
#include "irq/internal.h"

#define MSI_AT 0x50
#define MSIX_AT 0x70
#define BAR0_AT 0xa0000000u
#define BAR0_SIZE 0x10000u
#define CARD "0000:00:01.0"

/* --- the controller, and memory ----------------------------------------------------- */

static struct controller {
	int err;
	struct msi_message message;
	struct pci_irq *irq; /* the last that was allocated */
	int allocated;
	hf_atomic(uint32_t) freed; /* there was a call */
	unsigned int stores;       /* to memory */
} controller;

static int irq_alloc(struct pci_host *host, pci_sbdf_t sbdf, unsigned int count,
		     struct pci_irq *irq, struct msi_message *message)
{
	(void)host;
	(void)sbdf;
	if (controller.err)
		return controller.err;
	controller.irq = irq;
	controller.allocated += (int)count;
	*message = controller.message;
	return 0;
}

static void irq_free(struct pci_host *host, struct pci_irq *irq)
{
	(void)host;
	assert_ptr_equal(irq, controller.irq);
	controller.allocated = 0;
	hf_store_release(&controller.freed, 1);
}

static const struct msi_ops msi_ops = { .alloc = irq_alloc, .free = irq_free };

static int mem_read(struct pci_host *host, uint64_t addr, uint8_t size,
		    uint64_t *val)
{
	(void)host;
	(void)addr;
	(void)size;
	*val = 0;
	return 0;
}

static int mem_write(struct pci_host *host, uint64_t addr, uint8_t size,
		     uint64_t val)
{
	(void)host;
	(void)size;
	(void)val;
	assert_in_range(addr, BAR0_AT, BAR0_AT + BAR0_SIZE - 1);
	controller.stores++;
	return 0;
}

static int setup(void **state)
{
	controller = (struct controller){
		.message = { .address = 0xfee00000, .data = 0x40 },
	};
	if (fake_setup(state) || pci_irq_init(NULL) || pci_vpci_init(NULL))
		return -1;
	fake.host.msi = &msi_ops;
	fake.ops.mem_read = mem_read;
	fake.ops.mem_write = mem_write;
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(controller.allocated, 0);
	assert_int_equal(pci_irq_vectors(), 0);
	return fake_teardown(state);
}

/* --- a card, and its vectors ---------------------------------------------------------- */

static struct fake_fn *card(const char *sbdf, uint16_t msi_flags)
{
	struct fake_fn *fn = fake_add(sbdf, 0x10ed8086);

	fake_cap(fn, MSI_AT, PCI_CAP_ID_MSI);
	fake_put(fn, MSI_AT + PCI_MSI_FLAGS, 2, msi_flags);
	fake_allow(fn, MSI_AT + PCI_MSI_FLAGS, 2,
		   PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE |
			   PCI_MSI_FLAGS_EXT_DATA_EN);
	fake_allow(fn, MSI_AT + PCI_MSI_ADDRESS_LO, 4, ~3u);
	fake_allow(fn, MSI_AT + 8, 4, ~0u);
	fake_allow(fn, MSI_AT + 12, 4, ~0u);
	fake_bar(fn, PCI_BASE_ADDRESS_0, BAR0_AT, ~(BAR0_SIZE - 1));
	return fn;
}

static unsigned int handled[4];

static void handle(void *data, unsigned int index)
{
	assert_ptr_equal(data, handled);
	handled[index]++;
}

static int bind(const char *sbdf, enum pci_vector_kind kind, unsigned int count)
{
	struct pci_dev *pdev = get(sbdf);
	int err = pci_irq_bind(pdev, kind, 0, count, handle, handled);

	pcidev_put(pdev);
	return err;
}

static int unbind(const char *sbdf, enum pci_vector_kind kind,
		  unsigned int count)
{
	struct pci_dev *pdev = get(sbdf);
	int err = pci_irq_unbind(pdev, kind, 0, count);

	pcidev_put(pdev);
	return err;
}

/* --- a message under way ------------------------------------------------------------------ */

static hf_atomic(uint32_t) in_section, bound;

/* It has found the vector that is then given back, and is slow. */
static void *deliver(void *early)
{
	plat_rcu_read_lock();
	hf_store_release(&in_section, 1);
	while (!hf_load_acquire(&controller.freed))
		;
	usleep(20000);
	*(bool *)early = hf_load_acquire(&bound);
	pci_irq_deliver(controller.irq, 0);
	plat_rcu_read_unlock();
	return NULL;
}

static void test_a_bind_in_vain_waits_for_messages(void **state)
{
	pthread_t thread;
	bool early;

	(void)state;
	card(CARD, 0);
	add(CARD);
	hf_store_relaxed(&in_section, 0);
	hf_store_relaxed(&bound, 0);
	controller.message.address = 0x1fee00000ull; /* nothing it can send */
	assert_int_equal(pthread_create(&thread, NULL, deliver, &early), 0);
	while (!hf_load_acquire(&in_section))
		;
	assert_int_equal(bind(CARD, PCI_VECTOR_MSI, 1), -ENOSPC);
	hf_store_release(&bound, 1);
	pthread_join(thread, NULL);
	assert_false(early);
}

/* --- MSI: what a device can send -------------------------------------------------------- */

#define WIDE PCI_MSI_FLAGS_64BIT
#define EXT PCI_MSI_FLAGS_EXT_DATA
#define HIGH 0x1fee00000ull

static const struct {
	uint16_t flags;
	struct msi_message message;
	int err;
	uint16_t written; /* to Message Control */
} sends[] = {
	{ 0, { 0xfee00000, 0x40 }, 0, 0 },
	{ 0, { HIGH, 0x40 }, -ENOSPC, 0 },
	{ 0, { 0xfee00000, 0x10040 }, -ENOSPC, 0 },
	{ WIDE, { 0xfee00000, 0xffff }, 0, 0 },
	{ WIDE, { HIGH, 0x40 }, 0, 0 },
	{ WIDE, { HIGH, 0x10040 }, -ENOSPC, 0 },
	{ EXT, { 0xfee00000, 0x10040 }, 0, PCI_MSI_FLAGS_EXT_DATA_EN },
	{ EXT, { HIGH, 0x10040 }, -ENOSPC, 0 },
	{ EXT, { 0xfee00000, 0x40 }, 0, 0 },
	{ WIDE | EXT, { HIGH, 0x10040 }, 0, PCI_MSI_FLAGS_EXT_DATA_EN },
};

static void test_a_message_that_does_not_fit_is_none(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sends); i++) {
		char sbdf[PCI_SBDF_LEN];
		struct msi_message m = sends[i].message;
		struct fake_fn *fn;
		uint16_t data;

		pci_sbdf_print(sbdf, pci_sbdf(0, 0, (uint8_t)(i + 1), 0));
		fn = card(sbdf, sends[i].flags);
		add(sbdf);
		controller.message = m;
		assert_int_equal(bind(sbdf, PCI_VECTOR_MSI, 1), sends[i].err);
		if (sends[i].err) {
			assert_int_equal(controller.allocated, 0);
			assert_int_equal(fake_get(fn, MSI_AT + PCI_MSI_FLAGS,
						  2),
					 sends[i].flags);
			continue;
		}
		assert_int_equal(fake_get(fn, MSI_AT + PCI_MSI_FLAGS, 2),
				 sends[i].flags | sends[i].written |
					 PCI_MSI_FLAGS_ENABLE);
		assert_int_equal(fake_get(fn, MSI_AT + PCI_MSI_ADDRESS_LO, 4),
				 (uint32_t)m.address);
		data = sends[i].flags & WIDE ? PCI_MSI_DATA_64
					     : PCI_MSI_DATA_32;
		assert_int_equal(fake_get(fn, MSI_AT + data, 4), m.data);
		if (sends[i].flags & WIDE)
			assert_int_equal(
				fake_get(fn, MSI_AT + PCI_MSI_ADDRESS_HI, 4),
				m.address >> 32);
		assert_int_equal(unbind(sbdf, PCI_VECTOR_MSI, 1), 0);
	}
}

/* --- MSI-X: where a table may be --------------------------------------------------------- */

static const struct {
	uint32_t table, pba;
	int err;
} tables[] = {
	{ 0x2000, 0x3000, 0 },
	{ 0x0, 0xfff8, 0 },        /* the very last word */
	{ 0xffd0, 0x0, -ENODATA }, /* a part of it */
	{ 0x2000, 0x10000, -ENODATA },
	{ 0xfffffff8, 0x0, -ENODATA },
	{ 0x1, 0x3000, -ENODATA }, /* ports */
	{ 0x2, 0x3000, -ENODATA }, /* no BAR */
	{ 0x3, 0x3000, -ENODATA }, /* one that is not placed */
	{ 0x6, 0x3000, -ENODATA }, /* reserved numbers */
	{ 0x2000, 0x3007, -ENODATA },
};

static void msix(struct fake_fn *fn, uint32_t table, uint32_t pba)
{
	fake_cap(fn, MSIX_AT, PCI_CAP_ID_MSIX);
	fake_put(fn, MSIX_AT + PCI_MSIX_FLAGS, 2, 4 - 1);
	fake_allow(fn, MSIX_AT + PCI_MSIX_FLAGS, 2,
		   PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	fake_put(fn, MSIX_AT + PCI_MSIX_TABLE, 4, table);
	fake_put(fn, MSIX_AT + PCI_MSIX_PBA, 4, pba);
	fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void test_a_table_that_is_not_in_memory(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		char sbdf[PCI_SBDF_LEN];
		struct fake_fn *fn;

		pci_sbdf_print(sbdf, pci_sbdf(0, 0, (uint8_t)(i + 1), 0));
		fn = card(sbdf, 0);
		fake_bar(fn, PCI_BASE_ADDRESS_1, 0x1001, 0xffffff00);
		fake_bar(fn, PCI_BASE_ADDRESS_3, 0, 0xffff0000);
		msix(fn, tables[i].table, tables[i].pba);
		add(sbdf);
		assert_int_equal(bind(sbdf, PCI_VECTOR_MSIX, 1), tables[i].err);
		if (!tables[i].err)
			assert_int_equal(unbind(sbdf, PCI_VECTOR_MSIX, 1), 0);
	}
}

static int bar_size(struct pci_host *host, pci_sbdf_t sbdf, unsigned int bar,
		    uint64_t *size)
{
	(void)host;
	(void)sbdf;
	(void)bar;
	(void)size;
	return -ENODATA;
}

static void test_a_table_that_cannot_be_reached(void **state)
{
	struct fake_fn *fn = card(CARD, 0);
	uint32_t bar;

	(void)state;
	msix(fn, 0x2000, 0x3000);
	add(CARD);
	fake.ops.mem_write = NULL;
	assert_int_equal(bind(CARD, PCI_VECTOR_MSIX, 1), -ENODATA);
	fake.ops.mem_write = mem_write;
	fake.ops.mem_read = NULL;
	assert_int_equal(bind(CARD, PCI_VECTOR_MSIX, 1), -ENODATA);
	fake.ops.mem_read = mem_read;
	bar = fake_get(fn, PCI_BASE_ADDRESS_0, 4);
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, UINT32_MAX); /* no answer */
	assert_int_equal(bind(CARD, PCI_VECTOR_MSIX, 1), -ENODATA);
	fake_put(fn, PCI_BASE_ADDRESS_0, 4, bar);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	fake.ops.bar_size = bar_size; /* how large it is, nobody knows */
	add(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSIX, 1), -ENODATA);
	assert_int_equal(controller.stores, 0);
}

static void test_a_lost_devices_table_is_not_touched(void **state)
{
	struct pci_dev *pdev;
	unsigned int stores;

	(void)state;
	msix(card(CARD, 0), 0x2000, 0x3000);
	add(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSIX, 1), 0);
	stores = controller.stores;
	assert_true(stores > 0);
	pdev = get(CARD);
	assert_int_equal(pci_mark_lost(at(CARD)), 0);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSIX, 0, false), 0);
	assert_int_equal(pci_irq_unbind(pdev, PCI_VECTOR_MSIX, 0, 1), 0);
	assert_int_equal(controller.stores, stores);
	pcidev_put(pdev);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
}

/* --- hosts that cannot ---------------------------------------------------------------------- */

static void test_a_host_that_may_block_or_only_reads(void **state)
{
	(void)state;
	card(CARD, 0);
	fake.ops.may_block = true;
	add(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSI, 1), -EOPNOTSUPP);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	fake.ops.may_block = false;
	add(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSI, 1), 0);
	assert_int_equal(unbind(CARD, PCI_VECTOR_MSI, 1), 0);
	assert_int_equal(pci_device_lost(at(CARD)), 0);
	fake.ops.read_only = true;
	add(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSI, 1), -EOPNOTSUPP);
}

static void test_without_the_stage_there_are_no_interrupts(void **state)
{
	struct pci_irq_info info;
	struct pci_dev *pdev;

	(void)state;
	fake.host.msi = &msi_ops;
	card(CARD, 0);
	add(CARD);
	pdev = get(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSI, 1), -EPERM);
	assert_int_equal(unbind(CARD, PCI_VECTOR_MSI, 1), -ENOENT);
	assert_int_equal(pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, true), -ENOENT);
	assert_int_equal(pci_irq_query(at(CARD), &info), 0);
	assert_int_equal(info.msi + info.msix + info.guest, 0);
	pcidev_put(pdev);
}

/* --- what a controller may get wrong ------------------------------------------------------------ */

static void test_a_vector_beyond_the_block_is_nobodys(void **state)
{
	(void)state;
	memset(handled, 0, sizeof(handled));
	card(CARD, 1 << 1); /* two vectors */
	add(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSI, 2), 0);
	plat_rcu_read_lock();
	pci_irq_deliver(controller.irq, 2);
	pci_irq_deliver(controller.irq, UINT32_MAX);
	assert_int_equal(handled[0] + handled[1], 0);
	pci_irq_deliver(controller.irq, 1);
	assert_int_equal(handled[1], 1);
	plat_rcu_read_unlock();
	assert_int_equal(unbind(CARD, PCI_VECTOR_MSI, 2), 0);
}

/* It was found in this section, and was cut off in it. */
static void test_R10_what_comes_late_is_nobodys(void **state)
{
	struct pci_removal *op;
	struct pci_irq_info info;
	struct pci_hold *pin;
	struct pci_dev *pdev;

	(void)state;
	memset(handled, 0, sizeof(handled));
	card(CARD, 0);
	add(CARD);
	assert_int_equal(bind(CARD, PCI_VECTOR_MSI, 1), 0);
	pdev = get(CARD);
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "p", NULL, NULL, &pin), 0);
	assert_int_equal(pci_removal_start(at(CARD), PCI_REMOVE_FORCE,
					   1000 * MSEC, "t", NULL, NULL, &op),
			 0);
	plat_rcu_read_lock();
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(controller.allocated, 0);
	pci_irq_deliver(controller.irq, 0);
	plat_rcu_read_unlock();
	assert_int_equal(handled[0], 0);
	assert_int_equal(pci_irq_query(at(CARD), &info), 0);
	assert_int_equal(info.delivered + info.suppressed + info.pending, 0);
	assert_false(pci_hold_release(pin));
	pcidev_put(pdev);
	pci_removal_finish(op);
}

/* --- guests --------------------------------------------------------------------------------------- */

static struct domain *d;
static struct vpci_vcpu vcpu;
static pci_sbdf_t vsbdf;
static char failure[sizeof(((struct pci_event *)0)->detail)];

static void on_event(struct pci_event_listener *self,
		     const struct pci_event *event)
{
	(void)self;
	if (event->type == PCI_EVENT_IRQ)
		memcpy(failure, event->detail, sizeof(failure));
}

static void guest_msi(uint16_t flags)
{
	assert_int_equal(vpci_write(&vcpu, vsbdf, MSI_AT + PCI_MSI_FLAGS, 2,
				    flags),
			 PCI_DONE);
}

static void guest_has_it(void)
{
	card(CARD, 0);
	add(CARD);
	assert_int_equal(domain_create(0, "vm1", NULL, NULL, &d), 0);
	vpci_vcpu_init(&vcpu, d);
	vsbdf = pci_sbdf_from(UINT32_MAX);
	assert_int_equal(pci_assign_device(d, at(CARD), 0, &vsbdf, NULL), 0);
}

static void guest_ends(void)
{
	vpci_vcpu_fini(&vcpu);
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
}

static void test_a_guest_that_hears_nothing(void **state)
{
	struct pci_irq_info info;

	(void)state;
	guest_has_it();
	guest_msi(PCI_MSI_FLAGS_ENABLE);
	assert_int_equal(controller.allocated, 1);
	plat_rcu_read_lock();
	pci_irq_deliver(controller.irq, 0);
	plat_rcu_read_unlock();
	assert_int_equal(pci_irq_query(at(CARD), &info), 0);
	assert_int_equal(info.pending, 1);
	assert_int_equal(info.delivered, 0);
	guest_msi(0);
	guest_msi(PCI_MSI_FLAGS_ENABLE);
	assert_int_equal(pci_irq_query(at(CARD), &info), 0);
	assert_int_equal(info.pending, 1); /* for ever */
	guest_ends();
}

static void test_why_a_vector_could_not_be_bound(void **state)
{
	struct pci_event_listener listener = { .event = on_event };

	(void)state;
	guest_has_it();
	pci_event_listen(&listener);
	controller.err = -ENOMEM;
	guest_msi(PCI_MSI_FLAGS_ENABLE);
	assert_string_equal(failure, "no memory for vectors");
	controller.err = 0;
	guest_msi(0);
	guest_msi(PCI_MSI_FLAGS_ENABLE);
	guest_msi(0);
	controller.err = -ENOSPC;
	guest_msi(PCI_MSI_FLAGS_ENABLE);
	assert_string_equal(failure, "no host vector is left");
	pci_event_unlisten(&listener);
	guest_ends();
}

static void test_breaches_are_found(void **state)
{
	struct pci_dev *pdev;

	(void)state;
	guest_has_it();
	pdev = get(CARD);
	assert_int_equal(pci_check_invariants(), 0);
	pdev->irqs->guest_bound++; /* and no hold is listed */
	assert_int_equal(pci_check_invariants(), 1);
	pdev->irqs->guest_bound--;
	guest_msi(PCI_MSI_FLAGS_ENABLE);
	assert_int_equal(pci_check_invariants(), 0);
	pdev->irqs->guest_bound--; /* and one is */
	assert_int_equal(pci_check_invariants(), 1);
	pdev->irqs->guest_bound++;
	guest_ends();
	pdev->irqs->guest_bound++; /* the host's device */
	assert_int_equal(pci_check_invariants(), 1);
	pdev->irqs->guest_bound--;
	pcidev_put(pdev);
}

#define MESSAGE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE(test_a_message_that_does_not_fit_is_none),
		MESSAGE(test_a_table_that_is_not_in_memory),
		MESSAGE(test_a_table_that_cannot_be_reached),
		MESSAGE(test_a_lost_devices_table_is_not_touched),
		MESSAGE(test_a_host_that_may_block_or_only_reads),
		cmocka_unit_test_setup_teardown(
			test_without_the_stage_there_are_no_interrupts,
			fake_setup, fake_teardown),
		MESSAGE(test_a_bind_in_vain_waits_for_messages),
		MESSAGE(test_a_vector_beyond_the_block_is_nobodys),
		MESSAGE(test_R10_what_comes_late_is_nobodys),
		MESSAGE(test_a_guest_that_hears_nothing),
		MESSAGE(test_why_a_vector_could_not_be_bound),
		MESSAGE(test_breaches_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
