/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests: their lives, their accesses, their memory. */
#include "world.h"

#define BAR_AT 0x80000000ull

/* --- what the core tells them ------------------------------------------------------- */

static void on_ask(struct domain *d, pci_sbdf_t sbdf, uint64_t deadline)
{
	struct news news = { .kind = ASKED, .sbdf = sbdf, .d = d };

	(void)deadline;
	domain_get(d);
	world_news(&news);
}

static bool overlaps(const struct pci_mapping *a, const struct pci_mapping *b)
{
	return a->gpa < b->gpa + b->size && b->gpa < a->gpa + a->size;
}

static int on_map(struct domain *d, const struct pci_mapping *m)
{
	struct guest *guest = guest_of(d);
	unsigned int i;

	FUZZ_ASSERT(guest && m->size && !(m->gpa % PLAT_PAGE_SIZE) &&
		    !(m->hpa % PLAT_PAGE_SIZE) && !(m->size % PLAT_PAGE_SIZE));
	for (i = 0; i < guest->nbars; i++)
		FUZZ_ASSERT(!overlaps(&guest->bar[i], m));
	if (guest->nbars >= ARRAY_SIZE(guest->bar) - 1)
		return -ENOMEM;
	guest->bar[guest->nbars++] = *m;
	return 0;
}

/* Of bar[@i] leave what is outside of @m. */
static void cut(struct guest *guest, unsigned int i,
		const struct pci_mapping *m)
{
	struct pci_mapping was = guest->bar[i];
	uint64_t end = m->gpa + m->size, was_end = was.gpa + was.size;

	guest->bar[i] = guest->bar[--guest->nbars];
	if (was.gpa < m->gpa) {
		guest->bar[guest->nbars] = was;
		guest->bar[guest->nbars++].size = m->gpa - was.gpa;
	}
	if (was_end > end) {
		was.hpa += end - was.gpa;
		was.gpa = end;
		was.size = was_end - end;
		FUZZ_ASSERT(guest->nbars < ARRAY_SIZE(guest->bar));
		guest->bar[guest->nbars++] = was;
	}
}

static void on_unmap(struct domain *d, const struct pci_mapping *m)
{
	struct guest *guest = guest_of(d);
	unsigned int i = 0;

	FUZZ_ASSERT(guest);
	while (i < guest->nbars)
		if (overlaps(&guest->bar[i], m))
			cut(guest, i, m), i = 0;
		else
			i++;
}

static void on_interrupt(struct domain *d, pci_sbdf_t sbdf, bool msix,
			 unsigned int index)
{
	(void)sbdf, (void)msix;
	FUZZ_ASSERT(guest_of(d) && index < 2048);
}

static const struct domain_ops guest_ops = { .ask = on_ask,
					     .map = on_map,
					     .unmap = on_unmap,
					     .interrupt = on_interrupt };

/* --- lives ----------------------------------------------------------------------------- */

static void give_memory(struct guest *guest)
{
	unsigned int failing = serial_fail_alloc;

	serial_fail_alloc = 0; /* not this */
	FUZZ_ASSERT(!fabric_ram_alloc(world.f, domain_id(guest->d),
				      PAGES * FABRIC_PAGE, &guest->ram));
	serial_fail_alloc = failing;
}

static int create(const struct step *s)
{
	static const char *const name[GUESTS] = { "one", "two" };
	unsigned int n = s->dom % GUESTS;
	struct guest *guest = &world.guest[n];
	int err;

	if (guest->d || guest->mapping)
		return 0;
	memset(guest, 0, sizeof(*guest));
	guest->on_ask = (enum on_ask)(s->a % 3);
	err = domain_create(s->b & 1 ? s->b : 0, name[n], &guest_ops, NULL,
			    &guest->d);
	if (err)
		guest->d = NULL;
	else
		give_memory(guest);
	return err;
}

/* A device that its unit has not forgotten may reach what the guest had. */
static bool any_stuck(void)
{
	struct pci_iommu_info info;

	for (unsigned int i = 0; i < world.ndevs; i++)
		if (!pci_iommu_query(world.dev[i], &info) && info.stuck)
			return true;
	return false;
}

static int destroy(const struct step *s)
{
	struct guest *guest = &world.guest[s->dom % GUESTS];
	struct domain *d = guest->d;
	struct pci_dev_info info;
	unsigned int i;
	int err;

	if (!d)
		return 0;
	err = domain_destroy(d);
	if (err)
		return err;
	FUZZ_ASSERT(!domain_devices(d) && !guest->nbars);
	for (i = 0; i < world.ndevs; i++)
		if (!pci_query(world.dev[i], &info))
			FUZZ_ASSERT(info.owner != domain_id(d));
	if (!any_stuck())
		(void)fabric_ram_free(world.f, guest->ram, PAGES * FABRIC_PAGE);
	guest->d = NULL;
	domain_put(d);
	return 0;
}

/* --- accesses ----------------------------------------------------------------------------- */

static pci_sbdf_t where(struct domain *d, const struct step *s)
{
	struct pci_dev_info info;

	if (!pci_query(device_of(s), &info) && info.has_vsbdf &&
	    info.owner == domain_id(d))
		return info.vsbdf;
	return device_of(s);
}

/* A register that does something, or any. */
static uint16_t reg_of(const struct step *s, uint8_t *size)
{
	struct pci_dev_info info;
	const struct pci_dev_desc *desc = &info.desc;

	*size = 2;
	if (pci_query(device_of(s), &info))
		return PCI_COMMAND;
	switch (s->a % 16) {
	case 0:
		return PCI_COMMAND;
	case 1:
	case 2:
		*size = 4;
		return (uint16_t)(PCI_BASE_ADDRESS_0 + 4 * (s->a % 16 - 1));
	case 3:
		return desc->msi ? desc->msi + PCI_MSI_FLAGS : 0;
	case 4:
		*size = 4;
		return desc->msi ? desc->msi + PCI_MSI_ADDRESS_LO : 0;
	case 5:
		*size = 4;
		return desc->msi ? desc->msi + 0x10 : 0;
	case 6:
		return desc->msix ? desc->msix + PCI_MSIX_FLAGS : 0;
	case 7:
		return desc->pcie ? desc->pcie + PCI_EXP_DEVCTL : 0;
	case 8:
		return desc->pm ? desc->pm + PCI_PM_CTRL : 0;
	case 9:
		return desc->ats ? desc->ats + PCI_ATS_CTRL : 0;
	case 10:
		return desc->sriov ? desc->sriov + PCI_SRIOV_CTRL : 0;
	case 11:
		return desc->af ? desc->af + PCI_AF_CTRL : 0;
	case 12:
		return PCI_STATUS;
	default:
		*size = (uint8_t)(1 << s->a / 16 % 4);
		return (uint16_t)((s->b << 4 | s->c) & 0xfff);
	}
}

static bool never(void *unused)
{
	(void)unused;
	return false;
}

/* What was set going, to its end or for a while. */
static void go_on(struct vpci_vcpu *vcpu)
{
	unsigned int i;
	uint64_t when = 0;

	for (i = 0; i < 64 && vpci_process_pending(vcpu, &when) == PCI_AGAIN;
	     i++) {
		if (when > plat_now())
			serial_wait(never, NULL, when);
		when = 0;
	}
}

static void write_reg(struct domain *d, pci_sbdf_t at, uint16_t reg,
		      uint8_t size, uint64_t val, bool to_the_end)
{
	struct vpci_vcpu vcpu;

	vpci_vcpu_init(&vcpu, d);
	if (vpci_write(&vcpu, at, reg, size, val) == PCI_DONE && to_the_end)
		go_on(&vcpu);
	vpci_vcpu_fini(&vcpu);
}

static int config_write(const struct step *s)
{
	struct domain *d = domain_of(s);
	uint64_t val = s->b | (uint64_t)s->c << 8;
	uint8_t size;
	uint16_t reg = reg_of(s, &size);

	if (!d || d == dom_io)
		goto out;
	if (s->c == 0xff)
		val = UINT64_MAX;
	/* the host's own bridges it leaves alone: they are its way to others */
	if (d != hardware_domain || reg == PCI_COMMAND ||
	    (s->a % 16 >= 3 && s->a % 16 <= 11))
		write_reg(d, where(d, s), reg, size, val, !(s->dom & 0x80));
out:
	domain_put(d);
	return 0;
}

static int config_read(const struct step *s)
{
	struct domain *d = domain_of(s);
	uint64_t val = 0;
	uint8_t size;
	uint16_t reg = reg_of(s, &size);

	if (d && vpci_read(d, where(d, s), reg, size, &val) == PCI_DONE &&
	    size < 8)
		FUZZ_ASSERT(!(val >> 8 * size));
	domain_put(d);
	return 0;
}

/* BAR 0 somewhere, decode and bus mastering on: what a driver does first. */
static int place(const struct step *s)
{
	struct domain *d = domain_of(s);
	pci_sbdf_t at;

	if (d && guest_of(d)) {
		at = where(d, s);
		write_reg(d, at, PCI_BASE_ADDRESS_0, 4,
			  BAR_AT + 0x4000ull * (s->a & 15), false);
		write_reg(d, at, PCI_COMMAND, 2, s->b & 1 ? 6 : s->b & 6, true);
	}
	domain_put(d);
	return 0;
}

static int memory(const struct step *s)
{
	struct domain *d = domain_of(s);
	uint64_t val, gpa = BAR_AT + 0x4000ull * (s->a & 15) +
			    ((s->a & 0x10 ? 0x2000u : s->b * 0x40u) | s->c);
	struct vpci_vcpu vcpu;
	uint8_t size = (uint8_t)(1 << (s->a >> 5 & 3));

	if (d && s->a & 0x80) {
		(void)vpci_mmio_read(d, gpa, size, &val);
	} else if (d) {
		vpci_vcpu_init(&vcpu, d);
		(void)vpci_mmio_write(&vcpu, gpa, size, s->b);
		vpci_vcpu_fini(&vcpu);
	}
	domain_put(d);
	return 0;
}

/* --- memory ------------------------------------------------------------------------------- */

/* The guest whose memory is to change, and nobody else does; or NULL. */
static struct guest *begin_mapping(const struct step *s)
{
	struct guest *guest = &world.guest[s->dom % GUESTS];

	if (!guest->d || guest->mapping)
		return NULL;
	domain_get(guest->d);
	guest->mapping = true;
	return guest;
}

static void end_mapping(struct guest *guest, struct domain *d)
{
	guest->mapping = false;
	domain_put(d);
}

static int map(const struct step *s)
{
	struct guest *guest = begin_mapping(s);
	struct domain *d = guest ? guest->d : NULL;
	unsigned int page = s->a % PAGES;
	uint64_t at = FABRIC_PAGE * page;
	int err = 0;

	if (!guest)
		return 0;
	if (!guest->mapped[page]) {
		(void)fabric_ram_give(world.f, guest->ram + at, FABRIC_PAGE,
				      domain_id(d));
		err = domain_dma_map(d, DMA + at, guest->ram + at, FABRIC_PAGE,
				     IOMMU_READ | (s->b & 1 ? IOMMU_WRITE : 0));
		guest->mapped[page] = !err;
	}
	end_mapping(guest, d);
	return err;
}

/* No device that is the guest's reaches it any more. */
static void check_unreachable(struct domain *d, uint64_t dma)
{
	struct pci_dev_info info;
	uint32_t got;

	for (unsigned int i = 0; i < world.ndevs; i++)
		if (!pci_query(world.dev[i], &info) &&
		    info.owner == domain_id(d))
			FUZZ_ASSERT(fabric_dma_read(world.f, world.dev[i], dma,
						    &got, sizeof(got)));
}

static int unmap(const struct step *s)
{
	struct guest *guest = begin_mapping(s);
	struct domain *d = guest ? guest->d : NULL;
	unsigned int page = s->a % PAGES;
	uint64_t at = FABRIC_PAGE * page;
	int err;

	if (!guest)
		return 0;
	err = domain_dma_unmap(d, DMA + at, FABRIC_PAGE);
	if (!err)
		FUZZ_ASSERT(guest->mapped[page]);
	/* it is somebody else's from now on */
	if (!err && guest->d == d)
		(void)fabric_ram_give(world.f, guest->ram + at, FABRIC_PAGE,
				      DOMID_HARDWARE);
	if (!err || err == -EIO)
		guest->mapped[page] = false;
	if (!err && undisturbed())
		check_unreachable(d, DMA + at);
	end_mapping(guest, d);
	return err;
}

const struct operation guest_operations[] = {
	{ "create", create, { -EEXIST, -EINVAL, -ENOMEM } },
	{ "destroy", destroy, { -EALREADY } },
	{ "write", config_write, { 0 } },
	{ "read", config_read, { 0 } },
	{ "place", place, { 0 } },
	{ "memory", memory, { 0 } },
	{ "map", map, { -EINVAL, -EEXIST, -ENOMEM } },
	{ "unmap", unmap, { -ENOENT, -EINVAL, -ENOMEM, -EIO } },
	{ NULL }
};
