/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include "world.h"

struct world world;

pci_sbdf_t device_of(const struct step *s)
{
	return world.dev[s->dev % world.ndevs];
}

struct domain *domain_of(const struct step *s)
{
	struct domain *const special[] = { hardware_domain, dom_io };
	unsigned int n = s->dom % (GUESTS + ARRAY_SIZE(special));
	struct domain *d = n < GUESTS ? world.guest[n].d : special[n - GUESTS];

	if (d)
		domain_get(d);
	return d;
}

struct guest *guest_of(const struct domain *d)
{
	for (unsigned int i = 0; i < GUESTS; i++)
		if (d && world.guest[i].d == d)
			return &world.guest[i];
	return NULL;
}

bool undisturbed(void)
{
	return !world.disturbed;
}

/* --- what comes from outside, and who heeds it -------------------------------------- */

void world_news(const struct news *news)
{
	FUZZ_ASSERT(world.nnews < ARRAY_SIZE(world.news));
	world.news[world.nnews++] = *news;
}

static void on_notify(struct pci_host *host, enum pci_host_event event,
		      pci_sbdf_t sbdf, void *data)
{
	struct news news = { .kind = event == PCI_HOST_GONE ? GONE : ARRIVED,
			     .sbdf = sbdf };

	(void)host, (void)data;
	if (news.kind == GONE)
		(void)pci_mark_lost(sbdf);
	world_news(&news);
}

static void on_work(void *unused)
{
	(void)unused;
	world.work = true;
}

static int answer(struct domain *d, pci_sbdf_t sbdf)
{
	struct guest *guest = guest_of(d);
	int err = 0;

	if (guest && guest->on_ask == GIVES_BACK)
		err = pci_domain_return(d, sbdf);
	else if (guest && guest->on_ask == REFUSES)
		err = pci_domain_refuse(d, sbdf);
	domain_put(d);
	return err;
}

static void heed(const struct news *news)
{
	struct pci_scan scan;
	int err;

	switch (news->kind) {
	case ARRIVED:
		FUZZ_ASSERT(!pci_scan_slot(news->sbdf, &scan));
		break;
	case GONE:
		err = pci_device_lost(news->sbdf);
		FUZZ_ASSERT(!err || err == -ENODEV || err == -EALREADY);
		break;
	case ASKED:
		err = answer(news->d, news->sbdf);
		FUZZ_ASSERT(!err || err == -ENODEV);
		break;
	}
}

static bool any_news(void *unused)
{
	(void)unused;
	return world.nnews || world.work || world.over;
}

/* As the threads of a daemon would. */
static void keep(void *unused)
{
	struct news news;

	(void)unused;
	while (serial_wait(any_news, NULL, PLAT_FOREVER), !world.over) {
		world.running++;
		world.disturbed = true;
		if (world.work) {
			world.work = false;
			pci_iommu_work();
		} else {
			news = world.news[0];
			memmove(world.news, world.news + 1,
				--world.nnews * sizeof(news));
			heed(&news);
		}
		world.running--;
	}
}

static bool is_at_rest(void *unused)
{
	(void)unused;
	return !world.running && !world.nnews && !world.work;
}

void world_rest(void)
{
	serial_wait(is_at_rest, NULL, PLAT_FOREVER);
}

/* --- beginning and end --------------------------------------------------------------- */

/* All that is there, the slots, and an address where nobody is. */
static void find_devices(void)
{
	struct fabric_slot slot = { .port = { 0 } };
	struct pci_dev_info info;
	pci_sbdf_t at = { 0 };

	while (world.ndevs < DEVICES - 3 && !pci_query_next(at, &info)) {
		at = info.desc.sbdf;
		world.dev[world.ndevs++] = at;
		at.sbdf++;
	}
	at = pci_sbdf_from(0);
	while (world.ndevs < DEVICES - 1 &&
	       !fabric_slot_next(world.f, at, &slot)) {
		world.dev[world.ndevs++] = slot.card;
		at = pci_sbdf_from(slot.port.sbdf + 1);
	}
	world.dev[world.ndevs++] = pci_sbdf(0, 0xff, 0x1f, 7);
}

void world_open(uint8_t options)
{
	const struct pci_iommu_options iommu = {
		.quarantine = options & 1 ? PCI_QUARANTINE_SCRATCH
					  : PCI_QUARANTINE_BASIC,
		.ats = options & 2,
	};
	const struct vpci_options vpci = { .hardware_views = options & 4 };
	struct pci_scan scan;
	char err[200];

	memset(&world, 0, sizeof(world));
	serial_begin();
	world.f = fabric_open(FUZZ_FABRIC, err, sizeof(err));
	FUZZ_ASSERT(world.f);
	fabric_on_work(world.f, on_work, NULL);
	FUZZ_ASSERT(!fabric_ram_alloc(world.f, DOMID_HARDWARE, FABRIC_PAGE,
				      &world.ram));
	FUZZ_ASSERT(!pci_init() && !pci_config_init() &&
		    !pci_vpci_init(&vpci) && !pci_irq_init(NULL) &&
		    !pci_iommu_init(&iommu) && !pci_reset_init());
	FUZZ_ASSERT(!pci_segment_add(0, fabric_host(world.f)));
	FUZZ_ASSERT(!pci_scan_segment(0, &scan) && !scan.failed);
	fabric_host(world.f)->notify = on_notify;
	find_devices();
	world.keeper = serial_spawn(keep, NULL);
}

static void give_back(void)
{
	unsigned int i;

	for (i = 0; i < KEPT; i++) {
		if (world.hold[i])
			(void)pci_hold_release(world.hold[i]);
		pcidev_put(world.ref[i]);
		if (!world.bound[i].pdev)
			continue;
		(void)pci_irq_unbind(world.bound[i].pdev, world.bound[i].kind,
				     world.bound[i].first,
				     world.bound[i].count);
		pcidev_put(world.bound[i].pdev);
	}
	for (i = 0; i < GUESTS; i++) {
		if (!world.guest[i].d)
			continue;
		FUZZ_ASSERT(!domain_destroy(world.guest[i].d));
		FUZZ_ASSERT(!world.guest[i].nbars);
		domain_put(world.guest[i].d);
	}
}

static void check_witness(void)
{
	struct fabric_witness w;

	fabric_witness(world.f, &w);
	if (w.listed)
		fprintf(stderr, "%s\n", w.list[0].text);
	FUZZ_ASSERT(!w.violations);
}

void world_close(void)
{
	struct fabric_unit_info unit;
	struct pci_iommu_stats iommu;
	struct pci_stats stats;

	serial_fail_alloc = 0;
	for (unsigned int i = 0; i < FABRIC_CALLS; i++)
		fabric_fail(world.f, (enum fabric_call)i, 0);
	world_rest();
	FUZZ_ASSERT(!pci_check_invariants());
	give_back();
	world_rest();
	FUZZ_ASSERT(!pci_check_invariants());
	world.over = true;
	serial_join(world.keeper);
	serial_callbacks();
	pci_get_stats(&stats);
	FUZZ_ASSERT(stats.objects == stats.devices);
	pci_iommu_get_stats(&iommu);
	FUZZ_ASSERT(!iommu.mappings);
	pci_fini();
	fabric_flush_finish(world.f);
	fabric_unit(world.f, &unit);
	FUZZ_ASSERT(!unit.spaces && !unit.contexts && !unit.pages &&
		    !unit.flushes && !unit.ats && !unit.vectors);
	check_witness();
	fabric_close(world.f);
}
