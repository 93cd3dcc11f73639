/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests that use their devices through vPCI without rest (Command, BARs,
 * MSI-X, FLR, reads everywhere), while these are refused, taken by force,
 * lost, given to another and added again. The fabric is the witness of the
 * hardware, and a page table of each guest's BAR window that of the mappings:
 * nothing is mapped twice, and nothing is left when the guests have gone.
 *
 * STRESS_SECONDS and STRESS_SEED as for the others.
 */
#include <string.h>
#include <time.h>

#include <holdfast/config.h>
#include <holdfast/iommu.h>
#include <holdfast/pci_regs.h>

#include "fabric.h"
#include "witness.h"

#define WINDOW 0x80000000ull
#define PAGES 0x4000u /* 64 MiB */

struct vm {
	struct domain *d;
	hf_atomic(uint32_t) mapped[PAGES];
	hf_atomic(uint32_t) vectors;
};

static struct vm vms[2];
static struct fabric *fabric;
static const char *const targets[] = { "0000:01:00.0", "0000:03:02.1",
				       "0000:00:14.0" };
static hf_atomic(uint32_t) stop, twice, outside;

enum { WRITES, READS, PIECES, MOVES, REFUSED, FORCED, LOST, COUNTS };
static const char *const names[COUNTS] = { "writes", "reads",   "pieces",
					   "moves",  "refused", "forced",
					   "lost" };
static hf_atomic(uint64_t) counts[COUNTS];

static void count(unsigned int what)
{
	hf_fetch_add_relaxed(&counts[what], 1);
}

/* --- the guests' side of a mapping -------------------------------------------- */

static bool pages_of(const struct pci_mapping *m, unsigned int *first,
		     unsigned int *n)
{
	*first = (unsigned int)((m->gpa - WINDOW) / PLAT_PAGE_SIZE);
	*n = (unsigned int)(m->size / PLAT_PAGE_SIZE);
	if (m->gpa >= WINDOW && *first + *n <= PAGES)
		return true;
	hf_fetch_add_relaxed(&outside, 1);
	return false;
}

static int map(struct domain *d, const struct pci_mapping *m)
{
	struct vm *vm = domain_data(d);
	unsigned int page, n;

	if (!pages_of(m, &page, &n))
		return -EINVAL;
	while (n--)
		if (hf_fetch_or_acq_rel(&vm->mapped[page++], 1))
			hf_fetch_add_relaxed(&twice, 1);
	return 0;
}

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	struct vm *vm = domain_data(d);
	unsigned int page, n;

	if (pages_of(m, &page, &n))
		while (n--)
			hf_store_release(&vm->mapped[page++], 0);
}

static void vector(struct domain *d, pci_sbdf_t sbdf,
		   const struct pci_vector *v)
{
	struct vm *vm = domain_data(d);

	(void)sbdf;
	(void)v;
	hf_fetch_add_relaxed(&vm->vectors, 1);
}

static const struct domain_ops ops = { .map = map,
				       .unmap = unmap,
				       .vector = vector };

/* --- a guest -------------------------------------------------------------------- */

static void write_config(struct vpci_vcpu *vcpu, pci_sbdf_t at, uint32_t r,
			 uint32_t *seed)
{
	static const uint16_t regs[] = { PCI_COMMAND, PCI_BASE_ADDRESS_0,
					 PCI_BASE_ADDRESS_1, PCI_BASE_ADDRESS_4,
					 PCI_ROM_ADDRESS };
	uint16_t reg = r & 1 ? regs[r / 2 % ARRAY_SIZE(regs)]
			     : (uint16_t)(r >> 8 & 0xffc);
	uint32_t val = next_random(seed);

	if (reg >= PCI_BASE_ADDRESS_0 && reg <= PCI_BASE_ADDRESS_5)
		val = reg & 4 ? 0 : (uint32_t)WINDOW | (val & 0x3ffffff);
	(void)!vpci_write(vcpu, at, reg, 4, val);
	count(WRITES);
}

/* As a guest's kernel does: it does not resume before all is done. */
static void settle(struct vpci_vcpu *vcpu)
{
	while (vpci_process_pending(vcpu, NULL) == PCI_AGAIN &&
	       !hf_load_relaxed(&stop))
		count(PIECES);
}

static void *run_guest(void *arg)
{
	struct vm *vm = arg;
	uint32_t seed = 0x1234567u + (uint32_t)(vm - vms) * 7919;
	struct vpci_vcpu vcpu;
	uint64_t val;

	vpci_vcpu_init(&vcpu, vm->d);
	while (!hf_load_relaxed(&stop)) {
		uint32_t r = next_random(&seed);
		pci_sbdf_t at = pci_sbdf(0, 0, 1 + r % 3, 0);
		uint64_t gpa = WINDOW + (next_random(&seed) & 0x3fffffc);

		switch (r >> 4 & 7) {
		case 0:
		case 1:
			write_config(&vcpu, at, r >> 8, &seed);
			break;
		case 2:
			(void)!vpci_mmio_write(&vcpu, gpa, 4, r);
			break;
		case 3:
			(void)!vpci_mmio_read(vm->d, gpa, 4, &val);
			break;
		default:
			(void)!vpci_read(vm->d, at, r >> 8 & 0xffc, 4, &val);
			count(READS);
		}
		/* One that is paused with work queued, now and then. */
		if (r >> 20 & 15)
			settle(&vcpu);
	}
	vpci_vcpu_fini(&vcpu);
	return NULL;
}

/* --- the administrators ------------------------------------------------------------ */

/* Whatever becomes of it, it is there again afterwards. */
static void refuse_or_force(pci_sbdf_t sbdf, bool force)
{
	int err = pci_remove_device(sbdf, force ? PCI_REMOVE_FORCE : 0,
				    PLAT_NSEC_PER_SEC, NULL);

	ENSURE(!err || err == -EBUSY || err == -ENODEV || err == -EALREADY);
	count(err ? REFUSED : FORCED);
	(void)!pci_add_device(sbdf);
}

static void lose(pci_sbdf_t sbdf)
{
	if (!pci_device_lost(sbdf))
		count(LOST);
	(void)!pci_add_device(sbdf);
}

/* From whoever has it to a guest, at the address where that looks. */
static void hand_over(pci_sbdf_t sbdf, unsigned int target, struct vm *to)
{
	pci_sbdf_t at = pci_sbdf(0, 0, (uint8_t)(1 + target), 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vms); i++)
		(void)!pci_deassign_device(vms[i].d, sbdf, 0, NULL);
	if (!pci_assign_device(to->d, sbdf, 0, &at, NULL))
		count(MOVES);
}

static void *run_admin(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (!hf_load_relaxed(&stop)) {
		uint32_t r = next_random(&seed);
		unsigned int target = r % ARRAY_SIZE(targets);
		pci_sbdf_t sbdf;

		ENSURE(!pci_sbdf_parse(targets[target], &sbdf));
		switch (r >> 8 & 15) {
		case 0:
			refuse_or_force(sbdf, true);
			break;
		case 1:
			lose(sbdf);
			break;
		case 2:
		case 3:
		case 4:
			refuse_or_force(sbdf, false);
			break;
		default:
			hand_over(sbdf, target, &vms[r >> 16 & 1]);
		}
	}
	return NULL;
}

/* --- beginning and end ---------------------------------------------------------------- */

static void begin(void)
{
	const struct vpci_options options = { .hardware_views = true };
	struct pci_scan scan;
	char err[200];
	unsigned int i;

	fabric = fabric_open("server", err, sizeof(err));
	ENSURE(fabric && !pci_init() && !pci_config_init());
	ENSURE(!pci_vpci_init(&options));
	ENSURE(!pci_segment_add(0, fabric_host(fabric)));
	ENSURE(!pci_scan_segment(0, &scan) && !scan.failed);
	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		char name[] = { 'v', 'm', (char)('1' + i), '\0' };

		ENSURE(!domain_create(0, name, &ops, &vms[i], &vms[i].d));
		ENSURE(!vpci_window_add(vms[i].d, WINDOW,
					PAGES * (uint64_t)PLAT_PAGE_SIZE));
	}
}

static unsigned int left_mapped(void)
{
	unsigned int i, page, left = 0;

	for (i = 0; i < ARRAY_SIZE(vms); i++)
		for (page = 0; page < PAGES; page++)
			left += hf_load_acquire(&vms[i].mapped[page]);
	return left;
}

static unsigned int end(void)
{
	struct fabric_witness seen;
	unsigned int i, broken = pci_check_invariants();

	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		ENSURE(!domain_destroy(vms[i].d));
		domain_put(vms[i].d);
	}
	broken += pci_check_invariants();
	fabric_witness(fabric, &seen);
	for (i = 0; i < seen.listed; i++)
		printf("violation: %s\n", seen.list[i].text);
	printf("violations %llu, invariants broken %u, pages left %u, "
	       "mapped twice %u, outside %u\n",
	       (unsigned long long)seen.violations, broken, left_mapped(),
	       hf_load_relaxed(&twice), hf_load_relaxed(&outside));
	pci_fini();
	fabric_close(fabric);
	return seen.violations || broken || left_mapped() ||
	       hf_load_relaxed(&twice) || hf_load_relaxed(&outside);
}

int main(void)
{
	const char *seconds = getenv("STRESS_SECONDS"),
		   *seed_text = getenv("STRESS_SEED");
	uint32_t seed = seed_text ? (uint32_t)strtoul(seed_text, NULL, 0)
				  : (uint32_t)time(NULL) | 1;
	struct timespec run = { .tv_sec = seconds ? atoi(seconds) : 5 };
	pthread_t thread[3];
	unsigned int i;

	printf("seed %u\n", seed);
	begin();
	ENSURE(!pthread_create(&thread[0], NULL, run_guest, &vms[0]));
	ENSURE(!pthread_create(&thread[1], NULL, run_guest, &vms[1]));
	ENSURE(!pthread_create(&thread[2], NULL, run_admin,
			       (void *)(uintptr_t)seed));
	nanosleep(&run, NULL);
	hf_store_relaxed(&stop, 1);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < COUNTS; i++) {
		printf("%s %llu\n", names[i],
		       (unsigned long long)hf_load_relaxed(&counts[i]));
		ENSURE(hf_load_relaxed(&counts[i]));
	}
	return (int)end();
}
