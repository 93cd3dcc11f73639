/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that send without a pause, while their guests map and unmap, and
 * toolstacks give them away, take them back, remove and lose them. What is
 * unmapped is nobody's at once: one request that still gets there is an offence
 * that the fabric sees.
 */
#include <time.h>

#include <holdfast/config.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include "fabric.h"
#include "unit.h"
#include "witness.h"

#define ROUNDS 25
#define DMA 0x10000ull
#define PAGES 16u
#define GUESTS 2
#define DEVICES 4

static struct fabric *f;
static struct domain *guest[GUESTS];
static pci_sbdf_t device[DEVICES]; /* the last has a phantom function */
static hf_atomic(uint32_t) stop, toolstacks, work;
static hf_atomic(uint64_t) arrived, faulted, maps, moves, deaths, offs;

static void rest(void)
{
	const struct timespec t = { .tv_nsec = 500000 };

	nanosleep(&t, NULL);
}

/* --- a guest's memory ---------------------------------------------------------- */

static void *balloon(void *arg)
{
	struct domain *d = arg;
	uint64_t hpa[PAGES] = { 0 };
	uint32_t seed = domain_id(d) + 4711;

	while (!hf_load_acquire(&stop)) {
		unsigned int i = next_random(&seed) % PAGES;
		uint64_t dma = DMA + i * FABRIC_PAGE;

		if (!hpa[i]) {
			ENSURE(!fabric_ram_alloc(f, domain_id(d), FABRIC_PAGE,
						 &hpa[i]));
			ENSURE(!domain_dma_map(d, dma, hpa[i], FABRIC_PAGE,
					       IOMMU_READ | IOMMU_WRITE));
		} else {
			ENSURE(!domain_dma_unmap(d, dma, FABRIC_PAGE));
			ENSURE(!fabric_ram_free(f, hpa[i], FABRIC_PAGE));
			hpa[i] = 0;
		}
		hf_fetch_add_relaxed(&maps, 1);
	}
	return NULL;
}

/* --- a device, and the driver that keeps it going ---------------------------------- */

static void master_on(pci_sbdf_t sbdf, struct vpci_vcpu *vcpu)
{
	struct pci_dev_info info;

	if (pci_query(sbdf, &info) || !info.has_vsbdf ||
	    info.owner != domain_id(vcpu->domain))
		return;
	(void)vpci_write(vcpu, info.vsbdf, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
}

static void *sender(void *arg)
{
	const pci_sbdf_t *self = arg;
	struct vpci_vcpu vcpu[GUESTS];
	uint32_t seed = self->sbdf;
	uint64_t word;
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		vpci_vcpu_init(&vcpu[i], guest[i]);
	while (!hf_load_acquire(&stop)) {
		uint64_t dma = DMA + next_random(&seed) % PAGES * FABRIC_PAGE;
		pci_sbdf_t rid = *self;
		int err;

		master_on(*self, &vcpu[seed % GUESTS]);
		if (self == &device[DEVICES - 1] && seed & 1)
			rid.devfn |= 4;
		word = dma;
		err = seed & 2 ? fabric_dma_write(f, rid, dma, &word, 8)
			       : fabric_dma_read(f, rid, dma, &word, 8);
		if (!err)
			hf_fetch_add_relaxed(&arrived, 1);
		else if (err == -EFAULT)
			hf_fetch_add_relaxed(&faulted, 1);
		else
			rest();
	}
	for (i = 0; i < GUESTS; i++)
		vpci_vcpu_fini(&vcpu[i]);
	return NULL;
}

/* --- those who move it ------------------------------------------------------------------ */

static void out_and_in(pci_sbdf_t sbdf, bool lost)
{
	int err = lost ? pci_device_lost(sbdf)
		       : pci_remove_device(sbdf, PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, NULL);

	ENSURE(!err || err == -EBUSY || err == -ENODEV || err == -EALREADY);
	do {
		err = pci_add_device(sbdf);
	} while (err == -EBUSY);
	ENSURE(!err);
}

static void *toolstack(void *arg)
{
	const pci_sbdf_t *self = arg;
	uint32_t seed = self->sbdf ^ 0x5eed, round;

	for (round = 0; round < ROUNDS; round++) {
		struct domain *d = guest[next_random(&seed) % GUESTS];
		pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);
		int err = pci_assign_device(d, *self, 0, &vsbdf, NULL);
		unsigned int i;

		ENSURE(!err);
		for (i = 0; i < 20; i++)
			rest();
		switch (next_random(&seed) % 8) {
		case 0:
			out_and_in(*self, true);
			break;
		case 1:
			out_and_in(*self, false);
			break;
		default:
			ENSURE(!pci_deassign_device(d, *self, 0, NULL));
		}
		hf_fetch_add_relaxed(&moves, 1);
	}
	hf_fetch_sub_release(&toolstacks, 1);
	return NULL;
}

/* A guest that lives for a moment; what it had is nobody's when it is dead. */
static void *mortal(void *arg)
{
	const pci_sbdf_t *self = arg;

	while (hf_load_acquire(&toolstacks)) {
		pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);
		struct vpci_vcpu vcpu;
		struct domain *d;
		uint64_t hpa;
		unsigned int i;

		ENSURE(!domain_create(0, "mortal", NULL, NULL, &d));
		ENSURE(!fabric_ram_alloc(f, domain_id(d), PAGES * FABRIC_PAGE,
					 &hpa));
		ENSURE(!domain_dma_map(d, DMA, hpa, PAGES * FABRIC_PAGE,
				       IOMMU_READ | IOMMU_WRITE));
		ENSURE(!pci_assign_device(d, *self, 0, &vsbdf, NULL));
		vpci_vcpu_init(&vcpu, d);
		master_on(*self, &vcpu);
		vpci_vcpu_fini(&vcpu);
		for (i = 0; i < 10; i++)
			rest();
		ENSURE(!domain_destroy(d));
		ENSURE(!fabric_ram_free(f, hpa, PAGES * FABRIC_PAGE));
		domain_put(d);
		hf_fetch_add_relaxed(&deaths, 1);
	}
	return NULL;
}

/* --- faults --------------------------------------------------------------------------------- */

static void on_work(void *data)
{
	(void)data;
	hf_store_release(&work, 1);
}

static void *worker(void *arg)
{
	struct pci_iommu_info info;
	unsigned int i;

	(void)arg;
	while (!hf_load_acquire(&stop)) {
		uint32_t wanted = 1;

		if (hf_cas_acq_rel(&work, &wanted, 0))
			pci_iommu_work();
		for (i = 0; i < DEVICES; i++)
			if (!pci_iommu_query(device[i], &info) &&
			    info.fault.master_off &&
			    !pci_faults_clear(device[i]))
				hf_fetch_add_relaxed(&offs, 1);
		rest();
	}
	return NULL;
}

/* --- ------------------------------------------------------------------------------------------ */

static void start(void)
{
	const struct pci_iommu_options options = { .ats = true };
	struct pci_scan scan;
	char err[200];
	uint16_t seg;

	f = fabric_open("lab", err, sizeof(err));
	ENSURE(f);
	fabric_on_work(f, on_work, NULL);
	ENSURE(!pci_init() && !pci_config_init() && !pci_vpci_init(NULL) &&
	       !pci_irq_init(NULL) && !pci_iommu_init(&options) &&
	       !pci_reset_init());
	for (seg = 0; seg < 2; seg++)
		ENSURE(!pci_segment_add(seg, fabric_host(f)) &&
		       !pci_scan_segment(seg, &scan) && !scan.failed);
	device[0] = pci_sbdf(0, 3, 0, 0);
	device[1] = pci_sbdf(0, 4, 0, 0);
	device[2] = pci_sbdf(0, 5, 0, 0); /* mortal()'s */
	device[3] = pci_sbdf(0, 0x10, 0, 0);
	ENSURE(!domain_create(0, "one", NULL, NULL, &guest[0]));
	ENSURE(!domain_create(0, "two", NULL, NULL, &guest[1]));
	fabric_flush_delay(f, 50000);
}

static void end(void)
{
	struct fabric_unit_info unit;
	struct pci_iommu_stats stats;
	struct fabric_witness w;
	unsigned int i;

	ENSURE(!pci_check_invariants());
	for (i = 0; i < GUESTS; i++) {
		ENSURE(!domain_destroy(guest[i]));
		domain_put(guest[i]);
	}
	fabric_flush_finish(f);
	fabric_unit(f, &unit);
	pci_iommu_get_stats(&stats);
	ENSURE(!stats.spaces && !stats.mappings && !stats.contexts);
	ENSURE(!unit.spaces && !unit.pages && !unit.contexts);
	ENSURE(!stats.timeouts && !pci_check_invariants());
	pci_fini();
	fabric_witness(f, &w);
	for (i = 0; i < w.listed; i++)
		fprintf(stderr, "%s\n", w.list[i].text);
	ENSURE(!w.violations);
	fabric_close(f);
}

int main(void)
{
	pthread_t thread[GUESTS + 2 * DEVICES + 1];
	unsigned int i, n = 0, movers;

	start();
	hf_store_release(&toolstacks, DEVICES - 1);
	for (i = 0; i < DEVICES; i++)
		ENSURE(!pthread_create(&thread[n++], NULL,
				       i == 2 ? mortal : toolstack,
				       &device[i]));
	movers = n;
	for (i = 0; i < DEVICES; i++)
		ENSURE(!pthread_create(&thread[n++], NULL, sender, &device[i]));
	for (i = 0; i < GUESTS; i++)
		ENSURE(!pthread_create(&thread[n++], NULL, balloon, guest[i]));
	ENSURE(!pthread_create(&thread[n++], NULL, worker, NULL));
	for (i = 0; i < movers; i++)
		pthread_join(thread[i], NULL);
	hf_store_release(&stop, 1);
	for (; i < n; i++)
		pthread_join(thread[i], NULL);
	printf("%llu requests arrived, %llu were refused; %llu maps and unmaps, "
	       "%llu moves, %llu deaths, %llu times off\n",
	       (unsigned long long)hf_load_relaxed(&arrived),
	       (unsigned long long)hf_load_relaxed(&faulted),
	       (unsigned long long)hf_load_relaxed(&maps),
	       (unsigned long long)hf_load_relaxed(&moves),
	       (unsigned long long)hf_load_relaxed(&deaths),
	       (unsigned long long)hf_load_relaxed(&offs));
	ENSURE(hf_load_relaxed(&arrived) && hf_load_relaxed(&faulted) &&
	       hf_load_relaxed(&offs));
	end();
	return 0;
}
