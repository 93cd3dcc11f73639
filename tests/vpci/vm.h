/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that keeps account of what is mapped into it, and memory space that
 * keeps account of who reaches it. On the fake host of tests/config.
 */
#ifndef TESTS_VPCI_VM_H
#define TESTS_VPCI_VM_H

#include <pthread.h>

#include "../config/fake_host.h"
#include "vpci/internal.h"

struct vm {
	struct domain *d;
	struct vpci_vcpu vcpu;
	pthread_mutex_t lock; /* what is below, where there are threads */
	struct vm_range {
		uint64_t gpa, hpa, size;
	} range[64]; /* mapped now */
	unsigned int nranges;
	unsigned int maps, unmaps; /* calls */
	unsigned int cuts;         /* unmaps that leave all-ones */
	uint64_t largest;          /* of the maps */
	unsigned int fail_at;      /* this map fails, from 1 */
	int error;                 /* so: */
	/* Before the map or unmap is done; in the core's section, no lock. */
	void (*on_map)(struct vm *vm, const struct pci_mapping *m);
	void (*on_unmap)(struct vm *vm, const struct pci_mapping *m);
};

/* Memory space as the host sees it: all of it answers. */
extern struct vm_memory {
	unsigned int reads, writes;
	uint64_t addr, val; /* of the last one */
	uint8_t size;
} memory;

/* The last PCI_EVENT_BAR, and how many there were. */
extern struct vm_event {
	unsigned int count;
	char detail[PCI_WHO_LEN + 16];
} bar_event;

int vm_setup(void **state); /* and guest a, guest b */
int vm_teardown(void **state);
extern struct vm a, b;

/* What memory answers there. */
uint64_t vm_pattern(uint64_t addr);

/* An endpoint with one memory BAR at register 0x10. */
struct fake_fn *vm_device(const char *sbdf, uint64_t addr, uint64_t size,
			  uint32_t type);
/* Add it, and give it to @vm at slot @slot. */
void vm_give(struct vm *vm, const char *sbdf, uint8_t slot);

uint64_t vm_read(struct vm *vm, uint8_t slot, uint16_t reg, uint8_t size);
/* Without the work that follows, and with it. */
void vm_write_only(struct vm *vm, uint8_t slot, uint16_t reg, uint8_t size,
		   uint64_t val);
void vm_write(struct vm *vm, uint8_t slot, uint16_t reg, uint8_t size,
	      uint64_t val);
void vm_work(struct vm *vm);
/* 64-bit BAR at 0x10 (or the one 32-bit BAR), decode on or off. */
void vm_place(struct vm *vm, uint8_t slot, uint64_t gpa);
void vm_decode(struct vm *vm, uint8_t slot, bool on);

/* Host address of what is mapped at @gpa; 0: nothing. */
uint64_t vm_mapped(const struct vm *vm, uint64_t gpa);
uint64_t vm_mapped_bytes(const struct vm *vm);
bool vm_is_claimed(struct vm *vm, uint64_t gpa);
struct vpci *vm_view(const char *sbdf); /* while nobody moves it */

#define VM_CASE(name) \
	cmocka_unit_test_setup_teardown(name, vm_setup, vm_teardown)

#endif
