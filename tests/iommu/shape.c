/* SPDX-License-Identifier: BSD-2-Clause */
#include "shape.h"

#define ATS_AT 0x100 /* the only one that is listed */
#define ACS_AT 0x140

/* --- the unit -------------------------------------------------------------------- */

struct unit unit;

static int space_create(struct pci_host *host, unsigned int domid,
			struct iommu_space **out)
{
	(void)host;
	(void)domid;
	*out = (struct iommu_space *)&unit;
	return 0;
}

static void space_destroy(struct pci_host *host, struct iommu_space *space)
{
	(void)host;
	(void)space;
}

static int map(struct pci_host *host, struct iommu_space *space, uint64_t dma,
	       uint64_t hpa, uint64_t size, unsigned int flags)
{
	(void)host;
	(void)space;
	(void)dma;
	(void)hpa;
	(void)size;
	(void)flags;
	return 0;
}

static void unmap(struct pci_host *host, struct iommu_space *space,
		  uint64_t dma, uint64_t size)
{
	(void)host;
	(void)space;
	(void)dma;
	(void)size;
}

static int attach(struct pci_host *host, pci_sbdf_t rid, enum iommu_mode mode,
		  struct iommu_space *space)
{
	(void)host;
	(void)rid;
	(void)space;
	unit.blocked += mode == IOMMU_BLOCKED;
	return mode == IOMMU_BLOCKED ? 0 : unit.attach_error;
}

static int flush(struct pci_host *host, const struct iommu_flush *what,
		 uint64_t *ticket)
{
	(void)host;
	(void)what;
	*ticket = ++unit.flushes;
	return unit.flush_error;
}

static int flush_done(struct pci_host *host, uint64_t ticket)
{
	(void)host;
	(void)ticket;
	return unit.flush_done;
}

int unit_reserved(struct pci_host *host, pci_sbdf_t sbdf, unsigned int i,
		  struct iommu_region *out)
{
	(void)host;
	(void)sbdf;
	*out = unit.region;
	return unit.region.size && !i ? 0 : -ENOENT;
}

bool unit_tells_apart(struct pci_host *host, pci_sbdf_t sbdf, pci_sbdf_t *with)
{
	(void)host;
	*with = unit.with;
	return sbdf.sbdf != unit.confused.sbdf;
}

/* Neither ATS, nor regions, nor confusion: as little as a unit must have. */
static const struct iommu_ops least = {
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = map,
	.unmap = unmap,
	.attach = attach,
	.flush = flush,
	.flush_done = flush_done,
};

struct iommu_ops ops;

/* --- the host, and the stage that comes between -------------------------------------- */

uint32_t acs_control;
int acs_error;

int answer(pci_sbdf_t sbdf, uint16_t reg, uint8_t size, uint32_t *val)
{
	(void)sbdf;
	*val = reg == ATS_AT                  ? PCI_EXT_CAP_ID_ATS | 1 << 16
	       : reg == ACS_AT + PCI_ACS_CAP  ? ISOLATES
	       : reg == ACS_AT + PCI_ACS_CTRL ? acs_control
	       : reg == PCI_COMMAND           ? PCI_COMMAND_MASTER
					      : 0;
	*val &= conf_ones(size);
	return reg == ACS_AT + PCI_ACS_CTRL ? acs_error : 0;
}

void (*on_added)(struct pci_dev *pdev);

static void added(struct pci_dev *pdev)
{
	void (*fn)(struct pci_dev *) = on_added;

	on_added = NULL;
	if (fn)
		fn(pdev);
}

static const struct pci_stage first = { .name = "first",
					.rank = PCI_STAGE_RESET,
					.added = added };

struct domain *one, *two;

static int open_with(const struct pci_iommu_options *options, void **state)
{
	clock_start();
	unit = (struct unit){ 0 };
	ops = least;
	acs_control = ISOLATES;
	acs_error = 0;
	on_added = NULL;
	if (test_setup(state) || pci_stage_register(&first) ||
	    (options && pci_iommu_init(options)))
		return -1;
	test_host.host.iommu = &ops;
	test_host.answer = answer;
	one = guest("one", NULL);
	two = guest("two", NULL);
	return 0;
}

int shape_setup(void **state)
{
	return open_with(&(struct pci_iommu_options){ .ats = true }, state);
}

int shape_setup_trusting(void **state)
{
	return open_with(
		&(struct pci_iommu_options){ .quarantine =
						     PCI_QUARANTINE_NONE },
		state);
}

int shape_setup_without(void **state)
{
	return open_with(NULL, state);
}

int shape_teardown(void **state)
{
	end_of(one);
	end_of(two);
	assert_int_equal(test_teardown(state), 0);
	test_host.host.iommu = NULL;
	return 0;
}

/* --- machines ---------------------------------------------------------------------------- */

static int try_shape(const struct shape *s)
{
	const struct pci_dev_desc desc = {
		.sbdf = at(s->sbdf),
		.parent = at(s->parent ? s->parent : s->sbdf),
		.type = (uint8_t)s->type,
		.hdr_type = s->header,
		.secondary = s->secondary,
		.subordinate = s->secondary,
		.phantom_stride = s->stride,
		.acs = s->acs ? ACS_AT : 0,
		.ats = s->ats ? ATS_AT : 0,
		.is_vf = s->vf,
		.cfg_size = 4096,
		.ident = { .vendor = 0x8086 },
	};

	return pci_register_device(&desc, NULL);
}

void shape(const struct shape *s)
{
	assert_int_equal(try_shape(s), 0);
}

void endpoint(const char *sbdf, const char *parent)
{
	shape(&(struct shape){ sbdf, parent, PCI_TYPE_ENDPOINT });
}

void many(unsigned int n)
{
	char sbdf[PCI_SBDF_LEN];
	unsigned int i;

	shape(&(struct shape){ "0:0:1.0", NULL, PCI_TYPE_ROOT_PORT, 1 });
	for (i = 0; i < n; i++) {
		pci_sbdf_print(sbdf,
			       (pci_sbdf_t){ .bdf = (uint16_t)(0x100 + i) });
		endpoint(sbdf, "0:0:1.0");
	}
}

struct pci_assign_report told;

int give(struct domain *d, const char *sbdf, unsigned int flags)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	return pci_assign_device(d, at(sbdf), flags, &vsbdf, &told);
}

const char *owner(const char *sbdf)
{
	static struct pci_dev_info info;

	info = info_of(sbdf);
	return info.owner_name;
}

const char *broken(const char *sbdf)
{
	const char *why = info_of(sbdf).broken;

	return why ? why : "";
}

struct pci_iommu_info context(const char *sbdf)
{
	struct pci_iommu_info info;

	assert_int_equal(pci_iommu_query(at(sbdf), &info), 0);
	return info;
}

void quiesce_and_restore(const char *sbdf)
{
	struct pci_dev *pdev = get(sbdf);
	unsigned int done = 0;
	const char *why;

	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	assert_int_equal(pci_stages_quiesce(pdev, &done,
					    plat_now() + 1000 * MSEC, &why),
			 0);
	pci_stages_restore(pdev);
	pcidev_end(pdev);
	pcidev_put(pdev);
}
