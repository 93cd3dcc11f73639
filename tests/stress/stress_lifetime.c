/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once: threads add, remove, lose, look up, hold, move, iterate
 * and trap on a few hundred devices for some seconds. At the end the witness
 * has seen no access after a removal, the invariants hold and nothing leaked.
 * Run it under ThreadSanitizer and AddressSanitizer; STRESS_SECONDS sets how
 * long, STRESS_SEED from where.
 */
#include <time.h>

#include <holdfast/iommu.h>

#include "witness.h"

#define BUSES 4
#define PFS 12 /* a bus; each with VFS */
#define VFS 4
#define GUESTS 3

static struct domain *guests[GUESTS];
static hf_atomic(uint32_t) stop;
static hf_atomic(uint64_t) done[8];

enum { ADDED, REMOVED, REFUSED, LOST, HELD, MOVED, WALKED, TRAPPED };
static const char *const name[] = { "added", "removed", "refused", "lost",
				    "held",  "moved",   "walked",  "trapped" };

static void count(int what)
{
	hf_fetch_add_relaxed(&done[what], 1);
}

static pci_sbdf_t pick(uint32_t *seed)
{
	uint32_t r = next_random(seed);

	return pci_sbdf(0, (uint8_t)(r % BUSES), (uint8_t)(r / 16 % PFS),
			(uint8_t)(r / 1024 % (VFS + 1)));
}

/* One adder at a time clears the witness's mark, and only where nobody is. */
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static void add(pci_sbdf_t sbdf)
{
	struct pci_dev_desc desc = {
		.sbdf = sbdf,
		.parent = pci_sbdf(0, sbdf.bus, PCI_DEV(sbdf), 0),
		.type = PCI_TYPE_ENDPOINT,
		.cfg_size = 256,
		.is_vf = PCI_FN(sbdf) > 0,
		.ident = { .vendor = 0x1234, .device = PCI_FN(sbdf) > 0 },
	};
	struct pci_dev_info info;
	int err;

	pthread_mutex_lock(&adding);
	if (pci_query(sbdf, &info)) {
		witness_expect(sbdf);
		err = pci_register_device(&desc, NULL);
		ENSURE(!err || err == -ENODEV || err == -EBUSY);
		if (!err)
			count(ADDED);
	}
	pthread_mutex_unlock(&adding);
}

static void *adder(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (!hf_load_relaxed(&stop))
		add(pick(&seed));
	return NULL;
}

static void remove_one(uint32_t *seed)
{
	static const unsigned int flags[] = {
		0, PCI_REMOVE_FORCE, PCI_REMOVE_SLOT | PCI_REMOVE_FORCE, 0
	};
	uint32_t r = next_random(seed);
	struct pci_removal_info info;
	struct pci_removal *op;
	int err;

	err = pci_removal_start(pick(seed), flags[r % 4],
				r % 3 * PLAT_NSEC_PER_MSEC, "stress", NULL,
				NULL, &op);
	ENSURE(!err || err == -ENODEV || err == -EALREADY || err == -EBUSY);
	if (err)
		return;
	if (r % 5 == 0)
		(void)pci_removal_step(op);
	if (r % 7 == 0)
		(void)pci_removal_cancel(op);
	err = pci_removal_wait(op);
	ENSURE(!err || err == -EBUSY || err == -ECANCELED || err == -ENODEV);
	pci_removal_query(op, &info);
	ENSURE(info.result == err);
	count(err ? REFUSED : REMOVED);
	pci_removal_finish(op);
}

static void *remover(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (!hf_load_relaxed(&stop)) {
		remove_one(&seed);
		if (next_random(&seed) % 16 == 0 &&
		    !pci_device_lost(pick(&seed)))
			count(LOST);
	}
	return NULL;
}

static void *holder(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (!hf_load_relaxed(&stop)) {
		struct pci_dev *pdev = pci_get_pdev(NULL, pick(&seed));
		struct pci_hold *hold;

		if (pdev && !pci_hold_take(pdev, PCI_HOLD_SESSION, "stress",
					   NULL, NULL, &hold)) {
			ENSURE(pcidev_instance(pdev) > 0);
			pcidev_put(pdev);
			pci_hold_release(hold);
			count(HELD);
			continue;
		}
		pcidev_put(pdev);
	}
	return NULL;
}

static void *mover(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (!hf_load_relaxed(&stop)) {
		struct domain *d = guests[next_random(&seed) % GUESTS];
		pci_sbdf_t sbdf = pick(&seed), vsbdf = sbdf;

		if (!pci_assign_device(d, sbdf, 0, &vsbdf, NULL))
			count(MOVED);
		else
			(void)!pci_deassign_device(d, sbdf, 0, NULL);
	}
	return NULL;
}

static void *walker(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (!hf_load_relaxed(&stop)) {
		struct pci_dev *pdev = NULL;
		uint32_t last = 0;

		while ((pdev = pci_next_pdev(0, pdev))) {
			ENSURE(!last || pcidev_sbdf(pdev).bdf > last);
			last = pcidev_sbdf(pdev).bdf;
			if (next_random(&seed) % 64 == 0)
				break;
		}
		pcidev_put(pdev);
		count(WALKED);
	}
	return NULL;
}

static void *trapper(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;
	struct vpci_vcpu vcpu[GUESTS + 1];
	uint64_t val;
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		vpci_vcpu_init(&vcpu[i], guests[i]);
	vpci_vcpu_init(&vcpu[GUESTS], hardware_domain);

	while (!hf_load_relaxed(&stop)) {
		uint32_t r = next_random(&seed);
		struct vpci_vcpu *v = &vcpu[r % 2 ? GUESTS : r / 2 % GUESTS];

		(void)!vpci_read(v->domain, pick(&seed), 0, 4, &val);
		(void)!vpci_write(v, pick(&seed), 0x3c, 1, r & 0xff);
		(void)!vpci_process_pending(v, NULL);
		count(TRAPPED);
	}
	for (i = 0; i < ARRAY_SIZE(vcpu); i++)
		vpci_vcpu_fini(&vcpu[i]);
	return NULL;
}

int main(void)
{
	void *(*const role[])(void *) = { adder, remover, remover, holder,
					  mover, walker,  trapper, trapper };
	const char *seconds = getenv("STRESS_SECONDS"),
		   *seed_text = getenv("STRESS_SEED");
	uint32_t seed = seed_text ? (uint32_t)strtoul(seed_text, NULL, 0)
				  : (uint32_t)time(NULL) | 1;
	struct timespec run = { .tv_sec = seconds ? atoi(seconds) : 5 };
	pthread_t thread[ARRAY_SIZE(role)];
	struct pci_stats stats;
	unsigned int i, broken;

	printf("seed %u\n", seed);
	ENSURE(!pci_init() && !pci_vpci_init(NULL) &&
	       !pci_segment_add(0, &witness));
	for (i = 0; i < GUESTS; i++) {
		char text[] = { 'v', 'm', (char)('1' + i), '\0' };

		ENSURE(!domain_create(0, text, NULL, NULL, &guests[i]));
	}
	for (i = 0; i < ARRAY_SIZE(role); i++)
		ENSURE(!pthread_create(&thread[i], NULL, role[i],
				       (void *)(uintptr_t)(seed + i * 7919)));
	nanosleep(&run, NULL);
	hf_store_relaxed(&stop, 1);
	for (i = 0; i < ARRAY_SIZE(role); i++)
		pthread_join(thread[i], NULL);

	broken = pci_check_invariants();
	for (i = 0; i < GUESTS; i++) {
		ENSURE(!domain_destroy(guests[i]));
		domain_put(guests[i]);
	}
	broken += pci_check_invariants();
	pci_fini();
	ENSURE(!pci_init());
	pci_get_stats(&stats);
	pci_fini();
	for (i = 0; i < ARRAY_SIZE(done); i++) {
		printf("%s %llu\n", name[i],
		       (unsigned long long)hf_load_relaxed(&done[i]));
		ENSURE(hf_load_relaxed(&done[i]) || i == LOST);
	}
	printf("violations %u, invariants broken %u, objects left %llu\n",
	       witness_violations(), broken, (unsigned long long)stats.objects);
	return witness_violations() || broken || stats.objects;
}
