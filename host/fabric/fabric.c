/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fabric as a host: opening, closing, and the operations that the core
 * calls. An access is one section: address, function, register, answer.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "machine.h"

/* --- config access -------------------------------------------------------- */

static uint32_t ones(uint8_t size)
{
	return size == 4 ? UINT32_MAX : (1u << size * 8) - 1;
}

static bool well_formed(uint16_t reg, uint8_t size)
{
	return (size == 1 || size == 2 || size == 4) && !(reg & (size - 1)) &&
	       reg < PCI_CFG_SPACE_EXP_SIZE;
}

/* Nobody sleeps in a section; the processor may be lent, though. */
static void be_slow(uint64_t nanoseconds)
{
	uint64_t end = plat_now() + nanoseconds;

	while (plat_now() < end)
		sched_yield();
}

static bool one_less(hf_atomic(uint64_t) * count)
{
	uint64_t n = hf_load_relaxed(count);

	while (n && !hf_cas_relaxed(count, &n, n - 1))
		;
	return n;
}

static bool is_stuck(const struct fab_faults *faults, uint16_t reg)
{
	for (unsigned int i = 0; i < faults->nstuck; i++)
		if (faults->stuck[i] == reg >> 2)
			return true;
	return false;
}

/* Transactions Pending, as the dword of @reg shows it. */
static uint32_t pending_bits(const struct fab_model *m, uint16_t reg)
{
	int dword = reg & ~3;

	if (m->pcie && dword == m->pcie + PCI_EXP_DEVCTL)
		return (uint32_t)PCI_EXP_DEVSTA_TRPND << 16;
	if (m->af && dword == m->af + PCI_AF_CTRL)
		return (uint32_t)PCI_AF_STATUS_TP << 8;
	return 0;
}

/* After a reset, for a while (PCIe 6.0 §2.3.1: retry status, or nothing). */
static bool is_ready(struct fab_faults *faults)
{
	uint64_t ready = hf_load_relaxed(&faults->ready);

	return !ready || plat_now() >= ready;
}

/* True: *@val instead of what the register says. */
static bool faulty_read(struct fab_faults *faults, uint16_t reg, uint8_t size,
			uint32_t *val)
{
	bool ready = is_ready(faults),
	     vendor = reg == PCI_VENDOR_ID && size > 1;

	if (faults->slow)
		be_slow(faults->slow);
	*val = ones(size);
	if (faults->all_ones)
		return true;
	if (vendor && (!ready || one_less(&faults->retry))) {
		*val = (ones(size) & ~0xffffu) | PCI_VENDOR_ID_RETRY;
		return true;
	}
	return !ready;
}

static uint32_t fn_read(struct fab_fn *fn, uint16_t reg, uint8_t size)
{
	struct fab_faults *faults = hf_load_acquire(&fn->faults);
	uint32_t val;

	if (reg >= fn->model->size)
		return ones(size);
	if (faults && faulty_read(faults, reg, size, &val))
		return val;
	val = fab_get(fn, reg);
	if ((faults && faults->pending) || fab_tester_pending(fn))
		val |= pending_bits(fn->model, reg);
	return val >> (reg & 3) * 8 & ones(size);
}

static int config_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		       uint8_t size, uint32_t *val)
{
	struct fab_segment *seg = fab_segment(fab_of_host(host), sbdf.seg);
	struct fab_fn *fn;

	*val = ones(size & 7 ? size & 7 : 4);
	if (!seg || !well_formed(reg, size))
		return 0;
	plat_rcu_read_lock();
	fn = fab_find(seg, sbdf.bdf);
	fab_witness_config(seg, sbdf, fn, false);
	if (fn) {
		*val = fn_read(fn, reg, size);
		fab_tester_turn(fn, true);
	}
	plat_rcu_read_unlock();
	return 0;
}

static void fn_write(struct fab_fn *fn, uint16_t reg, uint8_t size,
		     uint32_t val)
{
	struct fab_faults *faults = hf_load_acquire(&fn->faults);

	if (reg >= fn->model->size)
		return;
	if (faults && faults->slow)
		be_slow(faults->slow);
	if (!faults ||
	    (!faults->all_ones && is_ready(faults) && !is_stuck(faults, reg)))
		fab_fn_write(fn, reg, size, val);
}

static int config_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			uint8_t size, uint32_t val)
{
	struct fab_segment *seg = fab_segment(fab_of_host(host), sbdf.seg);
	struct fab_fn *fn;

	if (!seg || !well_formed(reg, size))
		return 0;
	plat_rcu_read_lock();
	fn = fab_find(seg, sbdf.bdf);
	fab_witness_config(seg, sbdf, fn, true);
	if (fn) {
		fn_write(fn, reg, size, val);
		fab_tester_turn(fn, true);
	}
	plat_rcu_read_unlock();
	return 0;
}

/* --- memory access, as the core makes it ----------------------------------- */

static int memory_read(struct pci_host *host, uint64_t addr, uint8_t size,
		       uint64_t *val)
{
	int rc = fabric_mem_read(fab_of_host(host), addr, size, val);

	if (size < 8)
		*val &= (1ull << size * 8) - 1;
	return rc == -ENODEV ? 0 : rc;
}

static int memory_write(struct pci_host *host, uint64_t addr, uint8_t size,
			uint64_t val)
{
	int rc = fabric_mem_write(fab_of_host(host), addr, size, val);

	return rc == -ENODEV ? 0 : rc;
}

/* --- who is there --------------------------------------------------------- */

static bool segment_next_function(struct fab_segment *seg, unsigned int *bdf)
{
	for (; *bdf <= UINT16_MAX; ++*bdf) {
		if (!hf_load_acquire(&seg->bus[*bdf >> 8]))
			*bdf |= 0xff;
		else if (fab_find(seg, (uint16_t)*bdf))
			return true;
	}
	return false;
}

static int next_function(struct pci_host *host, pci_sbdf_t *sbdf)
{
	struct fabric *f = fab_of_host(host);
	unsigned int bdf = sbdf->bdf;

	for (struct fab_segment *seg = f->segments; seg; seg = seg->next) {
		if (seg->number < sbdf->seg)
			continue;
		if (seg->number > sbdf->seg)
			bdf = 0;
		if (segment_next_function(seg, &bdf)) {
			*sbdf = pci_sbdf_from((uint32_t)seg->number << 16 |
					      bdf);
			return 0;
		}
	}
	return -ENOENT;
}

unsigned int fabric_functions(struct fabric *f)
{
	unsigned int n = 0;

	for (struct fab_segment *seg = f->segments; seg; seg = seg->next)
		for (unsigned int bdf = 0; segment_next_function(seg, &bdf);
		     bdf++)
			n++;
	return n;
}

int fabric_segment_next(struct fabric *f, unsigned int number)
{
	for (struct fab_segment *seg = f->segments; seg; seg = seg->next)
		if (seg->number >= number)
			return seg->number;
	return -ENOENT;
}

/*
 * VFs may be there from power-on, and their BARs cannot be sized by writing
 * then: what a data sheet would say. Of all else software finds out itself.
 */
static int bar_size(struct pci_host *host, pci_sbdf_t sbdf, unsigned int bar,
		    uint64_t *size)
{
	struct fab_segment *seg = fab_segment(fab_of_host(host), sbdf.seg);
	struct fab_fn *fn;
	int rc = -EOPNOTSUPP;

	if (bar < PCI_BAR_FIRST_VF)
		return rc;
	plat_rcu_read_lock();
	fn = seg ? fab_find(seg, sbdf.bdf) : NULL;
	if (fn && fn->model->sriov) {
		*size = fn->model->bar[bar].size;
		rc = 0;
	}
	plat_rcu_read_unlock();
	return rc;
}

static const struct pci_host_ops ops = {
	.read = config_read,
	.write = config_write,
	.next = next_function,
	.bar_size = bar_size,
	.mem_read = memory_read,
	.mem_write = memory_write,
	.adding = fab_witness_adding,
	.removed = fab_witness_removed,
};

struct pci_host *fabric_host(struct fabric *f)
{
	return &f->host;
}

/* --- opening -------------------------------------------------------------- */

static int parse_file(struct fabric *f, const char *path, char *err,
		      size_t errlen)
{
	size_t len = 0, room = 0, got = 1;
	char *text = NULL, *more;
	FILE *file = fopen(path, "re");
	int rc = 0;

	while (file && got && !rc) {
		room = room ? room * 2 : 65536;
		more = room > 64u << 20 ? NULL : realloc(text, room);
		if (!more) {
			errno = EFBIG;
			rc = -ENOMEM;
			break;
		}
		text = more;
		got = fread(text + len, 1, room - len, file);
		len += got;
	}
	if (!file || rc || ferror(file)) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		rc = -EINVAL;
	} else {
		rc = fab_parse(f, path, text, len, err, errlen);
	}
	if (file)
		fclose(file);
	free(text);
	return rc;
}

static int open_spec(struct fabric *f, const char *spec, char *err,
		     size_t errlen)
{
	unsigned long long n;
	char *end;
	int rc = fab_parse_builtin(f, err, errlen);

	if (rc)
		return rc;
	if (!strcmp(spec, "server"))
		return fab_parse(f, "server", fab_server_json,
				 strlen(fab_server_json), err, errlen);
	if (!strcmp(spec, "lab"))
		return fab_parse(f, "lab", fab_lab_json, strlen(fab_lab_json),
				 err, errlen);
	if (!strcmp(spec, "empty"))
		return fab_parse(f, "empty", fab_empty_json,
				 strlen(fab_empty_json), err, errlen);
	if (strncmp(spec, "scale=", 6))
		return parse_file(f, spec, err, errlen);
	n = strtoull(spec + 6, &end, 10);
	if (end == spec + 6 || *end || spec[6] == '-') {
		snprintf(err, errlen, "%s: N of scale=N is a number", spec);
		return -EINVAL;
	}
	return fab_scale(f, n, err, errlen);
}

/* Everybody to the places that their bridges' bus numbers say, then the VFs. */
static int power_on(struct fabric *f, char *err, size_t errlen)
{
	struct fab_arena arena;
	int rc = 0;

	fab_arena_init(&arena);
	for (struct fab_segment *seg = f->segments; seg; seg = seg->next) {
		pthread_mutex_lock(&seg->lock);
		for (struct fab_link *root = seg->roots; root;
		     root = root->next)
			fab_firmware(root, &arena);
		fab_route(seg);
		for (struct fab_link *root = seg->roots; root && !rc;
		     root = root->next)
			rc = fab_firmware_vfs(root);
		pthread_mutex_unlock(&seg->lock);
	}
	if (rc)
		snprintf(err, errlen, "out of memory");
	return rc;
}

struct fabric *fabric_open(const char *spec, char *err, size_t errlen)
{
	struct fabric *f = plat_zalloc(sizeof(*f));

	if (!f) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	f->host.ops = &ops;
	f->host.name = "fabric";
	f->host.iommu = &fab_iommu_ops;
	f->host.msi = &fab_msi_ops;
	pthread_mutex_init(&f->witness_lock, NULL);
	if (fab_machine_init(f)) {
		snprintf(err, errlen, "out of memory");
		fabric_close(f);
		return NULL;
	}
	if (open_spec(f, spec, err, errlen) || power_on(f, err, errlen)) {
		fabric_close(f);
		return NULL;
	}
	return f;
}

void fabric_close(struct fabric *f)
{
	struct fab_segment *seg;

	if (!f)
		return;
	plat_rcu_barrier(); /* retired functions are freed by then */
	while ((seg = f->segments)) {
		f->segments = seg->next;
		fab_segment_free(seg);
	}
	fab_machine_fini(f);
	free(f->by_number);
	json_object_put(f->builtin);
	json_object_put(f->file);
	pthread_mutex_destroy(&f->witness_lock);
	plat_free(f);
}
