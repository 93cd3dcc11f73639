/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen interface, told aloud: a dom0 that behaves as Linux does (dom0.h) on
 * a simulated server, where every access is witnessed. Each answer is compared
 * with what the story says; the first that is another ends it with status 1.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <holdfast/atomic.h>
#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/pci_regs.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>

#include "dom0.h"
#include "fabric.h"
#include "traffic.h"
#include "unit.h"

#define ASSIGN 37 /* XEN_DOMCTL_…, domctl.h */
#define TEST_ASSIGN 45
#define DEASSIGN 47
#define XEN_DOMID_IO 0x7ff1
#define XEN_INVALID_DEV (UINT32_MAX - 1)

static struct fabric *fabric;
static struct dom0 dom0;
static hf_atomic(uint32_t) came; /* PIRQs */

/* --- telling ----------------------------------------------------------------- */

static void say(const char *text)
{
	printf("\n# %s\n", text);
}

static void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	fprintf(stderr, "dom0: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static const char *answer(int ret)
{
	switch (ret) {
	case -EBUSY:
		return "-EBUSY";
	case -ENODEV:
		return "-ENODEV";
	case -EINVAL:
		return "-EINVAL";
	case -EPERM:
		return "-EPERM";
	default:
		return ret < 0 ? strerror(-ret) : "0";
	}
}

static void told(const char *what, pci_sbdf_t sbdf, int ret, int expected)
{
	char name[PCI_SBDF_LEN];

	printf("  %-22s %s  %s\n", what, pci_sbdf_print(name, sbdf),
	       answer(ret));
	if (ret != expected)
		die("expected %s", answer(expected));
}

static pci_sbdf_t at(const char *text)
{
	pci_sbdf_t sbdf;

	if (pci_sbdf_parse(text, &sbdf))
		die("%s is no address", text);
	return sbdf;
}

/* --- what the story is made of -------------------------------------------------- */

static void adds(pci_sbdf_t sbdf, int expected)
{
	told("pci_device_add", sbdf, dom0_add(&dom0, sbdf, -1), expected);
}

static void removes(pci_sbdf_t sbdf, int expected)
{
	told("pci_device_remove", sbdf, dom0_remove(&dom0, sbdf), expected);
}

static void prepares(pci_sbdf_t sbdf)
{
	told("prepare_msix", sbdf, dom0_msix(&dom0, sbdf, true), 0);
}

static void releases(pci_sbdf_t sbdf, int expected)
{
	told("release_msix", sbdf, dom0_msix(&dom0, sbdf, false), expected);
}

static void toolstack(uint32_t cmd, unsigned int domain, pci_sbdf_t sbdf,
		      int expected)
{
	told(cmd == ASSIGN        ? "assign_device"
	     : cmd == TEST_ASSIGN ? "test_assign_device"
				  : "deassign_device",
	     sbdf, dom0_assign_op(&dom0, cmd, (uint16_t)domain, sbdf),
	     expected);
}

static void consistent(void)
{
	struct fabric_witness w;

	fabric_witness(fabric, &w);
	if (w.violations)
		die("a violation: %s", w.list[0].text);
	if (pci_check_invariants())
		die("an invariant is broken");
}

static uint64_t instance_of(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return pci_query(sbdf, &info) ? 0 : info.instance;
}

static struct fabric_traffic_counts guests_reads(struct fabric_traffic *t)
{
	struct fabric_traffic_info info;

	fabric_traffic_query(t, &info);
	return info.total;
}

static void until_it_reads(struct fabric_traffic *t, uint64_t more_than)
{
	const struct timespec turn = { .tv_nsec = 1000000 };
	unsigned int tries = 5000;

	while (guests_reads(t).reads <= more_than && tries--)
		nanosleep(&turn, NULL);
	if (guests_reads(t).reads <= more_than)
		die("the guest does not read");
}

/* --- the machine -------------------------------------------------------------------- */

static void pirq(int n)
{
	(void)n;
	hf_fetch_add_relaxed(&came, 1);
}

static const struct xen_ops ops = { .copy_from = dom0_copy_from,
				    .copy_to = dom0_copy_to,
				    .pirq = pirq };

static void start(void)
{
	char err[200];
	int seg;

	fabric = fabric_open("server", err, sizeof(err));
	if (!fabric)
		die("%s", err);
	if (pci_init() || pci_config_init() || pci_vpci_init(NULL) ||
	    pci_irq_init(NULL) || pci_iommu_init(NULL) || pci_reset_init() ||
	    xen_abi_init(&ops))
		die("the core does not start");
	for (seg = 0;
	     (seg = fabric_segment_next(fabric, (unsigned int)seg)) >= 0; seg++)
		if (pci_segment_add((uint16_t)seg, fabric_host(fabric)))
			die("no segment");
	dom0_init(&dom0);
}

/* --- the story ------------------------------------------------------------------------ */

static void boot(void)
{
	struct pci_host *host = fabric_host(fabric);
	unsigned int found;
	uint32_t node;

	say("Dom0 boots, and announces what it finds on its buses.");
	found = dom0_announce(&dom0, host, 0) + dom0_announce(&dom0, host, 1);
	printf("  %u functions found, %u announced, %u of them virtual\n",
	       found, dom0.announced, dom0.nvfs);
	if (!dom0.announced || dom0.failed || found != dom0.announced)
		die("%u were refused", dom0.failed);
	if (dom0_node(&dom0, at("0000:03:00.0"), &node) || node)
		die("not near to node 0");
	printf("  pcitopoinfo            0000:03:00.0  node %u\n", node);
	consistent();
}

static void stubborn(pci_sbdf_t pf, pci_sbdf_t vf)
{
	struct fabric_traffic *traffic;
	uint64_t instance = instance_of(pf), reads;
	struct domain *guest;
	unsigned int i;

	if (domain_create(1, "guest1", NULL, NULL, &guest))
		die("no guest");
	say("Pciback seizes a VF of the network card; the toolstack puts it aside, "
	    "and\n# gives it away.");
	prepares(vf);
	toolstack(ASSIGN, XEN_DOMID_IO, vf, 0);
	toolstack(TEST_ASSIGN, 1, vf, 0);
	toolstack(ASSIGN, 1, vf, 0);
	toolstack(TEST_ASSIGN, 1, vf, -EINVAL);
	releases(vf, -EBUSY);
	if (fabric_traffic_start(fabric, guest, 0, 0, &traffic))
		die("the guest does not start");
	until_it_reads(traffic, 0);

	say("Dom0 removes the card with its VFs, does not mind the answer, comes "
	    "again,\n# and adds it again. In Xen that was the end of the "
	    "hypervisor.");
	reads = guests_reads(traffic).reads;
	for (i = 0; i < 3; i++)
		removes(pf, -EBUSY);
	removes(vf, -EBUSY);
	adds(pf, 0);
	adds(vf, 0);
	if (instance_of(pf) != instance)
		die("it is another device by now");
	until_it_reads(traffic, reads);
	printf("  the guest: %llu reads meanwhile, %llu of them all-ones\n",
	       (unsigned long long)(guests_reads(traffic).reads - reads),
	       (unsigned long long)guests_reads(traffic).all_ones);
	if (guests_reads(traffic).all_ones)
		die("the guest was lied to");
	consistent();

	say("The guest gives it back; now each function goes, the card last.");
	fabric_traffic_free(traffic);
	toolstack(DEASSIGN, 1, vf, 0);
	toolstack(DEASSIGN, 1, vf, -ENODEV);
	releases(vf, 0);
	for (i = 0; i < dom0.nvfs; i++)
		if (dom0.vf[i].pf.sbdf == pf.sbdf &&
		    dom0_remove(&dom0, dom0.vf[i].sbdf))
			die("a VF stays");
	removes(pf, 0);
	removes(pf, -ENODEV);
	if (domain_destroy(guest))
		die("the guest does not end");
	domain_put(guest);
	consistent();
}

static void another_card(pci_sbdf_t pf, pci_sbdf_t slot)
{
	char err[200];
	unsigned int n;

	say("0 means that it may be pulled. Another card comes into its slot.");
	if (fabric_unplug(fabric, slot, NULL))
		die("it is still in use");
	if (fabric_plug(fabric, slot, "nic-25g", err, sizeof(err)))
		die("%s", err);
	dom0.nvfs = 0; /* dom0's driver has gone with its card */
	adds(pf, 0);
	say("Its driver enables four VFs, and each is announced; a fifth is not "
	    "there,\n# and a PF that nobody knows has none.");
	n = dom0_enable_vfs(&dom0, pf, 4);
	printf("  pci_device_add         %u VFs\n", n);
	if (n != 4)
		die("four were enabled");
	dom0.vf[4].sbdf = pf;
	dom0.vf[4].sbdf.bdf = (uint16_t)(dom0.vf[3].sbdf.bdf + 1);
	dom0.vf[4].pf = pf;
	dom0.nvfs = 5;
	adds(dom0.vf[4].sbdf, -ENODEV);
	dom0.vf[3].pf = at("0000:7f:00.0");
	adds(dom0.vf[3].sbdf, -ENODEV);
	removes(pf, -EBUSY);
	for (n = 0; n < 4; n++)
		removes(dom0.vf[n].sbdf, 0);
	removes(pf, 0);
	consistent();
}

static void interrupt(pci_sbdf_t card, bool comes)
{
	uint32_t before = hf_load_relaxed(&came), n;

	(void)fabric_interrupt(fabric, card, 0);
	n = hf_load_relaxed(&came) - before;
	printf("  an interrupt           %s\n", n ? "came" : "did not come");
	if (n != comes)
		die("it should be otherwise");
}

static void suspended(pci_sbdf_t card, pci_sbdf_t slot)
{
	uint32_t saved[DOM0_SAVED];
	uint16_t pcie;
	char err[200];
	int n;

	say("A driver of dom0 has an interrupt (map_pirq), and loses it in a "
	    "suspend.");
	if (fabric_plug(fabric, slot, "tester", err, sizeof(err)))
		die("%s", err);
	adds(card, 0);
	dom0_write(&dom0, card, PCI_COMMAND, 2,
		   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	n = dom0_map_msi(&dom0, card);
	if (n < 0)
		die("no PIRQ: %s", answer(n));
	printf("  map_pirq               PIRQ %d\n", n);
	interrupt(card, true);
	dom0_suspend(&dom0, card, saved);
	pcie = dom0_cap(&dom0, card, false, PCI_CAP_ID_EXP);
	dom0_write(&dom0, card, pcie + PCI_EXP_DEVCTL, 2,
		   PCI_EXP_DEVCTL_BCR_FLR); /* power goes, and comes */
	interrupt(card, false);
	told("restore_msi_ext", card, dom0_resume(&dom0, card, saved), 0);
	interrupt(card, true);

	say("The card is removed with its driver still there: that is dom0's "
	    "own affair.\n# The PIRQ is a number of nothing then.");
	removes(card, 0);
	if (xen_pirq_mask(n, true) != -ENODEV || pci_irq_vectors())
		die("a vector is left");
	told("unmap_pirq", card, dom0_unmap(&dom0, n), 0);
	adds(card, 0);
	told("pci_device_reset, FLR", card, dom0_reset(&dom0, card), 0);
	removes(card, 0);
	if (fabric_unplug(fabric, slot, NULL))
		die("it is still in use");
	consistent();
}

static void end(void)
{
	struct fabric_witness w;

	say("The witness: what was done to the hardware, and how much of it was "
	    "wrong.");
	fabric_witness(fabric, &w);
	printf("  hypercalls: %u, and %u continuations\n", dom0.calls,
	       dom0.restarts);
	printf("  accesses: %llu\n  accesses after success: %llu\n"
	       "  violations: %llu\n",
	       (unsigned long long)(w.total.reads + w.total.writes),
	       (unsigned long long)w.total.after_success,
	       (unsigned long long)w.violations);
	if (w.total.after_success || w.violations)
		die("it was touched");
	consistent();
	dom0_fini(&dom0);
	xen_abi_fini();
	pci_fini();
	fabric_close(fabric);
}

int main(void)
{
	pci_sbdf_t pf = at("0000:03:00.0"), slot = at("0000:00:1c.0");

	start();
	boot();
	stubborn(pf, at("0000:03:02.1"));
	another_card(pf, slot);
	suspended(at("0000:09:00.0"), at("0000:06:10.0"));
	end();
	return 0;
}
