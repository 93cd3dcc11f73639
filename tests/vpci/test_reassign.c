/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking a device from a guest that goes on using it: by reassignment (R21),
 * by force, by loss. The fabric's own counters say who reached the hardware.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "fabric.h"

#define DISK pci_sbdf(0, 1, 0, 0)
#define SEEN pci_sbdf(0, 0, 1, 0)
#define BAR 0xe0000000u

struct vm {
	struct domain *d;
	hf_atomic(uint32_t) mapped; /* a bit a page from BAR on */
	hf_atomic(uint32_t) tombs;  /* unmapped with .cut */
	hf_atomic(uint64_t) hpa;    /* of the last piece */
	hf_atomic(uint32_t) rounds, stop;
	pthread_t thread;
};

static struct fabric *fabric;
static struct vm a, b;

static uint32_t pages(const struct pci_mapping *m)
{
	unsigned int first = (unsigned int)((m->gpa - BAR) / PLAT_PAGE_SIZE);
	unsigned int n = (unsigned int)(m->size / PLAT_PAGE_SIZE);

	assert_true(m->gpa >= BAR && first + n <= 32);
	return (UINT32_MAX >> (32 - n)) << first;
}

static int map(struct domain *d, const struct pci_mapping *m)
{
	struct vm *vm = domain_data(d);

	hf_fetch_or_acq_rel(&vm->mapped, pages(m));
	hf_store_relaxed(&vm->hpa, m->hpa - (m->gpa - BAR));
	return 0;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	struct vm *vm = domain_data(d);

	hf_fetch_and_release(&vm->mapped, ~pages(m));
	if (m->cut)
		hf_fetch_add_relaxed(&vm->tombs, 1);
}

static const struct domain_ops ops = { .map = map, .unmap = unmap };

static int set_up(void **state)
{
	struct pci_scan scan;
	char err[200];

	(void)state;
	a = b = (struct vm){ 0 };
	fabric = fabric_open("server", err, sizeof(err));
	assert_non_null(fabric);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(NULL), 0);
	assert_int_equal(pci_segment_add(0, fabric_host(fabric)), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(domain_create(0, "a", &ops, &a, &a.d), 0);
	assert_int_equal(domain_create(0, "b", &ops, &b, &b.d), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fabric_witness seen;

	(void)state;
	assert_int_equal(domain_destroy(a.d), 0);
	assert_int_equal(domain_destroy(b.d), 0);
	domain_put(a.d);
	domain_put(b.d);
	assert_int_equal(pci_check_invariants(), 0);
	fabric_witness(fabric, &seen);
	assert_int_equal(seen.violations, 0);
	pci_fini();
	fabric_close(fabric);
	return 0;
}

static uint64_t rd(struct vm *vm, uint16_t reg, uint8_t size)
{
	uint64_t val;

	while (vpci_read(vm->d, SEEN, reg, size, &val) == PCI_AGAIN)
		sched_yield();
	return val;
}

static void wr(struct vm *vm, uint16_t reg, uint8_t size, uint64_t val)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, vm->d);
	while (vpci_write(&vcpu, SEEN, reg, size, val) == PCI_AGAIN)
		sched_yield();
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		sched_yield();
	vpci_vcpu_fini(&vcpu);
}

static void give(struct vm *vm)
{
	pci_sbdf_t vsbdf = SEEN;

	assert_int_equal(pci_assign_device(vm->d, DISK, 0, &vsbdf, NULL), 0);
}

static void enable(struct vm *vm)
{
	wr(vm, PCI_BASE_ADDRESS_0, 4, BAR);
	wr(vm, PCI_BASE_ADDRESS_1, 4, 0);
	wr(vm, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static uint32_t hw(uint16_t reg, uint8_t size)
{
	struct pci_host *host = fabric_host(fabric);
	uint32_t val;

	assert_int_equal(host->ops->read(host, DISK, reg, size, &val), 0);
	return val;
}

/* --- a guest that never stops ------------------------------------------------------ */

static void *use(void *data)
{
	struct vm *vm = data;
	struct vpci_vcpu vcpu;
	uint64_t val;

	vpci_vcpu_init(&vcpu, vm->d);
	while (!hf_load_acquire(&vm->stop)) {
		(void)!vpci_read(vm->d, SEEN, PCI_VENDOR_ID, 4, &val);
		(void)!vpci_read(vm->d, SEEN, PCI_STATUS, 2, &val);
		(void)!vpci_mmio_read(vm->d, BAR + 0x1000, 4, &val);
		(void)!vpci_mmio_write(&vcpu, BAR + 0x1000, 4, 0xdead);
		(void)!vpci_write(&vcpu, SEEN, PCI_COMMAND, 2,
				  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		(void)!vpci_process_pending(&vcpu, NULL);
		hf_fetch_add_relaxed(&vm->rounds, 1);
	}
	vpci_vcpu_fini(&vcpu);
	return NULL;
}

static void start(struct vm *vm)
{
	assert_int_equal(pthread_create(&vm->thread, NULL, use, vm), 0);
}

/* Until it has done @n rounds more: accesses begun before are over. */
static void await(struct vm *vm, uint32_t n)
{
	uint32_t then = hf_load_acquire(&vm->rounds);

	while (hf_load_acquire(&vm->rounds) - then < n)
		sched_yield();
}

static void end(struct vm *vm)
{
	hf_store_release(&vm->stop, 1);
	pthread_join(vm->thread, NULL);
}

static uint64_t accesses(void)
{
	struct fabric_counts counts;
	pci_sbdf_t where = DISK;

	assert_int_equal(fabric_witness_next(fabric, &where, &counts), 0);
	assert_int_equal(where.sbdf, DISK.sbdf);
	return counts.reads + counts.writes;
}

/* --- the tests ------------------------------------------------------------------------ */

static void test_R21_the_old_view_reaches_nothing_after_deassign(void **state)
{
	uint64_t then;

	(void)state;
	give(&a);
	enable(&a);
	start(&a);
	await(&a, 100);
	then = accesses();
	await(&a, 100);
	assert_true(accesses() > then);
	assert_int_equal(pci_deassign_device(a.d, DISK, 0, NULL), 0);
	then = accesses();
	await(&a, 1000);
	assert_int_equal(accesses(), then);
	assert_int_equal(rd(&a, PCI_VENDOR_ID, 4), UINT32_MAX);
	end(&a);
}

static void test_R21_the_next_guest_starts_anew(void **state)
{
	(void)state;
	give(&a);
	enable(&a);
	wr(&a, PCI_INTERRUPT_LINE, 1, 0x5a);
	start(&a);
	assert_int_equal(pci_deassign_device(a.d, DISK, 0, NULL), 0);
	give(&b);
	assert_int_equal(rd(&b, PCI_COMMAND, 2), 0);
	assert_int_equal(rd(&b, PCI_BASE_ADDRESS_0, 4) & ~0xfull, 0);
	assert_int_not_equal(rd(&b, PCI_INTERRUPT_LINE, 1), 0x5a);
	assert_int_equal(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	await(&a, 1000); /* the old one still tries to switch it on */
	assert_int_equal(rd(&b, PCI_COMMAND, 2), 0);
	assert_int_equal(hw(PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	end(&a);
}

static void test_R21_nothing_of_the_old_guest_stays_mapped(void **state)
{
	(void)state;
	give(&a);
	enable(&a);
	assert_int_not_equal(hf_load_acquire(&a.mapped), 0);
	assert_int_equal(pci_deassign_device(a.d, DISK, 0, NULL), 0);
	assert_int_equal(hf_load_acquire(&a.mapped), 0);
	assert_int_equal(hf_load_acquire(&a.tombs), 0);
}

/* XSA-337, XSA-476. */
static void test_the_host_finds_its_registers_as_they_were(void **state)
{
	uint32_t bar[6], command = hw(PCI_COMMAND, 2);
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		bar[i] = hw((uint16_t)(PCI_BASE_ADDRESS_0 + 4 * i), 4);
	give(&a);
	enable(&a);
	/* As a device may be left that its guest could reprogram by itself. */
	for (i = 0; i < 6; i++)
		assert_int_equal(
			pci_conf_write(DISK,
				       (uint16_t)(PCI_BASE_ADDRESS_0 + 4 * i),
				       4, 0xf0000000),
			0);
	assert_int_equal(pci_deassign_device(a.d, DISK, 0, NULL), 0);
	for (i = 0; i < 6; i++)
		assert_int_equal(hw((uint16_t)(PCI_BASE_ADDRESS_0 + 4 * i), 4),
				 bar[i]);
	/* What the guest has set going must not go on (rule 15). */
	assert_int_equal(hw(PCI_COMMAND, 2), command & ~PCI_COMMAND_MASTER);
}

/* The host may move a BAR while nobody has it; the guest gets it there. */
static void test_a_bar_that_the_host_has_moved_is_found(void **state)
{
	uint32_t was = hw(PCI_BASE_ADDRESS_0, 4), moved = was ^ 0x00800000;

	(void)state;
	assert_int_equal(pci_conf_write(DISK, PCI_BASE_ADDRESS_0, 4, moved), 0);
	give(&a);
	enable(&a);
	assert_int_equal((uint32_t)hf_load_relaxed(&a.hpa), moved & ~0xfu);
	assert_int_equal(pci_conf_write(DISK, PCI_BASE_ADDRESS_0, 4, 0), 0);
	assert_int_equal(pci_deassign_device(a.d, DISK, 0, NULL), 0);
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4), moved);
}

/* … or make it smaller: the guest must not reach what comes after it. */
static void test_a_bar_that_the_host_has_resized_has_its_new_size(void **state)
{
	const pci_sbdf_t gpu = pci_sbdf(0, 0x12, 0, 0);
	uint16_t cap = pci_find_ext_cap(gpu, PCI_EXT_CAP_ID_REBAR);
	uint32_t ctrl = pci_conf_read(gpu, cap + PCI_REBAR_CTRL, 4);
	pci_sbdf_t vsbdf = SEEN;
	struct vpci_info info;

	(void)state;
	assert_int_not_equal(cap, 0);
	assert_int_equal(ctrl & PCI_REBAR_CTRL_BAR_IDX, 0);
	ctrl = (ctrl & ~PCI_REBAR_CTRL_BAR_SIZE) |
	       9 << PCI_REBAR_CTRL_BAR_SHIFT; /* 512 MiB */
	assert_int_equal(pci_conf_write(gpu, PCI_COMMAND, 2, 0), 0);
	assert_int_equal(pci_conf_write(gpu, cap + PCI_REBAR_CTRL, 4, ctrl), 0);
	assert_int_equal(pci_conf_read(gpu, cap + PCI_REBAR_CTRL, 4), ctrl);
	assert_int_equal(pci_assign_device(a.d, gpu, 0, &vsbdf, NULL), 0);
	assert_int_equal(vpci_query(gpu, &info), 0);
	assert_int_equal(info.bar[0].size, 512 << 20);
}

static void test_rule9_a_cut_off_leaves_tombstones(void **state)
{
	uint64_t val, then;

	(void)state;
	give(&a);
	enable(&a);
	start(&a);
	await(&a, 10);
	assert_int_equal(pci_remove_device(DISK, PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, NULL),
			 0);
	then = accesses();
	await(&a, 1000);
	assert_int_equal(accesses(), then);
	end(&a);
	assert_int_equal(hf_load_acquire(&a.mapped), 0);
	assert_true(hf_load_acquire(&a.tombs) > 0);
	assert_int_equal(vpci_mmio_read(a.d, BAR + 0x1000, 4, &val), PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(rd(&a, PCI_COMMAND, 2), 0xffff);
}

static void test_rule7_a_refused_removal_leaves_the_guest_alone(void **state)
{
	uint32_t mapped;

	(void)state;
	give(&a);
	enable(&a);
	mapped = hf_load_acquire(&a.mapped);
	start(&a);
	assert_int_equal(pci_remove_device(DISK, 0, PLAT_NSEC_PER_SEC, NULL),
			 -EBUSY);
	end(&a);
	assert_int_equal(hf_load_acquire(&a.mapped), mapped);
	assert_int_equal(rd(&a, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(rd(&a, PCI_BASE_ADDRESS_0, 4) & ~0xfull, BAR);
}

static void test_rule10_a_loss_under_a_writing_guest_harms_nothing(void **state)
{
	uint64_t then;

	(void)state;
	give(&a);
	enable(&a);
	start(&a);
	await(&a, 10);
	assert_int_equal(pci_device_lost(DISK), 0);
	then = accesses();
	await(&a, 1000);
	assert_int_equal(accesses(), then);
	end(&a);
	assert_int_equal(hf_load_acquire(&a.mapped), 0);
	assert_int_equal(pci_add_device(DISK), 0);
	give(&b);
	assert_int_equal(rd(&a, PCI_VENDOR_ID, 4), UINT32_MAX);
	assert_int_not_equal(rd(&b, PCI_VENDOR_ID, 4), UINT32_MAX);
}

/* The guest dies with work queued, and with its device in use. */
static void test_H2_a_dying_guest_leaves_nothing_behind(void **state)
{
	struct vpci_vcpu vcpu;

	(void)state;
	give(&a);
	vpci_vcpu_init(&vcpu, a.d);
	assert_int_equal(vpci_write(&vcpu, SEEN, PCI_BASE_ADDRESS_0, 4, BAR),
			 PCI_DONE);
	assert_int_equal(vpci_write(&vcpu, SEEN, PCI_COMMAND, 2,
				    PCI_COMMAND_MEMORY),
			 PCI_DONE);
	assert_int_equal(pci_deassign_device(a.d, DISK, 0, NULL), 0);
	assert_int_equal(pci_remove_device(DISK, 0, PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_DONE);
	assert_int_equal(hf_load_acquire(&a.mapped), 0);
	vpci_vcpu_fini(&vcpu);
}

/* H7: a hidden device's view, and the guest's, go with it. */
static void test_H7_a_hidden_device_has_no_view(void **state)
{
	struct vpci_info info;

	(void)state;
	give(&a);
	assert_int_equal(vpci_query(DISK, &info), 0);
	assert_int_equal(pci_hide_device(DISK, true), -EBUSY);
	assert_int_equal(pci_deassign_device(a.d, DISK, 0, NULL), 0);
	assert_int_equal(pci_hide_device(DISK, true), 0);
	assert_int_equal(vpci_query(DISK, &info), -ENOENT);
	assert_int_equal(pci_remove_device(DISK, 0, PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(vpci_query(DISK, &info), -ENODEV);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_R21_the_old_view_reaches_nothing_after_deassign),
		CASE(test_R21_the_next_guest_starts_anew),
		CASE(test_R21_nothing_of_the_old_guest_stays_mapped),
		CASE(test_the_host_finds_its_registers_as_they_were),
		CASE(test_a_bar_that_the_host_has_moved_is_found),
		CASE(test_a_bar_that_the_host_has_resized_has_its_new_size),
		CASE(test_rule9_a_cut_off_leaves_tombstones),
		CASE(test_rule7_a_refused_removal_leaves_the_guest_alone),
		CASE(test_rule10_a_loss_under_a_writing_guest_harms_nothing),
		CASE(test_H2_a_dying_guest_leaves_nothing_behind),
		CASE(test_H7_a_hidden_device_has_no_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
