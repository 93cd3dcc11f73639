/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3: its start, and what the core asks of it.
 *
 * Where the unit has stage 2 it is used, else stage 1 with the same tables but
 * for the bits. Contexts are made once and not changed: for who is blocked
 * (with stage 1 an empty table, so that events tell the address; else no valid
 * STE), for the hardware domain, for SCRATCH, and one a space, each with an ASID
 * or VMID of its own. MSIs are writes as others, to an address that only the
 * hardware domain's context has.
 */
#include <holdfast/errno.h>

#include "smmuv3_unit.h"

struct smmu_unit smmu;

/* IDR5.OAS, up to the 48 bits that tables with 4 KiB pages reach. */
#define OAS_48 5
static const uint8_t oas_bits[] = { 32, 36, 40, 42, 44, [OAS_48] = 48 };

/* --- contexts ------------------------------------------------------------------- */

/* STE.S2PS, CD.IPS: encoded as IDR5.OAS. */
static uint64_t output_size(void)
{
	unsigned int i = 0;

	while (oas_bits[i] != smmu.oas)
		i++;
	return i;
}

static void set_ste_s1(struct smmu_context *c)
{
	c->ste[0] = STE0_V | STE0_CONFIG_S1 | (uint64_t)(uintptr_t)c->cd;
	c->ste[1] = STE1_S1CIR_WB | STE1_S1COR_WB | STE1_S1CSH_INNER |
		    STE1_SHCFG_INCOMING;
}

static void set_ste_s2(struct smmu_context *c)
{
	c->ste[0] = STE0_V | STE0_CONFIG_S2;
	c->ste[1] = STE1_SHCFG_INCOMING;
	c->ste[2] = STE2_S2VMID(c->id) | STE2_S2T0SZ(64 - c->tables.bits) |
		    STE2_S2SL0(2 - c->tables.level) | STE2_S2IR0_WB |
		    STE2_S2OR0_WB | STE2_S2SH0_INNER |
		    STE2_S2PS(output_size()) | STE2_S2AA64 | STE2_S2R;
	c->ste[3] = (uint64_t)(uintptr_t)c->tables.root;
}

/* Requests that fault are refused and recorded (A, R); none is stalled. */
static void set_cd(struct smmu_context *c)
{
	hf_store_relaxed(&c->cd[0],
			 CD0_T0SZ(64 - c->tables.bits) | CD0_IR0_WB |
				 CD0_OR0_WB | CD0_SH0_INNER | CD0_EPD1 | CD0_V |
				 CD0_IPS(output_size()) | CD0_AA64 | CD0_R |
				 CD0_A | CD0_ASET | CD0_ASID(c->id));
	hf_store_relaxed(&c->cd[1], (uint64_t)(uintptr_t)c->tables.root);
	hf_store_relaxed(&c->cd[3], DMA_MAIR);
}

static int context_init(struct smmu_context *c)
{
	int id = smmu_id_get(), err;

	if (id < 0)
		return id;
	*c = (struct smmu_context){ .id = (uint16_t)id };
	err = dma_tables_init(&c->tables, smmu.stage2, smmu.oas);
	if (err)
		goto out_id;
	if (smmu.stage2) {
		set_ste_s2(c);
		return 0;
	}
	err = -ENOMEM;
	c->cd = plat_zalloc(CD_WORDS * sizeof(*c->cd));
	if (!c->cd)
		goto out_tables;
	set_cd(c);
	set_ste_s1(c);
	return 0;

out_tables:
	dma_tables_free(&c->tables);
out_id:
	smmu_id_put(c->id);
	return err;
}

static uint64_t tlbi(const struct smmu_context *c)
{
	return smmu.stage2 ? CMD_TLBI_S12_VMALL | CMD_TLBI_VMID(c->id)
			   : CMD_TLBI_NH_ASID | CMD_TLBI_ASID(c->id);
}

/* --- the core's ------------------------------------------------------------------ */

static int space_create(struct pci_host *host, unsigned int domid,
			struct iommu_space **out)
{
	struct iommu_space *space = plat_zalloc(sizeof(*space));
	int err;

	(void)host;
	(void)domid;
	if (!space)
		return -ENOMEM;
	err = context_init(&space->context);
	if (err) {
		plat_free(space);
		return err;
	}
	*out = space;
	return 0;
}

/*
 * At pci_fini() the unit may still remember a context that led here, so it
 * forgets them all. One that does not answer may walk the tables for ever: then
 * they stay, and so does the id.
 */
static void space_destroy(struct pci_host *host, struct iommu_space *space)
{
	struct smmu_context *c = &space->context;
	const uint64_t cmd[2][2] = { { CMD_CFGI_ALL, CMD_CFGI_RANGE_ALL },
				     { tlbi(c) } };

	(void)host;
	if (smmu_execute(cmd, ARRAY_SIZE(cmd))) {
		plat_log(PLAT_ERROR, "smmu: the tables of context %u stay",
			 c->id);
		return;
	}
	dma_tables_free(&c->tables);
	plat_free(c->cd);
	smmu_id_put(c->id);
	plat_free(space);
}

static int space_map(struct pci_host *host, struct iommu_space *space,
		     uint64_t dma, uint64_t hpa, uint64_t size,
		     unsigned int flags)
{
	(void)host;
	return dma_tables_map(&space->context.tables, dma, hpa, size,
			      flags & (IOMMU_READ | IOMMU_WRITE));
}

static void space_unmap(struct pci_host *host, struct iommu_space *space,
			uint64_t dma, uint64_t size)
{
	(void)host;
	dma_tables_unmap(&space->context.tables, dma, size);
}

static int attach(struct pci_host *host, pci_sbdf_t rid, enum iommu_mode mode,
		  struct iommu_space *space)
{
	(void)host;
	switch (mode) {
	case IOMMU_IDENTITY:
		return smmu_stream_set(rid, &smmu.identity);
	case IOMMU_SCRATCH:
		return smmu_stream_set(rid, &smmu.scratch);
	case IOMMU_SPACE:
		return smmu_stream_set(rid, &space->context);
	default:
		return smmu_stream_set(rid, &smmu.blocked);
	}
}

/*
 * A range goes with all of its space: a guest's memory is mapped once, so what
 * is unmapped alone is rare. Requester IDs without a StreamID, and devices that
 * have no ATS, have nothing to forget.
 */
static int flush(struct pci_host *host, const struct iommu_flush *what,
		 uint64_t *ticket)
{
	uint64_t cmd[1][2] = { { 0 } };
	unsigned int n = 0;
	uint32_t sid;

	(void)host;
	if (what->kind == IOMMU_FLUSH_RANGE) {
		cmd[n++][0] = tlbi(&what->space->context);
	} else if (what->kind == IOMMU_FLUSH_CONTEXT &&
		   smmu_stream_of(what->sbdf, &sid)) {
		cmd[n++][0] = CMD_CFGI_STE | CMD_CFGI_STREAM(sid);
	}
	return smmu_begin(cmd, n, ticket);
}

static int flush_done(struct pci_host *host, uint64_t ticket)
{
	(void)host;
	return smmu_done(ticket);
}

/* The page of the doorbell, and what the unit does not translate. */
static int reserved(struct pci_host *host, pci_sbdf_t sbdf, unsigned int i,
		    struct iommu_region *out)
{
	uint64_t end = UINT64_C(1) << smmu.blocked.tables.bits;

	(void)host;
	(void)sbdf;
	*out = (struct iommu_region){ .kind = IOMMU_REGION_RESERVED };
	switch (i) {
	case 0:
		out->start = smmu.doorbell & ~(uint64_t)(PLAT_PAGE_SIZE - 1);
		out->size = PLAT_PAGE_SIZE;
		return 0;
	case 1:
		out->start = end;
		out->size = 0 - end;
		return 0;
	default:
		return -ENOENT;
	}
}

static const struct iommu_ops smmu_ops = {
	.space_create = space_create,
	.space_destroy = space_destroy,
	.map = space_map,
	.unmap = space_unmap,
	.attach = attach,
	.flush = flush,
	.flush_done = flush_done,
	.reserved = reserved,
};

/* --- the start -------------------------------------------------------------------- */

static const char *what_lacks(uint32_t idr0, uint32_t idr1, uint32_t idr5)
{
	if (!(idr0 & (IDR0_S1P | IDR0_S2P)))
		return "translation";
	if (!(idr0 & IDR0_TTF_AARCH64) || !(idr5 & IDR5_GRAN4K) ||
	    IDR0_TTENDIAN(idr0) == IDR0_TTENDIAN_BIG)
		return "AArch64 tables of 4 KiB, little-endian";
	if (!(idr0 & IDR0_COHACC))
		return "coherent access to tables and queues";
	if (idr1 & (IDR1_QUEUES_PRESET | IDR1_TABLES_PRESET))
		return "tables and queues where we want them";
	if (IDR1_CMDQS(idr1) < 2)
		return "a command queue of four entries";
	return NULL;
}

/* Until @reg has @val in @mask, or PCI_FLUSH_TIME. */
static int await(uint32_t reg, uint64_t mask, uint64_t val)
{
	uint64_t deadline = plat_now() + PCI_FLUSH_TIME;
	bool late;

	do {
		late = plat_now() >= deadline;
		if ((smmu_read(reg) & mask) == val)
			return 0;
		plat_relax();
	} while (!late);
	plat_log(PLAT_ERROR, "smmu: register %x stays %x", reg, smmu_read(reg));
	return -EIO;
}

static int control(uint64_t cr0)
{
	smmu_write(SMMU_CR0, cr0);
	return await(SMMU_CR0ACK, UINT32_MAX, cr0);
}

/* Off, and nothing passes while it is (§6.3.11, §6.3.15). */
static int stop(void)
{
	if (await(SMMU_GBPA, GBPA_UPDATE, 0))
		return -EIO;
	smmu_write(SMMU_GBPA, GBPA_UPDATE | GBPA_ABORT);
	if (await(SMMU_GBPA, GBPA_UPDATE, 0) || control(0))
		return -EIO;
	smmu_write(SMMU_IRQ_CTRL, 0);
	return await(SMMU_IRQ_CTRLACK, UINT32_MAX, 0);
}

static int map_memory(const struct smmu_setup *setup)
{
	unsigned int i, flags = IOMMU_READ | IOMMU_WRITE | DMA_BLOCKS;
	int err = 0;

	for (i = 0; i < setup->memories && !err; i++) {
		const struct smmu_memory *m = &setup->memory[i];

		err = dma_tables_map(&smmu.identity.tables, m->start, m->start,
				     m->size,
				     m->device ? flags | DMA_DEVICE : flags);
	}
	return err;
}

static int make_contexts(const struct smmu_setup *setup)
{
	void *page = plat_zalloc(PLAT_PAGE_SIZE);
	int err = page ? context_init(&smmu.blocked) : -ENOMEM;

	if (!err)
		err = context_init(&smmu.identity);
	if (!err)
		err = context_init(&smmu.scratch);
	if (!err)
		err = dma_tables_fold(&smmu.scratch.tables,
				      (uint64_t)(uintptr_t)page);
	if (!err)
		err = map_memory(setup);
	/* The tables of stage 2 say nothing of who is blocked. */
	if (smmu.stage2)
		memset(smmu.blocked.ste, 0, sizeof(smmu.blocked.ste));
	return err;
}

/* §6.3.9.6: what it knew before is forgotten before it is on. */
static int start(uint32_t idr0)
{
	const uint64_t cmd[3][2] = { { CMD_CFGI_ALL, CMD_CFGI_RANGE_ALL },
				     { CMD_TLBI_NSNH_ALL },
				     { CMD_TLBI_EL2_ALL } };
	uint64_t cr0 = CR0_CMDQEN;

	/* Errors of before (§7.5). */
	smmu_write(SMMU_GERRORN, smmu_read(SMMU_GERROR));
	if (control(cr0) || smmu_execute(cmd, idr0 & IDR0_HYP ? 3 : 2))
		return -EIO;
	cr0 |= CR0_EVENTQEN;
	if (idr0 & IDR0_ATS) /* translated requests are looked up: refused */
		cr0 |= CR0_ATSCHK;
	if (control(cr0))
		return -EIO;
	return control(cr0 | CR0_SMMUEN);
}

static int set_up(const struct smmu_setup *setup, uint32_t idr0, uint32_t idr1)
{
	int err = make_contexts(setup);

	if (!err)
		err = smmu_stream_init(idr0, idr1);
	if (!err)
		err = smmu_cmdq_init(idr1);
	if (!err)
		err = smmu_events_init(idr1);
	smmu_write(SMMU_CR1, CR1_QUEUE_IC_WB | CR1_QUEUE_OC_WB |
				     CR1_QUEUE_SH_INNER | CR1_TABLE_IC_WB |
				     CR1_TABLE_OC_WB | CR1_TABLE_SH_INNER);
	/* Unknown StreamIDs are events; no CPU's TLB maintenance reaches it. */
	smmu_write(SMMU_CR2, CR2_RECINVSID | CR2_PTM);
	return err;
}

int smmu_init(struct pci_host *host, const struct smmu_setup *setup)
{
	uint32_t idr0, idr1, idr5;
	const char *lacks;
	int err;

	smmu = (struct smmu_unit){
		.registers = setup->registers,
		.host = host,
		.segment = setup->segment,
		.stream = setup->stream,
		.doorbell = setup->doorbell,
	};
	plat_lock_init(&smmu.lock);
	idr0 = smmu_read(SMMU_IDR0);
	idr1 = smmu_read(SMMU_IDR1);
	idr5 = smmu_read(SMMU_IDR5);
	lacks = what_lacks(idr0, idr1, idr5);
	if (lacks) {
		plat_log(PLAT_ERROR, "smmu: without %s", lacks);
		smmu.registers = NULL;
		return -EOPNOTSUPP;
	}
	smmu.stage2 = idr0 & IDR0_S2P;
	smmu.oas = IDR5_OAS(idr5) < ARRAY_SIZE(oas_bits)
			   ? oas_bits[IDR5_OAS(idr5)]
			   : oas_bits[OAS_48];
	err = stop();
	if (!err)
		err = set_up(setup, idr0, idr1);
	if (!err)
		err = start(idr0);
	if (err) {
		smmu.registers = NULL;
		return err;
	}
	host->iommu = &smmu_ops;
	plat_log(PLAT_INFO,
		 "smmu: stage %u, %u bits of StreamID in %u level(s)",
		 smmu.stage2 ? 2 : 1, smmu.sid_bits, smmu.two_level ? 2 : 1);
	return 0;
}
