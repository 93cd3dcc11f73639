/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R7 of the rules: a removal that ends otherwise than removed has changed
 * nothing, and guests have seen nothing. A thousand removals are refused by a
 * hold, cancelled, or time out on a reference, while guest threads read and
 * write: no read is all-ones, no write is lost.
 */
#include <holdfast/iommu.h>

#include "witness.h"

#define ROUNDS 1000

static struct domain *vm;
static hf_atomic(uint32_t) stop;
static hf_atomic(uint64_t) accesses, again;
static pci_sbdf_t target, vsbdf;

/* Each thread has a device's register for itself where it writes. */
static uint32_t read_until_done(struct domain *d, pci_sbdf_t sbdf)
{
	uint64_t val = 0;

	while (vpci_read(d, sbdf, 0x3c, 1, &val) == PCI_AGAIN)
		hf_fetch_add_relaxed(&again, 1);
	hf_fetch_add_relaxed(&accesses, 1);
	return (uint32_t)val;
}

static void write_until_done(struct vpci_vcpu *vcpu, pci_sbdf_t sbdf,
			     uint32_t val)
{
	while (vpci_write(vcpu, sbdf, 0x3c, 1, val) == PCI_AGAIN)
		hf_fetch_add_relaxed(&again, 1);
	hf_fetch_add_relaxed(&accesses, 1);
}

static void *writer(void *arg)
{
	struct domain *d = arg;
	pci_sbdf_t sbdf = d == hardware_domain ? target : vsbdf;
	struct vpci_vcpu vcpu;
	uint32_t n;

	vpci_vcpu_init(&vcpu, d);
	for (n = 0; !hf_load_relaxed(&stop); n = (n + 1) % 0xfe) {
		write_until_done(&vcpu, sbdf, n);
		ENSURE(read_until_done(d, sbdf) == n);
	}
	vpci_vcpu_fini(&vcpu);
	return NULL;
}

static void add(const char *text)
{
	struct pci_dev_desc desc = { .type = PCI_TYPE_ENDPOINT,
				     .cfg_size = 256 };

	ENSURE(!pci_sbdf_parse(text, &desc.sbdf));
	desc.parent = desc.sbdf;
	ENSURE(!pci_register_device(&desc, NULL));
}

/* A removal of the guest's device is refused, and says by whom. */
static void refused_by_hold(pci_sbdf_t sbdf)
{
	static struct pci_removal_info info;

	ENSURE(pci_remove_device(sbdf, 0, 0, &info) == -EBUSY);
	ENSURE(info.blockers == 1 && !info.removed);
}

static void timed_out(struct pci_dev *pdev)
{
	static struct pci_removal_info info;

	ENSURE(pci_remove_device(target, 0, PLAT_NSEC_PER_MSEC, &info) ==
	       -EBUSY);
	ENSURE(info.refs == 1 && !info.removed);
	ENSURE(pcidev_state(pdev) == PCI_STATE_LIVE);
}

static void cancelled(void)
{
	struct pci_removal *op;

	ENSURE(!pci_removal_start(target, 0, PLAT_NSEC_PER_SEC, "t", NULL, NULL,
				  &op));
	ENSURE(pci_removal_step(op) == -EINPROGRESS);
	ENSURE(!pci_removal_cancel(op));
	ENSURE(pci_removal_wait(op) == -ECANCELED);
	pci_removal_finish(op);
}

int main(void)
{
	pthread_t thread[2];
	struct pci_dev *ref;
	pci_sbdf_t held;
	int i;

	ENSURE(!pci_init() && !pci_vpci_init(NULL) &&
	       !pci_segment_add(0, &witness));
	add("0:1:0.0");
	add("0:2:0.0");
	target = pci_sbdf(0, 1, 0, 0);
	held = pci_sbdf(0, 2, 0, 0);
	vsbdf = pci_sbdf_from(UINT32_MAX);
	ENSURE(!domain_create(0, "vm1", NULL, NULL, &vm));
	ENSURE(!pci_assign_device(vm, held, 0, &vsbdf, NULL));
	ref = pci_get_pdev(NULL, target);

	ENSURE(!pthread_create(&thread[0], NULL, writer, hardware_domain));
	ENSURE(!pthread_create(&thread[1], NULL, writer, vm));
	for (i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0)
			refused_by_hold(held);
		else if (i % 3 == 1)
			timed_out(ref);
		else
			cancelled();
	}
	hf_store_relaxed(&stop, 1);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);

	printf("%d removals refused, timed out or cancelled; %llu accesses, "
	       "%llu retried, no all-ones, no lost write\n",
	       ROUNDS, (unsigned long long)hf_load_relaxed(&accesses),
	       (unsigned long long)hf_load_relaxed(&again));
	ENSURE(!witness_violations() && !pci_check_invariants());
	pcidev_put(ref);
	ENSURE(!domain_destroy(vm));
	domain_put(vm);
	pci_fini();
	return 0;
}
