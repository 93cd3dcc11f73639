/* SPDX-License-Identifier: BSD-2-Clause */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "sriov.h"

struct fabric *fabric;
struct vpci_vcpu vcpu;
uint16_t sriov;

/* --- what was told ------------------------------------------------------------ */

struct told told;

static void note(struct pci_event_listener *self, const struct pci_event *event)
{
	(void)self;
	if (event->type == PCI_EVENT_VFS && event->sbdf.sbdf == PF.sbdf &&
	    told.count < ARRAY_SIZE(told.text))
		strcpy(told.text[told.count++], event->detail);
}

void assert_told(const char *text)
{
	unsigned int i;

	for (i = 0; i < told.count; i++)
		if (!strcmp(told.text[i], text))
			return;
	for (i = 0; i < told.count; i++)
		print_error("told: %s\n", told.text[i]);
	fail_msg("not told: %s", text);
}

/* --- a machine ------------------------------------------------------------------ */

int sriov_set_up(void **state)
{
	const struct vpci_options options = { .hardware_views = true };
	struct pci_dev_info info;
	struct pci_scan scan;
	char err[200];

	(void)state;
	fabric = fabric_open("server", err, sizeof(err));
	assert_non_null(fabric);
	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(&options), 0);
	assert_int_equal(pci_segment_add(0, fabric_host(fabric)), 0);
	assert_int_equal(pci_scan_segment(0, &scan), 0);
	assert_int_equal(pci_query(PF, &info), 0);
	sriov = info.desc.sriov;
	vpci_vcpu_init(&vcpu, hardware_domain);
	memset(&told, 0, sizeof(told));
	told.listener.event = note;
	pci_event_listen(&told.listener);
	return 0;
}

int sriov_tear_down(void **state)
{
	struct fabric_witness seen;
	struct pci_stats stats;

	(void)state;
	pci_event_unlisten(&told.listener);
	vpci_vcpu_fini(&vcpu);
	assert_int_equal(pci_check_invariants(), 0);
	fabric_witness(fabric, &seen);
	if (seen.violations)
		print_error("%s\n", seen.list[0].text);
	assert_int_equal(seen.violations, 0);
	pci_fini();
	fabric_close(fabric);
	assert_int_equal(pci_init(), 0); /* only to ask */
	pci_get_stats(&stats);
	pci_fini();
	assert_int_equal(stats.objects, 0);
	return 0;
}

uint32_t hw(pci_sbdf_t sbdf, unsigned int reg, uint8_t size)
{
	struct pci_host *host = fabric_host(fabric);
	uint32_t val;

	assert_int_equal(host->ops->read(host, sbdf, (uint16_t)reg, size, &val),
			 0);
	return val;
}

void hw_write(unsigned int reg, uint32_t val)
{
	struct pci_host *host = fabric_host(fabric);

	assert_int_equal(host->ops->write(host, PF, (uint16_t)reg, 2, val), 0);
}

uint32_t hw_control(void)
{
	return hw(PF, sriov + PCI_SRIOV_CTRL, 2) & ON;
}

uint32_t rd_at(pci_sbdf_t sbdf, unsigned int reg, uint8_t size)
{
	uint64_t val;

	while (vpci_read(hardware_domain, sbdf, (uint16_t)reg, size, &val) ==
	       PCI_AGAIN)
		sched_yield();
	return (uint32_t)val;
}

void wr_at(pci_sbdf_t sbdf, unsigned int reg, uint8_t size, uint32_t val)
{
	while (vpci_write(&vcpu, sbdf, (uint16_t)reg, size, val) == PCI_AGAIN)
		sched_yield();
}

uint32_t rd(unsigned int reg, uint8_t size)
{
	return rd_at(PF, sriov + reg, size);
}

void wr(unsigned int reg, uint8_t size, uint32_t val)
{
	wr_at(PF, sriov + reg, size, val);
}

uint32_t control(void)
{
	return rd(PCI_SRIOV_CTRL, 2) & ON;
}

void finish(void)
{
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		sched_yield();
}

void switch_vfs(uint32_t on)
{
	wr(PCI_SRIOV_CTRL, 2, on);
	finish();
}

void without_vfs(void)
{
	assert_int_equal(pci_remove_device(PF, PCI_REMOVE_FORCE,
					   PLAT_NSEC_PER_SEC, NULL),
			 0);
	assert_int_equal(pci_add_device(PF), 0);
	assert_int_equal(hw_control() & PCI_SRIOV_CTRL_VFE, 0);
	told.count = 0;
}

struct pci_dev_info info_of(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(sbdf, &info), 0);
	return info;
}

bool is_there(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return !pci_query(sbdf, &info);
}

unsigned int vfs(void)
{
	unsigned int n = 0, fn;

	for (fn = 0; fn < 64; fn++)
		n += is_there(pci_sbdf(0, 3, 2 + fn / 8, fn % 8));
	return n;
}

struct domain *guest(const char *name)
{
	struct domain *d;

	assert_int_equal(domain_create(0, name, NULL, NULL, &d), 0);
	return d;
}

void give(struct domain *d, pci_sbdf_t sbdf)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(FIRST);

	assert_int_equal(pci_assign_device(d, sbdf, 0, &vsbdf, NULL), 0);
}

void end_of(struct domain *d)
{
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
}

struct pci_dev *pf_with_op(enum pci_op op)
{
	struct pci_dev *pf = pci_get_pdev(NULL, PF);

	pci_lock(&pf->lock);
	assert_int_equal(pci_op_begin(pf, op), 0);
	pci_unlock(&pf->lock);
	return pf;
}

void end_op(struct pci_dev *pf)
{
	pci_lock(&pf->lock);
	pci_op_end(pf);
	pci_unlock(&pf->lock);
	pcidev_put(pf);
}
