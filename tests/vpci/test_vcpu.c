/* SPDX-License-Identifier: BSD-2-Clause */
/* What a vCPU still has to do: bounded, never lost, never somebody else's. */
#include <pthread.h>

#include <holdfast/iommu.h>

#include "vm.h"

#define DEV "00:03.0"
#define OTHER "00:04.0"
#define HPA 0xc0000000u
#define GPA 0x80000000u
#define MIB 0x100000ull
#define SLOT1 pci_sbdf(0, 0, 1, 0)

static void give_dev(void)
{
	vm_device(DEV, HPA, 8 * MIB, 0);
	vm_give(&a, DEV, 1);
	vm_write(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA);
}

static void test_writes_that_set_nothing_going_leave_nothing_to_do(void **state)
{
	(void)state;
	give_dev();
	vm_write_only(&a, 1, PCI_INTERRUPT_LINE, 1, 5);
	assert_int_equal(a.vcpu.npending, 0);
	assert_int_equal(vpci_process_pending(&a.vcpu, NULL), PCI_DONE);
}

static void test_a_device_is_on_the_list_once(void **state)
{
	unsigned int i;

	(void)state;
	give_dev();
	for (i = 0; i < 2 * VPCI_PENDING; i++)
		vm_write_only(&a, 1, PCI_COMMAND, 2,
			      i % 2 ? 0 : PCI_COMMAND_MEMORY);
	assert_int_equal(a.vcpu.npending, 1);
	vm_work(&a);
	assert_int_equal(a.vcpu.npending, 0);
	assert_int_equal(vm_mapped_bytes(&a), 0);
}

static void
test_a_full_list_makes_the_guest_retry_and_loses_nothing(void **state)
{
	char dev[PCI_SBDF_LEN];
	uint8_t i;

	(void)state;
	for (i = 0; i <= VPCI_PENDING; i++) {
		snprintf(dev, sizeof(dev), "01:%02x.0", i);
		vm_device(dev, HPA + i * MIB, 0x1000, 0);
		vm_give(&a, dev, i + 1);
		vm_write(&a, i + 1, PCI_BASE_ADDRESS_0, 4, GPA + i * 0x1000);
	}
	for (i = 1; i <= VPCI_PENDING; i++)
		vm_write_only(&a, i, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(vpci_write(&a.vcpu, pci_sbdf(0, 0, i, 0), PCI_COMMAND,
				    2, PCI_COMMAND_MEMORY),
			 PCI_AGAIN);
	assert_int_equal(vm_read(&a, i, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY,
			 0);
	vm_work(&a);
	vm_decode(&a, i, true);
	assert_int_equal(vm_mapped_bytes(&a), (VPCI_PENDING + 1) * 0x1000);
}

/*
 * vcpu.c's calls of vpci_map_step() come here (the linker's --wrap): the
 * moment between a step that found nothing to do and the end of the work.
 */
bool __real_vpci_map_step(struct vpci *view);
bool __wrap_vpci_map_step(struct vpci *view);
static void (*after_last_step)(void);

bool __wrap_vpci_map_step(struct vpci *view)
{
	void (*hook)(void);

	if (__real_vpci_map_step(view))
		return true;
	if (view->domain != b.d) /* the threads' */
		return false;
	hook = after_last_step;
	after_last_step = NULL;
	if (hook)
		hook();
	return false;
}

static void decode_on(void)
{
	vm_write_only(&b, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void test_what_is_asked_for_during_a_step_is_not_lost(void **state)
{
	(void)state;
	vm_device(DEV, HPA, 8 * MIB, 0);
	vm_give(&b, DEV, 1);
	after_last_step = decode_on;
	vm_write_only(&b, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_write_only(&b, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vm_write_only(&b, 1, PCI_COMMAND, 2, 0);
	vm_work(&b);
	assert_null(after_last_step);
	assert_int_equal(vm_mapped_bytes(&b), 8 * MIB);
}

static void test_several_vcpus_may_have_the_same_device(void **state)
{
	struct vpci_vcpu second;

	(void)state;
	give_dev();
	vpci_vcpu_init(&second, a.d);
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(vpci_write(&second, SLOT1, PCI_COMMAND, 2,
				    PCI_COMMAND_MEMORY),
			 PCI_DONE);
	/* In turns, and whoever is left finds nothing more to do. */
	assert_int_equal(vpci_process_pending(&a.vcpu, NULL), PCI_AGAIN);
	assert_int_equal(vpci_process_pending(&second, NULL), PCI_AGAIN);
	vm_work(&a);
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
	assert_int_equal(vpci_process_pending(&second, NULL), PCI_DONE);
	assert_int_equal(a.maps, 4);
	vpci_vcpu_fini(&second);
}

/* --- H2 ------------------------------------------------------------------------- */

static void test_H2_work_on_a_device_that_left_is_nobodys(void **state)
{
	(void)state;
	give_dev();
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(pci_deassign_device(a.d, at(DEV), 0, NULL), 0);
	vm_give(&b, DEV, 1);
	vm_write_only(&b, 1, PCI_BASE_ADDRESS_0, 4, 0xe0000000);
	vm_write_only(&b, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(vpci_process_pending(&a.vcpu, NULL), PCI_DONE);
	assert_int_equal(a.maps + b.maps, 0);
	vm_work(&b);
	assert_int_equal(vm_mapped_bytes(&b), 8 * MIB);
}

static void test_H2_work_on_a_removed_device_is_not_its_successors(void **state)
{
	struct pci_removal_info report;
	struct vpci_vcpu second;

	(void)state;
	give_dev();
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(pci_remove_device(at(DEV), PCI_REMOVE_FORCE,
					   1000 * MSEC, &report),
			 0);
	plat_rcu_barrier(); /* the device is freed by now */
	vm_give(&a, DEV, 1);
	vpci_vcpu_init(&second, a.d);
	assert_int_equal(vpci_write(&second, SLOT1, PCI_BASE_ADDRESS_0, 4,
				    0xe0000000),
			 PCI_DONE);
	assert_int_equal(vpci_write(&second, SLOT1, PCI_COMMAND, 2,
				    PCI_COMMAND_MEMORY),
			 PCI_DONE);
	assert_int_equal(vpci_process_pending(&a.vcpu, NULL), PCI_DONE);
	assert_int_equal(a.maps, 0);
	while (vpci_process_pending(&second, NULL) == PCI_AGAIN)
		;
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
	vpci_vcpu_fini(&second);
}

static void test_H2_a_guest_dies_before_its_vcpu_with_work(void **state)
{
	struct domain *d;
	struct vpci_vcpu vcpu;
	pci_sbdf_t slot = SLOT1;

	(void)state;
	vm_device(DEV, HPA, 8 * MIB, 0);
	add(DEV);
	assert_int_equal(domain_create(0, "c", NULL, NULL, &d), 0);
	assert_int_equal(pci_assign_device(d, at(DEV), 0, &slot, NULL), 0);
	vpci_vcpu_init(&vcpu, d);
	assert_int_equal(vpci_write(&vcpu, slot, PCI_COMMAND, 2,
				    PCI_COMMAND_MEMORY),
			 PCI_DONE);
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
	plat_rcu_barrier(); /* the view, */
	plat_rcu_barrier(); /* and then the domain, but for the vCPU's */
	assert_int_equal(vpci_process_pending(&vcpu, NULL), PCI_DONE);
	vpci_vcpu_fini(&vcpu);
}

/* --- waiting ---------------------------------------------------------------------- */

/* A device at slot @slot that can reset itself, decoding at GPA. */
static void give_flr(const char *sbdf, uint8_t slot)
{
	struct fake_fn *fn = vm_device(sbdf, HPA + slot * MIB, 0x100, 0);

	fake_express(fn, 0x60, 0);
	fake_put(fn, 0x60 + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR);
	fake_allow(fn, 0x60 + PCI_EXP_DEVCTL, 2, 0x7fff);
	vm_give(&a, sbdf, slot);
	vm_write(&a, slot, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_decode(&a, slot, true);
}

static void reset(uint8_t slot)
{
	vm_write_only(&a, slot, 0x60 + PCI_EXP_DEVCTL, 2,
		      PCI_EXP_DEVCTL_BCR_FLR);
}

/* The guest enables what it likes, and nobody touches the device. */
static void assert_untouched(void)
{
	uint64_t val;

	vm_write_only(&a, 1, PCI_BASE_ADDRESS_0, 4, GPA);
	vm_write_only(&a, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(vpci_mmio_read(a.d, GPA, 4, &val), PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(memory.reads, 0);
}

static void test_a_reset_says_when_to_come_again(void **state)
{
	uint64_t when = 0, begun, val;
	struct vpci *view;
	unsigned int i;

	(void)state;
	give_flr(DEV, 1);
	view = vm_view(DEV);
	begun = plat_now();
	reset(1);
	assert_untouched();
	for (i = 0; i < 10 && when < begun + 100 * MSEC; i++)
		assert_int_equal(vpci_process_pending(&a.vcpu, &when),
				 PCI_AGAIN);
	assert_int_equal(when, view->flr_over);
	assert_untouched();
	/* As if the time were over. */
	pci_lock(&view->pdev->lock);
	view->flr_over = begun;
	pci_unlock(&view->pdev->lock);
	vm_work(&a);
	assert_int_equal(vpci_mmio_read(a.d, GPA, 4, &val), PCI_DONE);
	assert_int_equal(memory.reads, 1);
}

static void test_who_waits_delays_no_other_device(void **state)
{
	uint64_t when;
	unsigned int i;

	(void)state;
	give_flr(DEV, 1);
	vm_device(OTHER, HPA + 16 * MIB, 8 * MIB, 0);
	vm_give(&a, OTHER, 2);
	vm_write(&a, 2, PCI_BASE_ADDRESS_0, 4, GPA + 16 * MIB);
	reset(1);
	vm_write_only(&a, 2, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (i = 0; i < 30; i++)
		assert_int_equal(vpci_process_pending(&a.vcpu, &when),
				 PCI_AGAIN);
	assert_int_equal(vm_mapped_bytes(&a), 8 * MIB);
	assert_int_equal(a.vcpu.npending, 1);
	assert_true(when > plat_now());
}

static void test_when_is_the_earliest_of_all(void **state)
{
	uint64_t when = 0;
	unsigned int i;

	(void)state;
	give_flr(DEV, 1);
	give_flr(OTHER, 2);
	reset(1);
	reset(2);
	for (i = 0; i < 30; i++)
		assert_int_equal(vpci_process_pending(&a.vcpu, &when),
				 PCI_AGAIN);
	assert_true(vm_view(DEV)->flr_over < vm_view(OTHER)->flr_over);
	assert_int_equal(when, vm_view(DEV)->flr_over);
}

/* --- threads ----------------------------------------------------------------------- */

#define ROUNDS 400

static struct writer {
	pthread_t thread;
	pthread_barrier_t *barrier;
	unsigned int seed;
} writer[2];

/* Any BAR of two devices, or its decode; places overlap. */
static void write_at_will(struct vpci_vcpu *vcpu, unsigned int r)
{
	pci_sbdf_t slot = pci_sbdf(0, 0, 1 + r % 2, 0);
	uint64_t gpa = GPA + (r / 8 % 4) * 2 * MIB;

	if (r / 2 % 4 == 0)
		(void)!vpci_write(vcpu, slot, PCI_COMMAND, 2,
				  r / 8 % 4 ? PCI_COMMAND_MEMORY : 0);
	else
		(void)!vpci_write(vcpu, slot, PCI_BASE_ADDRESS_0, 4, gpa);
}

static void *write_rounds(void *data)
{
	struct writer *w = data;
	struct vpci_vcpu vcpu;
	unsigned int i, n;

	vpci_vcpu_init(&vcpu, a.d);
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(w->barrier);
		for (n = 0; n < 4; n++) {
			write_at_will(&vcpu, (unsigned int)rand_r(&w->seed));
			while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
				;
		}
		pthread_barrier_wait(w->barrier);
	}
	vpci_vcpu_fini(&vcpu);
	return NULL;
}

/* Nobody has work left: what is mapped is what the registers say. */
static void check_slot(uint8_t slot, const char *sbdf, uint64_t hpa)
{
	uint64_t at = vm_read(&a, slot, PCI_BASE_ADDRESS_0, 4), offset;
	bool on = vm_read(&a, slot, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
	unsigned int i;

	assert_int_equal(hf_load_acquire(&vm_view(sbdf)->work), 0);
	for (i = 0; i < a.nranges; i++) {
		offset = a.range[i].hpa - hpa;
		if (offset < 16 * MIB) {
			assert_true(on);
			assert_int_equal(a.range[i].gpa, at + offset);
		}
	}
	assert_int_equal(vm_view(sbdf)->bar[0].state,
			 on ? VPCI_MAPPED : VPCI_UNMAPPED);
	if (on)
		assert_int_equal(vm_view(sbdf)->bar[0].at, at);
}

static void test_two_vcpus_that_write_at_will_lose_no_request(void **state)
{
	pthread_barrier_t barrier;
	unsigned int i, seed = (unsigned int)plat_now();

	(void)state;
	print_message("seed %u\n", seed);
	vm_device(DEV, HPA, 4 * MIB, 0);
	vm_device(OTHER, HPA + 16 * MIB, 2 * MIB, 0);
	vm_give(&a, DEV, 1);
	vm_give(&a, OTHER, 2);
	vm_place(&a, 1,
		 GPA); /* else the first rounds may decode nothing, at 0 */
	vm_place(&a, 2, GPA);
	pthread_barrier_init(&barrier, NULL, 3);
	for (i = 0; i < 2; i++) {
		writer[i].barrier = &barrier;
		writer[i].seed = seed + i;
		pthread_create(&writer[i].thread, NULL, write_rounds,
			       &writer[i]);
	}
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		check_slot(1, DEV, HPA);
		check_slot(2, OTHER, HPA + 16 * MIB);
	}
	for (i = 0; i < 2; i++)
		pthread_join(writer[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_CASE(test_writes_that_set_nothing_going_leave_nothing_to_do),
		VM_CASE(test_a_device_is_on_the_list_once),
		VM_CASE(test_a_full_list_makes_the_guest_retry_and_loses_nothing),
		VM_CASE(test_what_is_asked_for_during_a_step_is_not_lost),
		VM_CASE(test_several_vcpus_may_have_the_same_device),
		VM_CASE(test_H2_work_on_a_device_that_left_is_nobodys),
		VM_CASE(test_H2_work_on_a_removed_device_is_not_its_successors),
		VM_CASE(test_H2_a_guest_dies_before_its_vcpu_with_work),
		VM_CASE(test_a_reset_says_when_to_come_again),
		VM_CASE(test_who_waits_delays_no_other_device),
		VM_CASE(test_when_is_the_earliest_of_all),
		VM_CASE(test_two_vcpus_that_write_at_will_lose_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
