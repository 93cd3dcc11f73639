/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tester: a function that makes the requests that it is told to.
 *
 * Its registers are changed under the segment's lock; a command is done outside
 * of it, by one thread at a time, on a copy of them. A reset or a new command
 * meanwhile gives them another version, and then what came of the old one is
 * only counted.
 */
#include <string.h>

#include "machine.h"

#define REG(name) (FABRIC_TESTER_##name / 4)

static void set_busy(struct fab_tester *t, bool busy)
{
	struct fabric *f = t->fn->seg->fabric;

	if (hf_load_relaxed(&t->busy) == busy)
		return;
	hf_store_release(&t->busy, busy);
	hf_fetch_add_relaxed(&f->busy, busy ? 1 : UINT32_MAX);
}

static void clear(struct fab_tester *t)
{
	memset(t->reg, 0, sizeof(t->reg));
	t->reg[REG(ID)] = FABRIC_TESTER_MAGIC;
	t->version++;
	set_busy(t, false);
}

int fab_tester_new(struct fab_fn *fn)
{
	struct fab_tester *t = plat_zalloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->next = fn->seg->testers;
	fn->seg->testers = t;
	fn->tester = t;
	clear(t);
	return 0;
}

void fab_tester_unlink(struct fab_fn *fn)
{
	struct fab_tester **at = &fn->seg->testers;

	while (*at && *at != fn->tester)
		at = &(*at)->next;
	if (*at)
		*at = fn->tester->next;
	set_busy(fn->tester, false);
}

void fab_tester_reset(struct fab_fn *fn)
{
	if (fn->tester && !fab_keeps_dma(fn))
		clear(fn->tester);
}

bool fab_tester_pending(const struct fab_fn *fn)
{
	return fn->tester && hf_load_acquire(&fn->tester->busy) &&
	       fab_masters(fn);
}

/* --- registers ------------------------------------------------------------ */

bool fab_tester_is_reg(const struct fab_fn *fn, unsigned int bar,
		       uint64_t offset)
{
	return fn->tester && bar == 0 && offset < FABRIC_TESTER_SIZE;
}

void fab_tester_read(const struct fab_fn *fn, uint64_t offset, uint8_t size,
		     uint64_t *val)
{
	uint8_t bytes[FABRIC_TESTER_SIZE + 8] = { 0 };

	memcpy(bytes, fn->tester->reg, FABRIC_TESTER_SIZE);
	memcpy(val, &bytes[offset], size);
}

static bool is_writable(unsigned int i)
{
	return i < FABRIC_TESTER_SIZE / 4 && i != REG(ID) && i != REG(STATUS) &&
	       i != REG(DONE) && i != REG(FAILED);
}

/* A register is one or two dwords; parts of one are not written. */
void fab_tester_write(struct fab_fn *fn, uint64_t offset, uint8_t size,
		      uint64_t val)
{
	struct fab_tester *t = fn->tester;

	for (unsigned int i = (unsigned int)offset / 4; size >= 4;
	     i++, size -= 4, val >>= 32) {
		if (!is_writable(i))
			continue;
		t->reg[i] = (uint32_t)val;
		if (i != REG(COMMAND))
			continue;
		t->version++;
		t->reg[REG(STATUS)] = val ? FABRIC_TESTER_BUSY : 0;
		set_busy(t, (uint32_t)val != 0);
	}
}

/* --- commands ------------------------------------------------------------- */

struct work {
	struct fab_fn *fn;
	bool from_core;
	uint32_t reg[FABRIC_TESTER_SIZE / 4]; /* as it was begun */
};

static uint64_t address(const struct work *w, unsigned int i)
{
	return (uint64_t)w->reg[i + 1] << 32 | w->reg[i];
}

static int transfer(struct work *w, bool write, uint64_t addr, void *buf,
		    size_t len)
{
	struct fab_request r = {
		.fn = w->fn,
		.bdf = (uint16_t)(w->fn->bdf | (w->reg[REG(PHANTOM)] & 7)),
		.write = write,
		.from_core = w->from_core,
		.addr = addr,
		.buf = buf,
		.len = len,
	};

	return fab_dma(w->fn->seg, &r);
}

static int move_some(struct work *w, unsigned int command, uint32_t done,
		     uint8_t *buf, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i + 4 <= n && command == FABRIC_TESTER_WRITE; i += 4)
		memcpy(&buf[i], &w->reg[REG(DATA)], 4);
	if (command != FABRIC_TESTER_WRITE)
		rc = transfer(w, false, address(w, REG(SOURCE)) + done, buf, n);
	for (size_t i = 0; i < n && command == FABRIC_TESTER_READ && !rc; i++)
		w->reg[REG(DATA)] += buf[i];
	if (!rc && command != FABRIC_TESTER_READ)
		rc = transfer(w, true, address(w, REG(DESTINATION)) + done, buf,
			      n);
	return rc;
}

static bool wraps(uint64_t addr, uint32_t len)
{
	return addr + (len - 1) < addr;
}

static int move(struct work *w, unsigned int command)
{
	uint32_t len = w->reg[REG(LENGTH)], done = 0;
	uint8_t buf[4096] = { 0 };
	int rc = 0;

	if (!len || len > FABRIC_TESTER_MAX_LENGTH ||
	    (command != FABRIC_TESTER_WRITE &&
	     wraps(address(w, REG(SOURCE)), len)) ||
	    (command != FABRIC_TESTER_READ &&
	     wraps(address(w, REG(DESTINATION)), len)))
		return -EINVAL;
	if (command == FABRIC_TESTER_READ)
		w->reg[REG(DATA)] = 0;
	while (done < len && !rc) {
		uint32_t n = len - done < sizeof(buf) ? len - done
						      : sizeof(buf);

		rc = move_some(w, command, done, buf, n);
		done += n;
	}
	return rc;
}

static int execute(struct work *w)
{
	unsigned int command = w->reg[REG(COMMAND)] & ~FABRIC_TESTER_RUN;
	int rc;

	if (command == FABRIC_TESTER_INTERRUPT)
		return fab_interrupt(w->fn, w->reg[REG(VECTOR)], w->from_core);
	if (command == FABRIC_TESTER_STOP || command >= FABRIC_TESTER_COMMANDS)
		return -EINVAL;
	rc = move(w, command);
	if (command == FABRIC_TESTER_WRITE &&
	    (w->reg[REG(COMMAND)] & FABRIC_TESTER_RUN))
		w->reg[REG(DATA)]++;
	return rc;
}

static uint32_t status_of(int rc)
{
	switch (rc) {
	case 0:
		return FABRIC_TESTER_OK;
	case -EFAULT:
		return FABRIC_TESTER_REFUSED;
	case -EPERM:
		return FABRIC_TESTER_NOT_SENT;
	case -EINVAL:
		return FABRIC_TESTER_BAD;
	default:
		return FABRIC_TESTER_NOBODY;
	}
}

/* What came of it; segment lock. */
static void finish(struct fab_tester *t, const struct work *w, uint32_t version,
		   int rc)
{
	bool runs = (w->reg[REG(COMMAND)] & FABRIC_TESTER_RUN) && rc != -EINVAL;

	t->at_it = false;
	t->reg[rc ? REG(FAILED) : REG(DONE)]++;
	if (t->version != version)
		return;
	t->reg[REG(STATUS)] = status_of(rc) | (runs ? FABRIC_TESTER_BUSY : 0);
	t->reg[REG(DATA)] = w->reg[REG(DATA)];
	if (!runs) {
		t->reg[REG(COMMAND)] = FABRIC_TESTER_STOP;
		set_busy(t, false);
	}
}

/* A dead device does nothing, unless nothing stops it. */
static bool is_dead(const struct fab_fn *fn)
{
	struct fab_faults *faults =
		hf_load_acquire(&((struct fab_fn *)fn)->faults);

	return fn->gone || (faults && faults->all_ones && !faults->keeps_dma);
}

bool fab_tester_turn(struct fab_fn *fn, bool from_core)
{
	struct fab_tester *t = fn->tester;
	struct work w = { .fn = fn, .from_core = from_core };
	uint32_t version;
	bool begin;
	int rc;

	if (!t || !hf_load_acquire(&t->busy))
		return false;
	pthread_mutex_lock(&fn->seg->lock);
	begin = !t->at_it && t->reg[REG(COMMAND)] && !is_dead(fn);
	t->at_it |= begin;
	memcpy(w.reg, t->reg, sizeof(w.reg));
	version = t->version;
	pthread_mutex_unlock(&fn->seg->lock);
	if (!begin)
		return false;
	rc = execute(&w);
	pthread_mutex_lock(&fn->seg->lock);
	finish(t, &w, version, rc);
	pthread_mutex_unlock(&fn->seg->lock);
	return true;
}

/* --- turns ---------------------------------------------------------------- */

#define AT_ONCE 64 /* testers of a segment that get their turn */

static unsigned int turn_segment(struct fab_segment *seg, bool from_core)
{
	struct fab_fn *busy[AT_ONCE];
	unsigned int n = 0, done = 0;

	pthread_mutex_lock(&seg->lock);
	for (struct fab_tester *t = seg->testers; t && n < AT_ONCE; t = t->next)
		if (hf_load_relaxed(&t->busy))
			busy[n++] = t->fn;
	pthread_mutex_unlock(&seg->lock);
	for (unsigned int i = 0; i < n; i++)
		done += fab_tester_turn(busy[i], from_core);
	return done;
}

unsigned int fab_turn(struct fabric *f, bool from_core)
{
	unsigned int done = 0;

	if (!hf_load_acquire(&f->busy))
		return 0;
	plat_rcu_read_lock();
	for (struct fab_segment *seg = f->segments; seg; seg = seg->next)
		done += turn_segment(seg, from_core);
	plat_rcu_read_unlock();
	return done;
}

unsigned int fabric_turn(struct fabric *f)
{
	return fab_turn(f, false);
}

/* --- for tests ------------------------------------------------------------ */

static uint8_t size_of(unsigned int reg)
{
	if (reg == FABRIC_TESTER_SOURCE || reg == FABRIC_TESTER_DESTINATION)
		return 8;
	return reg & 3 || reg >= FABRIC_TESTER_SIZE ||
			       reg == FABRIC_TESTER_SOURCE + 4 ||
			       reg == FABRIC_TESTER_DESTINATION + 4
		       ? 0
		       : 4;
}

/* Segment lock held, if there is one; NULL: nobody, and it is not. */
static struct fab_fn *find_tester(struct fab_segment *seg, pci_sbdf_t sbdf)
{
	struct fab_fn *fn;

	if (!seg)
		return NULL;
	pthread_mutex_lock(&seg->lock);
	fn = fab_find(seg, sbdf.bdf);
	if (fn && fn->tester)
		return fn;
	pthread_mutex_unlock(&seg->lock);
	return NULL;
}

int fabric_tester_get(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg,
		      uint64_t *val)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_fn *fn = find_tester(seg, sbdf);

	if (!fn)
		return -ENODEV;
	*val = 0;
	if (size_of(reg))
		fab_tester_read(fn, reg, size_of(reg), val);
	pthread_mutex_unlock(&seg->lock);
	return size_of(reg) ? 0 : -EINVAL;
}

int fabric_tester_set(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg,
		      uint64_t val)
{
	struct fab_segment *seg = fab_segment(f, sbdf.seg);
	struct fab_fn *fn;

	plat_rcu_read_lock();
	fn = find_tester(seg, sbdf);
	if (fn) {
		if (size_of(reg))
			fab_tester_write(fn, reg, size_of(reg), val);
		pthread_mutex_unlock(&seg->lock);
		if (reg == FABRIC_TESTER_COMMAND)
			fab_tester_turn(fn, false);
	}
	plat_rcu_read_unlock();
	if (!fn)
		return -ENODEV;
	return size_of(reg) ? 0 : -EINVAL;
}
