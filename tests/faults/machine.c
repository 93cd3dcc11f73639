/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "machine.h"

struct fabric *f;
struct domain *one, *two;
struct vpci_vcpu vcpu, hw_vcpu;
unsigned int came;

/* --- starting and ending --------------------------------------------------------- */

static bool work_to_do;

static void on_work(void *data)
{
	(void)data;
	work_to_do = true;
}

static void work(void)
{
	if (work_to_do)
		pci_iommu_work();
	work_to_do = false;
}

void machine_open(void)
{
	char err[200];

	inject_pause();
	f = fabric_open(MACHINE, err, sizeof(err));
	if (!f)
		driver_fail(__FILE__, __LINE__, "%s", err);
	fabric_on_work(f, on_work, NULL);
	inject_host(f);
	inject_resume();
	one = two = NULL;
	came = 0;
}

int machine_start(bool hardware_views)
{
	const struct vpci_options views = { .hardware_views = hardware_views };
	const struct pci_iommu_options unit = { .ats = true };
	int err = pci_init();

	if (err)
		return err;
	CHECK_EQUAL(pci_config_init(), 0);
	CHECK_EQUAL(pci_vpci_init(&views), 0);
	CHECK_EQUAL(pci_irq_init(NULL), 0);
	CHECK_EQUAL(pci_iommu_init(&unit), 0);
	CHECK_EQUAL(pci_reset_init(), 0);
	vpci_vcpu_init(&hw_vcpu, hardware_domain);
	return 0;
}

int machine_scan(struct pci_scan *scan)
{
	int err = pci_segment_add(0, fabric_host(f));

	return err && err != -EEXIST ? err : pci_scan_segment(0, scan);
}

uint64_t violations(void)
{
	struct fabric_witness w;

	inject_pause();
	fabric_witness(f, &w);
	inject_resume();
	if (w.violations)
		fprintf(stderr, "%s\n", w.list[0].text);
	return w.violations;
}

void machine_close(void)
{
	vpci_vcpu_fini(&hw_vcpu);
	pci_fini();
	CHECK_EQUAL(violations(), 0);
	if (inject_objects())
		inject_print_objects(0);
	CHECK_EQUAL(inject_objects(), 0);
	inject_pause();
	fabric_close(f);
	inject_resume();
	f = NULL;
}

/* --- what operations may answer ------------------------------------------------------ */

const struct answer memory_only[] = { { -ENOMEM, OF_MEMORY }, LAST };

/* iommu.h. -EIO: of the unit, or of the reset; then it is in quarantine. */
const struct answer assign_errors[] = {
	{ -ENOMEM, OF_MEMORY | OF_UNIT_MEM },
	{ -EIO, OF_HARDWARE },
	LAST,
};

/*
 * -EIO: in quarantine. Also for want of memory: who else is in its group cannot
 * be told then, and it may be a guest that reaches it (core/iommu/stage.c).
 */
const struct answer deassign_errors[] = {
	{ -ENOMEM, OF_MEMORY },
	{ -EIO, OF_HARDWARE | OF_UNIT_MEM | OF_MEMORY },
	LAST,
};

const struct answer removal_errors[] = {
	{ -ENOMEM, OF_MEMORY },
	{ -EIO, OF_HARDWARE },
	LAST,
};

const struct answer add_errors[] = {
	{ -ENOMEM, OF_MEMORY },
	{ -ENODEV, OF_CONFIG },
	{ -EAGAIN, OF_CONFIG },
	{ -EIO, OF_CONFIG },
	{ -ENXIO, OF_CONFIG }, /* its bridge did not answer, or not well */
	LAST,
};

const struct answer reset_errors[] = {
	{ -EIO,
	  OF_HARDWARE | OF_UNIT_MEM }, /* the unit does not take it back */
	{ -EOPNOTSUPP, OF_CONFIG },    /* it does not say that it has one */
	LAST,
};

/* domain.h, of pci_hide_device(). */
const struct answer hide_errors[] = {
	{ -EIO, OF_HARDWARE | OF_UNIT_MEM },
	LAST,
};

const struct answer quarantine_errors[] = {
	{ -EIO, OF_HARDWARE },
	LAST,
};

/* --- what there is ---------------------------------------------------------------------- */

bool is_there(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return !pci_query(sbdf, &info);
}

struct pci_dev_info info_of(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	CHECK_EQUAL(pci_query(sbdf, &info), 0);
	return info;
}

unsigned int owner_of(pci_sbdf_t sbdf)
{
	return info_of(sbdf).owner;
}

bool is_sound(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return !pci_query(sbdf, &info) && info.owner == DOMID_HARDWARE &&
	       !info.broken && info.state == PCI_STATE_LIVE;
}

enum iommu_mode mode_of(pci_sbdf_t sbdf)
{
	struct pci_iommu_info info;

	CHECK_EQUAL(pci_iommu_query(sbdf, &info), 0);
	return info.mode;
}

/* --- guests ------------------------------------------------------------------------------ */

static void on_interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
			 unsigned int index)
{
	(void)sbdf;
	(void)msix;
	(void)index;
	CHECK(d == one);
	came++;
}

static int on_map(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	(void)m;
	return 0;
}

static void on_unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	(void)m;
}

static const struct domain_ops guest_ops = {
	.interrupt = on_interrupt,
	.map = on_map,
	.unmap = on_unmap,
};

int create_one(void)
{
	int err = one ? 0 : domain_create(0, "one", &guest_ops, NULL, &one);

	if (!err && !vcpu.domain)
		vpci_vcpu_init(&vcpu, one);
	return err;
}

bool is_one(void)
{
	return one && !domain_is_dying(one);
}

int destroy_one(void)
{
	int err = domain_destroy(one);

	CHECK_EQUAL(domain_devices(one), 0);
	vpci_vcpu_fini(&vcpu);
	vcpu = (struct vpci_vcpu){ 0 };
	domain_put(one);
	one = NULL;
	return err;
}

bool is_no_one(void)
{
	return !one;
}

int give(struct domain *d, pci_sbdf_t sbdf, unsigned int flags)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	if (owner_of(sbdf) == domain_id(d))
		return 0;
	return pci_assign_device(d, sbdf, flags, &vsbdf, NULL);
}

int take(struct domain *d, pci_sbdf_t sbdf, unsigned int flags)
{
	if (owner_of(sbdf) != domain_id(d))
		return 0;
	return pci_deassign_device(d, sbdf, flags, NULL);
}

void guest_work(struct vpci_vcpu *who)
{
	uint64_t when = 0;
	unsigned int n = 0;

	while (vpci_process_pending(who, &when) == PCI_AGAIN) {
		plat_event_t never;

		CHECK(++n < 10000);
		plat_event_init(&never);
		plat_event_wait(&never, when);
		plat_event_destroy(&never);
	}
}

static pci_sbdf_t seen_at(struct vpci_vcpu *who, pci_sbdf_t sbdf)
{
	if (who->domain == hardware_domain)
		return sbdf;
	CHECK(info_of(sbdf).has_vsbdf);
	return info_of(sbdf).vsbdf;
}

void guest_write(struct vpci_vcpu *who, pci_sbdf_t sbdf, unsigned int reg,
		 uint8_t size, uint64_t val)
{
	CHECK_EQUAL(vpci_write(who, seen_at(who, sbdf), (uint16_t)reg, size,
			       val),
		    PCI_DONE);
	guest_work(who);
}

uint32_t guest_read(struct vpci_vcpu *who, pci_sbdf_t sbdf, unsigned int reg,
		    uint8_t size)
{
	uint64_t val;

	CHECK_EQUAL(vpci_read(who->domain, seen_at(who, sbdf), (uint16_t)reg,
			      size, &val),
		    PCI_DONE);
	return (uint32_t)val;
}

/* --- past the core ------------------------------------------------------------------------- */

uint32_t config(pci_sbdf_t sbdf, unsigned int reg, uint8_t size)
{
	struct pci_host *host = fabric_host(f);
	bool was = inject_on(false);
	uint32_t val;

	CHECK_EQUAL(host->ops->read(host, sbdf, (uint16_t)reg, size, &val), 0);
	inject_on(was);
	return val;
}

void poke(pci_sbdf_t sbdf, unsigned int reg, uint8_t size, uint32_t val)
{
	struct pci_host *host = fabric_host(f);
	bool was = inject_on(false);

	CHECK_EQUAL(host->ops->write(host, sbdf, (uint16_t)reg, size, val), 0);
	inject_on(was);
}

uint64_t pages_of(unsigned int domid)
{
	uint64_t hpa;

	inject_pause();
	CHECK_EQUAL(fabric_ram_alloc(f, domid, PAGES * FABRIC_PAGE, &hpa), 0);
	inject_resume();
	return hpa;
}

void free_pages(uint64_t hpa)
{
	inject_pause();
	CHECK_EQUAL(fabric_ram_free(f, hpa, PAGES * FABRIC_PAGE), 0);
	inject_resume();
}

bool dma_arrives(pci_sbdf_t sbdf, uint64_t dma, uint64_t hpa)
{
	static uint32_t number;
	uint32_t val = ++number, there = 0;
	int err;

	inject_pause();
	err = fabric_dma_write(f, sbdf, dma, &val, sizeof(val));
	if (!err)
		CHECK_EQUAL(fabric_ram_read(f, hpa, &there, sizeof(there)), 0);
	inject_resume();
	work();
	return !err && there == val;
}

int interrupt(pci_sbdf_t sbdf, unsigned int vector)
{
	int err;

	inject_pause();
	err = fabric_interrupt(f, sbdf, vector);
	inject_resume();
	return err;
}

/* --- cards ------------------------------------------------------------------- */

void plug_into(pci_sbdf_t slot, const char *card)
{
	char err[200];
	int ret;

	inject_pause();
	ret = fabric_plug(f, slot, card, err, sizeof(err));
	inject_resume();
	if (ret && ret != -EEXIST)
		driver_fail(__FILE__, __LINE__, "%s", err);
}

/* If the core has let go of it. */
void unplug_from(pci_sbdf_t slot)
{
	inject_pause();
	(void)!fabric_unplug(f, slot, NULL);
	inject_resume();
}

/* --- coming home ----------------------------------------------------------------------------- */

/*
 * A card that was there and is not known: it is found again. What is behind a
 * bridge that was described badly is held back until that has come anew.
 */
static unsigned int add_missing(void)
{
	struct pci_scan scan;

	CHECK_EQUAL(pci_scan_segment(0, &scan), 0);
	if (scan.failed)
		CHECK_EQUAL(scan.error, -ENXIO);
	return scan.added;
}

static void check_none_missing(void)
{
	struct pci_scan scan;

	CHECK_EQUAL(pci_scan_segment(0, &scan), 0);
	CHECK_EQUAL(scan.failed, 0);
	CHECK_EQUAL(scan.added, 0);
}

/* What a guest has, and is broken, leaves it for quarantine. */
static void leave_guest(const struct pci_dev_info *info)
{
	struct domain *d = domain_get_by_id(info->owner);
	int err =
		pci_deassign_device(d, info->desc.sbdf, PCI_ASSIGN_GROUP, NULL);

	domain_put(d);
	CHECK(err == -EIO || (!err && inject_loses_writes()));
}

static void unquarantine(pci_sbdf_t sbdf)
{
	const char *why = "";

	if (pci_unquarantine_device(sbdf, &why))
		driver_fail(__FILE__, __LINE__, "%x stays in quarantine: %s",
			    sbdf.sbdf, why);
}

static void mend(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, sbdf);

	CHECK(pdev);
	CHECK_EQUAL(pcidev_mend(pdev), 0);
	pcidev_put(pdev);
}

/* Not by config space, which nobody may touch any more. */
static bool are_there_vfs(void)
{
	unsigned int val = 0;
	bool there;

	inject_pause();
	there = fabric_dma_write(f, VF_1, 0, &val, sizeof(val)) != -ENODEV ||
		fabric_dma_write(f, VF_2, 0, &val, sizeof(val)) != -ENODEV;
	inject_resume();
	return there;
}

/*
 * It was described badly: it goes, with all below it, and comes anew. With the
 * PF go its VFs, also those of which nobody knows, and firmware switches them on
 * again.
 */
static void add_anew(pci_sbdf_t sbdf)
{
	if (sbdf.sbdf == ALL.sbdf && inject_loses_writes()) {
		/* It died when its BARs were being sized: nobody but firmware
		 * knows where they were. */
		inject_pause();
		(void)!fabric_surprise(f, ALL);
		inject_resume();
		CHECK_EQUAL(pci_device_lost(ALL), 0);
		plug_into(PORT, "all");
		add_missing();
		return;
	}
	CHECK_EQUAL(pci_remove_device(sbdf, PCI_REMOVE_FORCE, 0, NULL), 0);
	if (sbdf.sbdf == CARD.sbdf && inject_loses_writes()) {
		unplug_from(SLOT); /* likewise */
		plug_into(SLOT, "all");
	}
	if (sbdf.sbdf == PF.sbdf)
		CHECK(!are_there_vfs());
	if (sbdf.bus == PF.bus || sbdf.sbdf == PF_PORT.sbdf) {
		unplug_from(PF_PORT);
		plug_into(PF_PORT, "pf");
	}
	add_missing();
}

static const struct rest *expected;

void machine_expect(const struct rest *rest)
{
	expected = rest;
}

/* As far as an answer that was none, or a parent that was not there, matter. */
static bool is_same(const struct pci_dev_desc *a, const struct pci_dev_desc *b)
{
	unsigned int i;

	for (i = 0; i < PCI_BAR_COUNT; i++)
		if (a->bar[i].kind != b->bar[i].kind ||
		    a->bar[i].size != b->bar[i].size)
			return false;
	return a->type == b->type && a->msi == b->msi && a->msix == b->msix &&
	       a->sriov == b->sriov && a->acs == b->acs && a->ats == b->ats &&
	       a->pcie == b->pcie && a->pm == b->pm && a->af == b->af &&
	       a->cfg_size == b->cfg_size &&
	       a->phantom_stride == b->phantom_stride &&
	       a->msi_vectors == b->msi_vectors &&
	       a->msix_entries == b->msix_entries && a->vf_num == b->vf_num &&
	       a->vf_total == b->vf_total && a->parent.sbdf == b->parent.sbdf &&
	       a->secondary == b->secondary &&
	       a->ident.vendor == b->ident.vendor &&
	       a->ident.device == b->ident.device &&
	       a->ident.serial == b->ident.serial &&
	       a->ident.class_rev == b->ident.class_rev;
}

static bool is_as_expected(const struct pci_dev_desc *desc)
{
	unsigned int i;

	for (i = 0; expected && i < expected->n; i++)
		if (expected->fn[i].info.desc.sbdf.sbdf == desc->sbdf.sbdf)
			return is_same(&expected->fn[i].info.desc, desc);
	return true;
}

/* Hardware that lies, or is not there for a moment, is described as it says. */
static bool may_be_misread(void)
{
	return inject_class(inject_kind()) & (OF_CONFIG | OF_MEMORY);
}

static bool help(const struct pci_dev_info *info)
{
	pci_sbdf_t sbdf = info->desc.sbdf;

	if (info->owner == DOMID_HARDWARE &&
	    (info->desc.defect ||
	     (may_be_misread() && !is_as_expected(&info->desc)))) {
		add_anew(sbdf);
		return true;
	}
	if (!info->broken && info->owner != DOMID_IO &&
	    !(inject_loses_writes() && inject_fired() &&
	      info->owner != DOMID_HARDWARE && info->owner != DOMID_HIDDEN))
		return false;
	if (info->owner != DOMID_IO && info->owner != DOMID_HARDWARE &&
	    info->owner != DOMID_HIDDEN)
		leave_guest(info);
	if (owner_of(sbdf) == DOMID_IO)
		unquarantine(sbdf);
	else if (info_of(sbdf).broken)
		mend(sbdf);
	CHECK(is_sound(sbdf) || owner_of(sbdf) == DOMID_HIDDEN);
	return true;
}

unsigned int come_home(void)
{
	struct pci_dev_info info;
	pci_sbdf_t at = { 0 };
	unsigned int n;

	if (!pci_segment_host(0))
		return 0;
	for (n = add_missing(); !pci_query_next(at, &info);
	     at = pci_sbdf_from(info.desc.sbdf.sbdf + 1))
		n += help(&info);
	check_none_missing();
	return n;
}

/* --- what is left ------------------------------------------------------------------------------ */

static void unit_now(struct fabric_unit_info *unit)
{
	inject_pause();
	fabric_unit(f, unit);
	inject_resume();
}

void check_books(void)
{
	struct fabric_unit_info unit;
	struct pci_iommu_stats stats;

	plat_rcu_barrier();
	unit_now(&unit);
	pci_iommu_get_stats(&stats);
	CHECK_EQUAL(unit.spaces, stats.spaces);
	CHECK_EQUAL(unit.contexts, stats.contexts);
	CHECK_EQUAL(unit.vectors, pci_irq_vectors());
	CHECK_EQUAL(pci_check_invariants(), 0);
}

void look_around(struct rest *rest)
{
	struct pci_host *host = fabric_host(f);
	struct pci_stats stats;
	pci_sbdf_t at = { 0 };
	unsigned int reg;

	memset(rest, 0, sizeof(*rest));
	rest->objects = inject_objects();
	rest->number = inject_now();
	unit_now(&rest->unit);
	pci_iommu_get_stats(&rest->stats);
	pci_get_stats(&stats);
	rest->vectors = pci_irq_vectors();
	rest->domains = stats.domains;
	rest->devices = stats.objects;
	while (!pci_query_next(at, &rest->fn[rest->n].info)) {
		at = rest->fn[rest->n].info.desc.sbdf;
		(void)!pci_iommu_query(at, &rest->fn[rest->n].iommu);
		for (reg = 0; reg < CONFIG_KEPT; reg += 4) {
			uint32_t val;

			CHECK_EQUAL(host->ops->read(host, at, (uint16_t)reg, 4,
						    &val),
				    0);
			memcpy(&rest->fn[rest->n].config[reg], &val, 4);
		}
		at.sbdf++;
		CHECK(++rest->n < ARRAY_SIZE(rest->fn));
	}
}

static void forget(uint8_t *cfg, unsigned int reg, unsigned int n)
{
	memset(cfg + reg, 0, n);
}

/*
 * What differs if a device was reset, and harms nobody: messages are written
 * before they are used. ATS is done without where it cannot be had. Command
 * of what failed when it was found, and was removed and found again or
 * mended: that was before anything was recorded, and its driver sets them.
 */
static void forget_some(const struct pci_dev_desc *desc, bool bare,
			uint8_t *cfg)
{
	if (bare) {
		cfg[PCI_COMMAND] &=
			(uint8_t) ~(PCI_COMMAND_MASTER | PCI_COMMAND_DECODE);
		cfg[PCI_COMMAND + 1] &=
			(uint8_t) ~(PCI_COMMAND_INTX_DISABLE >> 8);
	}
	if (desc->msi) {
		CHECK(!(cfg[desc->msi + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_ENABLE));
		forget(cfg, desc->msi + PCI_MSI_FLAGS, 18);
	}
	if (desc->has_slot) /* a card was exchanged */
		forget(cfg, desc->pcie + PCI_EXP_SLTSTA, 2);
	if (desc->ats)
		forget(cfg, desc->ats + PCI_ATS_CTRL, 2);
	/* As if it had none, where it did not answer; but nothing else on. */
	if (desc->acs)
		forget(cfg, desc->acs + PCI_ACS_CTRL, 2);
}

static void check_acs(const struct pci_dev_desc *desc, const uint8_t *then,
		      const uint8_t *now)
{
	if (desc->acs)
		CHECK(!(now[desc->acs + PCI_ACS_CTRL] &
			~then[desc->acs + PCI_ACS_CTRL]));
}

static void check_config(const struct pci_dev_desc *desc, bool bare,
			 const uint8_t *then, const uint8_t *now)
{
	uint8_t a[CONFIG_KEPT], b[CONFIG_KEPT];
	unsigned int i;

	memcpy(a, then, sizeof(a));
	memcpy(b, now, sizeof(b));
	check_acs(desc, a, b);
	forget_some(desc, bare, a);
	forget_some(desc, bare, b);
	for (i = 0; i < sizeof(a); i++)
		if (a[i] != b[i])
			driver_fail(__FILE__, __LINE__,
				    "%x: register 0x%x is 0x%02x, not 0x%02x",
				    desc->sbdf.sbdf, i, b[i], a[i]);
}

#define SAME(field)                                                     \
	do {                                                            \
		if (now->field != then->field)                          \
			driver_fail(__FILE__, __LINE__,                 \
				    "%x: " #field " is %llx, not %llx", \
				    now->desc.sbdf.sbdf,                \
				    (unsigned long long)now->field,     \
				    (unsigned long long)then->field);   \
	} while (0)

static void check_device(const struct pci_dev_info *then,
			 const struct pci_dev_info *now)
{
	SAME(desc.sbdf.sbdf);
	CHECK(is_same(&now->desc, &then->desc));
	SAME(owner);
	SAME(refs);
	SAME(holds);
	SAME(children);
	SAME(op);
	SAME(lost);
	SAME(read_only);
	SAME(broken);
	SAME(hidden);
}

void check_rest(const struct rest *then, const struct rest *now)
{
	unsigned int i;

	CHECK_EQUAL(now->n, then->n);
	for (i = 0; i < now->n; i++) {
		check_device(&then->fn[i].info, &now->fn[i].info);
		CHECK_EQUAL(now->fn[i].iommu.mode, then->fn[i].iommu.mode);
		CHECK_EQUAL(now->fn[i].iommu.stuck, false);
		if (!inject_loses_writes())
			check_config(&then->fn[i].info.desc, then->bare,
				     then->fn[i].config, now->fn[i].config);
	}
	/* Tables that a unit has not forgotten stay to the end (iommu.h). */
	if (!then->keeps_spaces || !(inject_class(inject_kind()) & OF_UNIT)) {
		CHECK_EQUAL(now->unit.spaces, then->unit.spaces);
		CHECK_EQUAL(now->stats.spaces, then->stats.spaces);
		CHECK_EQUAL(now->objects, then->objects);
	}
	CHECK_EQUAL(now->unit.contexts, then->unit.contexts);
	CHECK_EQUAL(now->unit.pages, then->unit.pages);
	CHECK_EQUAL(now->unit.vectors, then->unit.vectors);
	/* What was pulled answers no invalidation. */
	if (!inject_loses_writes())
		CHECK_EQUAL(now->unit.flushes, 0);
	CHECK_EQUAL(now->unit.ram, then->unit.ram);
	CHECK_EQUAL(now->stats.mappings, then->stats.mappings);
	CHECK_EQUAL(now->stats.contexts, then->stats.contexts);
	CHECK_EQUAL(now->vectors, then->vectors);
	CHECK_EQUAL(now->domains, then->domains);
	CHECK_EQUAL(now->devices, then->devices);
}
