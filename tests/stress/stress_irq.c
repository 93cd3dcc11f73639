/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors that come while they are masked, unbound, given to guests and taken
 * away.
 *
 * First one at a time against those who mask: each message is told exactly
 * once. Then all at once: nobody is told after unbinding (what the handler is
 * given is freed then), no guest of a device that is another's, and no vector
 * is left.
 *
 * STRESS_SECONDS as for the others.
 */
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/vpci.h>

#include "fabric.h"
#include "witness.h"

#define DEV "0000:03:00.0"
#define PLAIN "0000:12:00.0" /* MSI without masks */

struct vm {
	struct domain *d;
	hf_atomic(uint32_t) may; /* be told */
};

static struct vm vms[2];
static struct fabric *fabric;
static hf_atomic(uint32_t) stop, told, heard, guests, stranger;

static pci_sbdf_t at(const char *text)
{
	pci_sbdf_t sbdf;

	ENSURE(!pci_sbdf_parse(text, &sbdf));
	return sbdf;
}

static void interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
		      unsigned int index)
{
	struct vm *vm = domain_data(d);

	(void)sbdf;
	(void)msix;
	(void)index;
	hf_fetch_add_relaxed(&guests, 1);
	if (!hf_load_acquire(&vm->may))
		hf_fetch_add_relaxed(&stranger, 1);
}

static const struct domain_ops ops = { .interrupt = interrupt };

/* --- one at a time ------------------------------------------------------------ */

static void tell(void *data, unsigned int index)
{
	(void)data;
	(void)index;
	hf_fetch_add_relaxed(&told, 1);
}

static void *mask(void *data)
{
	struct pci_dev *pdev = data;

	while (!hf_load_relaxed(&stop)) {
		(void)!pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, true);
		(void)!pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false);
	}
	return NULL;
}

static void one_at_a_time(uint64_t end)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(PLAIN));
	uint32_t sent = 0;
	pthread_t thread[2];
	unsigned int i;

	ENSURE(!pci_irq_bind(pdev, PCI_VECTOR_MSI, 0, 1, tell, NULL));
	for (i = 0; i < 2; i++)
		ENSURE(!pthread_create(&thread[i], NULL, mask, pdev));
	while (plat_now() < end) {
		uint64_t limit = plat_now() + 10 * PLAT_NSEC_PER_SEC;

		ENSURE(!fabric_interrupt(fabric, at(PLAIN), 0));
		sent++;
		while (hf_load_relaxed(&told) < sent)
			ENSURE(plat_now() < limit); /* else it is lost */
	}
	hf_store_relaxed(&stop, 1);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	ENSURE(hf_load_relaxed(&told) == sent);
	ENSURE(!pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 1));
	pcidev_put(pdev);
	hf_store_relaxed(&stop, 0);
	printf("one at a time: %u sent and told\n", sent);
}

/* --- all at once ---------------------------------------------------------------- */

static void *send(void *data)
{
	(void)data;
	while (!hf_load_relaxed(&stop))
		(void)fabric_interrupt(fabric, at(DEV), 0);
	return NULL;
}

static void hear(void *data, unsigned int index)
{
	(void)index;
	hf_fetch_add_relaxed((hf_atomic(uint32_t) *)data, 1);
	hf_fetch_add_relaxed(&heard, 1);
}

static void *bind(void *unused)
{
	(void)unused;
	while (!hf_load_relaxed(&stop)) {
		hf_atomic(uint32_t) *data = calloc(1, sizeof(*data));
		struct pci_dev *pdev = pci_get_pdev(NULL, at(DEV));

		if (pdev &&
		    !pci_irq_bind(pdev, PCI_VECTOR_MSI, 0, 2, hear, data)) {
			(void)!pci_irq_mask(pdev, PCI_VECTOR_MSI, 0, false);
			pcidev_write(pdev, PCI_COMMAND, 2,
				     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
			(void)fabric_interrupt(fabric, at(DEV), 0);
			pci_irq_unbind(pdev, PCI_VECTOR_MSI, 0, 2);
		}
		pcidev_put(pdev);
		free(data);
	}
	return NULL;
}

static void use(struct vm *vm, pci_sbdf_t vsbdf, uint16_t msi)
{
	struct vpci_vcpu vcpu;
	unsigned int i;

	vpci_vcpu_init(&vcpu, vm->d);
	(void)!vpci_write(&vcpu, vsbdf, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	for (i = 0; i < 8; i++) {
		(void)!vpci_write(&vcpu, vsbdf, msi + PCI_MSI_FLAGS, 2,
				  PCI_MSI_FLAGS_ENABLE);
		(void)!vpci_write(&vcpu, vsbdf, msi + PCI_MSI_MASK_64, 4, 1);
		(void)fabric_interrupt(fabric, at(DEV), 0);
		(void)!vpci_write(&vcpu, vsbdf, msi + PCI_MSI_MASK_64, 4, 0);
		(void)fabric_interrupt(fabric, at(DEV), 0);
		if (i & 1)
			(void)!vpci_write(&vcpu, vsbdf, msi + PCI_MSI_FLAGS, 2,
					  0);
	}
	vpci_vcpu_fini(&vcpu);
}

static void move(unsigned int n, uint16_t msi)
{
	struct vm *vm = &vms[n & 1];
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	hf_store_release(&vm->may, 1);
	if (!pci_assign_device(vm->d, at(DEV), 0, &vsbdf, NULL)) {
		use(vm, vsbdf, msi);
		if (n % 5 == 4 && !pci_remove_device(at(DEV), PCI_REMOVE_FORCE,
						     PLAT_NSEC_PER_SEC, NULL))
			(void)!pci_add_device(at(DEV));
		else
			(void)!pci_deassign_device(vm->d, at(DEV), 0, NULL);
	}
	plat_rcu_synchronize();
	hf_store_release(&vm->may, 0);
}

static void all_at_once(uint64_t end)
{
	void *(*const what[])(void *) = { send, bind };
	pthread_t thread[ARRAY_SIZE(what)];
	struct pci_dev_desc desc;
	unsigned int i, n;

	ENSURE(!pci_describe(at(DEV), &desc));
	for (i = 0; i < ARRAY_SIZE(what); i++)
		ENSURE(!pthread_create(&thread[i], NULL, what[i], NULL));
	for (n = 0; plat_now() < end; n++)
		move(n, desc.msi);
	hf_store_relaxed(&stop, 1);
	for (i = 0; i < ARRAY_SIZE(what); i++)
		pthread_join(thread[i], NULL);
	printf("all at once: %u moves, %u to handlers, %u to guests\n", n,
	       hf_load_relaxed(&heard), hf_load_relaxed(&guests));
	ENSURE(!hf_load_relaxed(&stranger));
	ENSURE(!pci_irq_vectors());
	ENSURE(hf_load_relaxed(&heard) && hf_load_relaxed(&guests));
}

/* --- beginning and end ------------------------------------------------------------ */

static void begin(void)
{
	struct pci_dev *pdev;
	struct pci_scan scan;
	char err[200];
	unsigned int i;

	fabric = fabric_open("lab", err, sizeof(err));
	ENSURE(fabric && !pci_init() && !pci_config_init());
	ENSURE(!pci_vpci_init(NULL) && !pci_irq_init(NULL) &&
	       !pci_iommu_init(NULL));
	ENSURE(!pci_segment_add(0, fabric_host(fabric)));
	ENSURE(!pci_scan_segment(0, &scan) && !scan.failed);
	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		char name[] = { 'v', 'm', (char)('1' + i), '\0' };

		ENSURE(!domain_create(0, name, &ops, &vms[i], &vms[i].d));
	}
	pdev = pci_get_pdev(NULL, at(PLAIN));
	ENSURE(pdev && !pcidev_write(pdev, PCI_COMMAND, 2, PCI_COMMAND_MASTER));
	pcidev_put(pdev);
}

static unsigned int end(void)
{
	struct fabric_witness seen;
	unsigned int i, broken = pci_check_invariants();

	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		ENSURE(!domain_destroy(vms[i].d));
		domain_put(vms[i].d);
	}
	fabric_witness(fabric, &seen);
	for (i = 0; i < seen.listed; i++)
		printf("violation: %s\n", seen.list[i].text);
	printf("violations %llu, invariants broken %u\n",
	       (unsigned long long)seen.violations, broken);
	pci_fini();
	fabric_close(fabric);
	return seen.violations || broken;
}

int main(void)
{
	const char *seconds = getenv("STRESS_SECONDS");
	uint64_t half =
		(seconds ? (uint64_t)atoi(seconds) : 6) * PLAT_NSEC_PER_SEC / 2;

	begin();
	one_at_a_time(plat_now() + half);
	all_at_once(plat_now() + half);
	return (int)end();
}
