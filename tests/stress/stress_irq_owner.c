/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that send without rest, while their guests enable, mask and disable,
 * the host binds and unbinds handlers, and an administrator moves, forces out,
 * loses and adds them. The judges: a guest is told of a vector of a device only
 * while it may have it; a handler is not called after its unbind; a message that
 * arrives is told, pending, or of nobody; in the end no vector is left.
 *
 * STRESS_SECONDS and STRESS_SEED as for the others.
 */
#include <string.h>
#include <time.h>

#include <holdfast/config.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/reset.h>

#include "fabric.h"
#include "unit.h"
#include "witness.h"

#define BAR0_AT 0x80000000ull
#define TABLE 0x2000u
#define MSI_VECTORS 8

static const char *const names_of[] = { "0000:03:00.0", "0000:04:00.0" };
#define DEVICES ARRAY_SIZE(names_of)

static struct fabric *fabric;
static pci_sbdf_t device[DEVICES];
static uint16_t msi[DEVICES], msix[DEVICES];
static hf_atomic(uint32_t) stop, strange;

enum { SENT, TOLD, HANDLED, ENABLES, BINDS, MOVES, FORCED, LOST, COUNTS };
static const char *const names[COUNTS] = { "sent",    "told",  "handled",
					   "enables", "binds", "moves",
					   "forced",  "lost" };
static hf_atomic(uint64_t) counts[COUNTS];

static bool all_happened(void)
{
	unsigned int i;

	for (i = 0; i < COUNTS; i++)
		if (!hf_load_relaxed(&counts[i]))
			return false;
	return true;
}

static void count(unsigned int what)
{
	hf_fetch_add_relaxed(&counts[what], 1);
}

/*
 * A guest may be told of device @i: since before it was asked for it, until
 * after it was taken. By the administrator only.
 */
struct vm {
	struct domain *d;
	hf_atomic(uint32_t) may[DEVICES];
};

static struct vm vms[2];

static void interrupt(struct domain *d, pci_sbdf_t sbdf, bool is_msix,
		      unsigned int index)
{
	struct vm *vm = domain_data(d);
	unsigned int i = sbdf.sbdf == device[1].sbdf;

	(void)is_msix;
	if (sbdf.sbdf != device[i].sbdf || index >= MSI_VECTORS ||
	    !hf_load_acquire(&vm->may[i]))
		hf_fetch_add_relaxed(&strange, 1);
	count(TOLD);
}

static const struct domain_ops ops = { .interrupt = interrupt };

/* --- a device that sends ------------------------------------------------------------ */

static void *run_device(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg | 1;

	while (!hf_load_relaxed(&stop)) {
		uint32_t r = next_random(&seed);

		if (!fabric_interrupt(fabric, device[r & 1],
				      r >> 8 & (MSI_VECTORS - 1)))
			count(SENT);
	}
	return NULL;
}

/* --- a guest -------------------------------------------------------------------------- */

static void write_reg(struct vpci_vcpu *vcpu, unsigned int i, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	(void)!vpci_write(vcpu, pci_sbdf(0, 0, (uint8_t)(1 + i), 0), reg, size,
			  val);
}

static void write_table(struct vpci_vcpu *vcpu, unsigned int i, uint32_t r)
{
	uint64_t at =
		BAR0_AT + i * 0x10000 + TABLE + (r & 7) * PCI_MSIX_ENTRY_SIZE;

	(void)!vpci_mmio_write(vcpu, at, 8, r);
	(void)!vpci_mmio_write(vcpu, at + PCI_MSIX_ENTRY_VECTOR_CTRL, 4,
			       r >> 3 & 1);
}

static void set_up(struct vpci_vcpu *vcpu, unsigned int i)
{
	write_reg(vcpu, i, PCI_BASE_ADDRESS_0, 4,
		  (uint32_t)BAR0_AT + i * 0x10000);
	write_reg(vcpu, i, PCI_COMMAND, 2,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	while (vpci_process_pending(vcpu, NULL) == PCI_AGAIN &&
	       !hf_load_relaxed(&stop))
		;
}

static void *run_guest(void *arg)
{
	struct vm *vm = arg;
	uint32_t seed = 0x7654321u + (uint32_t)(vm - vms) * 7919;
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, vm->d);
	while (!hf_load_relaxed(&stop)) {
		uint32_t r = next_random(&seed);
		unsigned int i = r & 1;

		switch (r >> 1 & 7) {
		case 0:
			set_up(&vcpu, i);
			break;
		case 1:
			write_reg(&vcpu, i, msi[i] + PCI_MSI_FLAGS, 2,
				  (r >> 8 & 1 ? PCI_MSI_FLAGS_ENABLE : 0) |
					  (r >> 9 & 3)
						  << PCI_MSI_FLAGS_QSIZE_SHIFT);
			count(ENABLES);
			break;
		case 2:
			write_reg(&vcpu, i, msi[i] + PCI_MSI_MASK_64, 4,
				  r >> 8 & 0xff);
			break;
		case 3:
			write_reg(&vcpu, i, msix[i] + PCI_MSIX_FLAGS, 2,
				  r >> 8 & PCI_MSIX_FLAGS_ENABLE ? 0 : 0xc000);
			break;
		case 4:
			write_reg(&vcpu, i, msix[i] + PCI_MSIX_FLAGS, 2,
				  PCI_MSIX_FLAGS_ENABLE);
			break;
		default:
			write_table(&vcpu, i, r >> 8);
		}
	}
	vpci_vcpu_fini(&vcpu);
	return NULL;
}

/* --- a driver of the host -------------------------------------------------------------- */

struct driver {
	hf_atomic(uint32_t) bound;
};

static void handler(void *data, unsigned int index)
{
	struct driver *driver = data;

	if (!hf_load_acquire(&driver->bound) || index >= 4)
		hf_fetch_add_relaxed(&strange, 1);
	count(HANDLED);
}

static void bind_and_unbind(struct pci_dev *pdev, struct driver *driver,
			    uint32_t r)
{
	enum pci_vector_kind kind = r & 1 ? PCI_VECTOR_MSI : PCI_VECTOR_MSIX;
	unsigned int i;
	int err;

	hf_store_release(&driver->bound, 1);
	err = pci_irq_bind(pdev, kind, 0, 4, handler, driver);
	if (!err) {
		for (i = 0; i < 64; i++)
			(void)pci_irq_mask(pdev, kind, i & 3, i >> 2 & 1);
		count(BINDS);
	}
	err = pci_irq_unbind(pdev, kind, 0, 4);
	ENSURE(!err || err == -ENOENT);
	hf_store_release(&driver->bound, 0);
}

/* As a driver does that has just been given the device. */
static void switch_on(pci_sbdf_t sbdf)
{
	if (pci_owner(sbdf) == DOMID_HARDWARE)
		pci_conf_write(sbdf, PCI_COMMAND, 2,
			       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void *run_driver(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg | 1;
	static struct driver driver;

	while (!hf_load_relaxed(&stop)) {
		uint32_t r = next_random(&seed);
		struct pci_dev *pdev = pci_get_pdev(NULL, device[r >> 8 & 1]);

		if (!pdev)
			continue;
		switch_on(device[r >> 8 & 1]);
		bind_and_unbind(pdev, &driver, r);
		(void)!pci_restore_msi(device[r >> 8 & 1]);
		pcidev_put(pdev);
	}
	return NULL;
}

/* --- the administrator ---------------------------------------------------------------------- */

static void nobody_may(unsigned int i)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(vms); n++)
		hf_store_release(&vms[n].may[i], 0);
}

/* What has been taken is told to nobody, from the return on. */
static void hand_over(unsigned int i, struct vm *to)
{
	pci_sbdf_t at = pci_sbdf(0, 0, (uint8_t)(1 + i), 0);
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(vms); n++)
		if (!pci_deassign_device(vms[n].d, device[i], 0, NULL))
			hf_store_release(&vms[n].may[i], 0);
	hf_store_release(&to->may[i], 1);
	if (!pci_assign_device(to->d, device[i], 0, &at, NULL))
		count(MOVES);
	else if (pci_owner(device[i]) != (int)domain_id(to->d))
		hf_store_release(&to->may[i], 0);
}

static void force(unsigned int i)
{
	int err = pci_remove_device(device[i], PCI_REMOVE_FORCE,
				    PLAT_NSEC_PER_SEC, NULL);

	if (!err) {
		nobody_may(i);
		count(FORCED);
	}
	(void)!pci_add_device(device[i]);
}

static void lose(unsigned int i)
{
	if (!pci_device_lost(device[i])) {
		nobody_may(i);
		count(LOST);
	}
	(void)!pci_add_device(device[i]);
}

static void *run_admin(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg | 1;

	while (!hf_load_relaxed(&stop)) {
		uint32_t r = next_random(&seed);

		switch (r >> 8 & 7) {
		case 0:
			force(r & 1);
			break;
		case 1:
			lose(r & 1);
			break;
		default:
			hand_over(r & 1, &vms[r >> 16 & 1]);
		}
		(void)!pci_unquarantine_device(device[r & 1], NULL);
	}
	return NULL;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void begin(void)
{
	struct pci_dev_info info;
	struct pci_scan scan;
	char err[200];
	unsigned int i;

	fabric = fabric_open("lab", err, sizeof(err));
	ENSURE(fabric && !pci_init() && !pci_config_init());
	ENSURE(!pci_vpci_init(NULL) && !pci_irq_init(NULL));
	ENSURE(!pci_iommu_init(NULL) && !pci_reset_init());
	ENSURE(!pci_segment_add(0, fabric_host(fabric)));
	ENSURE(!pci_scan_segment(0, &scan) && !scan.failed);
	for (i = 0; i < DEVICES; i++) {
		ENSURE(!pci_sbdf_parse(names_of[i], &device[i]));
		ENSURE(!pci_query(device[i], &info));
		msi[i] = info.desc.msi;
		msix[i] = info.desc.msix;
	}
	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		char name[] = { 'v', 'm', (char)('1' + i), '\0' };

		ENSURE(!domain_create(0, name, &ops, &vms[i], &vms[i].d));
	}
}

static unsigned int end(void)
{
	struct fabric_unit_info unit;
	struct fabric_witness seen;
	unsigned int i, broken;

	for (i = 0; i < ARRAY_SIZE(vms); i++) {
		ENSURE(!domain_destroy(vms[i].d));
		domain_put(vms[i].d);
	}
	broken = pci_check_invariants();
	fabric_unit(fabric, &unit);
	fabric_witness(fabric, &seen);
	for (i = 0; i < seen.listed; i++)
		printf("violation: %s\n", seen.list[i].text);
	printf("violations %llu, invariants broken %u, vectors left %llu and "
	       "%llu, strange calls %u\n",
	       (unsigned long long)seen.violations, broken,
	       (unsigned long long)unit.vectors,
	       (unsigned long long)pci_irq_vectors(),
	       hf_load_relaxed(&strange));
	pci_fini();
	fabric_close(fabric);
	return seen.violations || broken || unit.vectors || pci_irq_vectors() ||
	       hf_load_relaxed(&strange);
}

int main(void)
{
	const char *seconds = getenv("STRESS_SECONDS"),
		   *seed_text = getenv("STRESS_SEED");
	uint32_t seed = seed_text ? (uint32_t)strtoul(seed_text, NULL, 0)
				  : (uint32_t)time(NULL) | 1;
	struct timespec run = { .tv_sec = seconds ? atoi(seconds) : 5 };
	pthread_t thread[5];
	unsigned int i;

	printf("seed %u\n", seed);
	begin();
	ENSURE(!pthread_create(&thread[0], NULL, run_guest, &vms[0]));
	ENSURE(!pthread_create(&thread[1], NULL, run_guest, &vms[1]));
	ENSURE(!pthread_create(&thread[2], NULL, run_admin,
			       (void *)(uintptr_t)seed));
	ENSURE(!pthread_create(&thread[3], NULL, run_driver,
			       (void *)(uintptr_t)(seed * 3)));
	ENSURE(!pthread_create(&thread[4], NULL, run_device,
			       (void *)(uintptr_t)(seed * 5)));
	do { /* and longer, where the dice or the machine want it */
		nanosleep(&run, NULL);
		run = (struct timespec){ .tv_nsec = 100000000 };
	} while (!all_happened());
	hf_store_relaxed(&stop, 1);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < COUNTS; i++)
		printf("%s %llu\n", names[i],
		       (unsigned long long)hf_load_relaxed(&counts[i]));
	return (int)end();
}
