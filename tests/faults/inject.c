/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/errno.h>
#include <holdfast/lock.h>
#include <holdfast/pci_regs.h>
#include <holdfast/platform.h>

#include "driver.h"
#include "inject.h"

static const struct {
	const char *name;
	unsigned int class;
} kinds[INJECT_KINDS] = {
	[INJECT_MEMORY] = { "memory", OF_MEMORY },
	[INJECT_READ_EIO] = { "config-read-eio", OF_CONFIG },
	[INJECT_READ_ONES] = { "config-read-ones", OF_CONFIG },
	[INJECT_WRITE_EIO] = { "config-write-eio", OF_CONFIG },
	[INJECT_DEAD] = { "config-dead", OF_CONFIG },
	[INJECT_RETRY] = { "config-retry", OF_CONFIG },
	[INJECT_BAR_ONES] = { "bar-read-ones", OF_CONFIG },
	[INJECT_SPACE] = { "space-create", OF_UNIT_MEM },
	[INJECT_MAP] = { "map", OF_UNIT_MEM },
	[INJECT_ATTACH_ENOMEM] = { "attach-enomem", OF_UNIT_MEM },
	[INJECT_ATTACH_EIO] = { "attach-eio", OF_UNIT },
	[INJECT_FLUSH_FULL] = { "flush-full", OF_UNIT },
	[INJECT_FLUSH_EIO] = { "flush-eio", OF_UNIT },
	[INJECT_FLUSH_LATE] = { "flush-late", OF_UNIT },
	[INJECT_FLUSH_NEVER] = { "flush-never", OF_UNIT },
	[INJECT_FLUSH_DONE] = { "flush-done", OF_UNIT },
	[INJECT_ATS_ENOMEM] = { "ats-enomem", OF_UNIT_MEM },
	[INJECT_ATS_NONE] = { "ats-none", OF_UNIT },
	[INJECT_IRQ_ENOSPC] = { "irq-enospc", OF_IRQ },
	[INJECT_IRQ_ENOMEM] = { "irq-enomem", OF_IRQ },
	[INJECT_RESET_IGNORED] = { "reset-ignored", OF_RESET },
	[INJECT_RESET_DEAD] = { "reset-dead", OF_RESET },
	[INJECT_RESET_SLOW] = { "reset-slow", OF_RESET },
	[INJECT_RESET_LATE] = { "reset-late", OF_RESET },
};

const char *inject_name(enum inject_kind kind)
{
	return kinds[kind].name;
}

unsigned int inject_class(enum inject_kind kind)
{
	return kinds[kind].class;
}

/* --- which call ------------------------------------------------------------- */

static struct {
	enum inject_kind kind;
	unsigned int left; /* calls until one fails; 0: none will */
	bool on, fired;
	unsigned int outside; /* of the core: in a host, or the test's own */
} inject;

static struct fabric *fabric;

static bool counts(enum inject_kind kind)
{
	return inject.on && inject.left && inject.kind == kind;
}

/* A call that this kind can make fail: does it? */
static bool hit(enum inject_kind kind)
{
	if (!counts(kind) || --inject.left)
		return false;
	inject.fired = true;
	return true;
}

void inject_arm(enum inject_kind kind, unsigned int nth)
{
	inject.kind = kind;
	inject.left = nth;
	inject.fired = false;
	inject.on = false;
	/* What fails has not been done meanwhile. */
	fabric_flush_delay(fabric,
			   kind == INJECT_FLUSH_DONE ? PLAT_NSEC_PER_MSEC : 0);
}

bool inject_on(bool on)
{
	bool was = inject.on;

	inject.on = on;
	return was;
}

bool inject_fired(void)
{
	return inject.fired;
}

enum inject_kind inject_kind(void)
{
	return inject.kind;
}

bool inject_loses_writes(void)
{
	return inject.kind == INJECT_DEAD || inject.kind == INJECT_RESET_DEAD;
}

void inject_pause(void)
{
	inject.outside++;
}

void inject_resume(void)
{
	inject.outside--;
}

/* --- memory ----------------------------------------------------------------- */

struct object {
	struct object *prev, *next;
	void *caller;
	uint64_t number;
	size_t size;
	bool core; /* not a host's */
};

static struct object objects = { .prev = &objects, .next = &objects };
static unsigned long of_core;
static uint64_t next_number;

void *__wrap_plat_zalloc(size_t size);
void __wrap_plat_free(void *p);

void *__wrap_plat_zalloc(size_t size)
{
	struct object *o;

	if (!inject.outside && hit(INJECT_MEMORY))
		return NULL;
	o = calloc(1, sizeof(*o) + size);
	if (!o)
		return NULL;
	o->caller = __builtin_return_address(0);
	o->number = next_number++;
	o->size = size;
	o->core = !inject.outside;
	of_core += o->core;
	o->prev = &objects;
	o->next = objects.next;
	o->next->prev = o->prev->next = o;
	return o + 1;
}

void __wrap_plat_free(void *p)
{
	struct object *o = p;

	if (!o)
		return;
	o--;
	of_core -= o->core;
	o->prev->next = o->next;
	o->next->prev = o->prev;
	free(o);
}

unsigned long inject_objects(void)
{
	plat_rcu_barrier();
	return of_core;
}

uint64_t inject_now(void)
{
	return next_number;
}

void inject_print_objects(uint64_t since)
{
	struct object *o;

	for (o = objects.next; o != &objects; o = o->next)
		if (o->core && o->number >= since)
			fprintf(stderr, "  %zu bytes from %p\n", o->size,
				o->caller);
}

/* --- grace periods ------------------------------------------------------------ */

static struct {
	struct plat_rcu_head **head;
	size_t n, room;
} callbacks;

void __wrap_plat_rcu_call(struct plat_rcu_head *head,
			  void (*fn)(struct plat_rcu_head *head));
void __wrap_plat_rcu_synchronize(void);
void __wrap_plat_rcu_barrier(void);
plat_gp_t __wrap_plat_gp_start(void);
bool __wrap_plat_gp_done(plat_gp_t gp);

void __wrap_plat_rcu_call(struct plat_rcu_head *head,
			  void (*fn)(struct plat_rcu_head *head))
{
	head->fn = fn;
	if (callbacks.n == callbacks.room) {
		callbacks.room = callbacks.room * 2 + 16;
		callbacks.head =
			realloc(callbacks.head,
				callbacks.room * sizeof(*callbacks.head));
	}
	callbacks.head[callbacks.n++] = head;
}

static void run_callbacks(void)
{
	struct plat_rcu_head **head = callbacks.head;
	size_t i, n = callbacks.n;

	memset(&callbacks, 0, sizeof(callbacks));
	for (i = 0; i < n; i++)
		head[i]->fn(head[i]);
	free(head);
}

void __wrap_plat_rcu_synchronize(void)
{
	pci_assert_may_wait("a grace period");
	run_callbacks();
}

void __wrap_plat_rcu_barrier(void)
{
	pci_assert_may_wait("callbacks");
	while (callbacks.n)
		run_callbacks();
}

static plat_gp_t started, ended;

plat_gp_t __wrap_plat_gp_start(void)
{
	return ++started;
}

/* Not at the first look. */
bool __wrap_plat_gp_done(plat_gp_t gp)
{
	if (gp <= ended)
		return true;
	ended = gp;
	run_callbacks();
	return false;
}

/* --- time ----------------------------------------------------------------------- */

static uint64_t now = 1000 * PLAT_NSEC_PER_SEC;

uint64_t __wrap_plat_now(void);
bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline);
bool __real_plat_event_wait(plat_event_t *event, uint64_t deadline);

uint64_t __wrap_plat_now(void)
{
	return now;
}

bool __wrap_plat_event_wait(plat_event_t *event, uint64_t deadline)
{
	if (__real_plat_event_wait(event, 0))
		return true;
	run_callbacks();
	if (__real_plat_event_wait(event, 0))
		return true;
	if (deadline == PLAT_FOREVER)
		driver_fail(__FILE__, __LINE__, "it waits for ever");
	if (deadline > now)
		now = deadline;
	return false;
}

/* --- configuration ------------------------------------------------------------- */

static const struct pci_host_ops *host_ops;
static const struct iommu_ops *unit_ops;
static const struct msi_ops *irq_ops;

static void set_fault(pci_sbdf_t sbdf, enum fabric_fault_kind kind,
		      uint64_t arg)
{
	const struct fabric_fault fault = { sbdf, kind, arg };

	(void)!fabric_fault_set(fabric, &fault); /* it may be absent */
}

static uint32_t ones(uint8_t size)
{
	return (uint32_t)(~0ull >> (64 - 8 * size));
}

static uint32_t look(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size)
{
	uint32_t val;

	(void)host_ops->read(host, sbdf, reg, size, &val);
	return val;
}

static bool is_vendor(uint16_t reg, uint8_t size)
{
	return reg == PCI_VENDOR_ID && size >= 2;
}

static int read_one(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		    uint8_t size, uint32_t *val)
{
	*val = ones(size);
	if (hit(INJECT_READ_EIO))
		return -EIO;
	if (hit(INJECT_READ_ONES))
		return 0;
	if (hit(INJECT_DEAD))
		set_fault(sbdf, FABRIC_ALL_ONES, 0);
	if (is_vendor(reg, size) && hit(INJECT_RETRY))
		set_fault(sbdf, FABRIC_RETRY, 3);
	return host_ops->read(host, sbdf, reg, size, val);
}

static int host_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	int err;

	inject_pause();
	err = read_one(host, sbdf, reg, size, val);
	inject_resume();
	return err;
}

/* --- resets -------------------------------------------------------------------------- */

static uint16_t capability(struct pci_host *host, pci_sbdf_t sbdf, uint8_t id)
{
	uint8_t pos = (uint8_t)look(host, sbdf, PCI_CAPABILITY_LIST, 1);
	unsigned int n;

	for (n = 0; n < 48 && pos >= PCI_STD_HEADER_SIZEOF; n++) {
		if (look(host, sbdf, pos, 1) == id)
			return pos;
		pos = (uint8_t)look(host, sbdf, pos + 1, 1) & ~3u;
	}
	return 0;
}

static bool is_bridge(struct pci_host *host, pci_sbdf_t sbdf)
{
	return (look(host, sbdf, PCI_HEADER_TYPE, 1) & 0x7f) ==
	       PCI_HEADER_TYPE_BRIDGE;
}

static bool resets(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		   uint32_t val)
{
	uint16_t pos;

	if (is_bridge(host, sbdf))
		return reg == PCI_BRIDGE_CONTROL &&
		       val & PCI_BRIDGE_CTL_BUS_RESET;
	pos = capability(host, sbdf, PCI_CAP_ID_EXP);
	if (pos && reg == pos + PCI_EXP_DEVCTL)
		return val & PCI_EXP_DEVCTL_BCR_FLR;
	pos = capability(host, sbdf, PCI_CAP_ID_AF);
	if (pos && reg == pos + PCI_AF_CTRL)
		return val & PCI_AF_CTRL_FLR;
	pos = capability(host, sbdf, PCI_CAP_ID_PM);
	return pos && reg == pos + PCI_PM_CTRL &&
	       (val & PCI_PM_CTRL_STATE_MASK) == PCI_PM_CTRL_STATE_MASK;
}

static const struct {
	enum inject_kind kind;
	enum fabric_fault_kind fault;
	uint64_t arg;
} reset_faults[] = {
	{ INJECT_RESET_IGNORED, FABRIC_IGNORES_RESET, 0 },
	{ INJECT_RESET_DEAD, FABRIC_DEAD_AFTER_RESET, 0 },
	{ INJECT_RESET_SLOW, FABRIC_SLOW_RESET, PLAT_NSEC_PER_SEC / 2 },
	/* The core gives it a second, and conventional PCI two. */
	{ INJECT_RESET_LATE, FABRIC_SLOW_RESET, PLAT_NSEC_PER_SEC },
};

/* Of a bridge: all that is behind it. */
static void spoil_reset(struct pci_host *host, pci_sbdf_t sbdf,
			enum fabric_fault_kind fault, uint64_t arg)
{
	unsigned int devfn;

	if (!is_bridge(host, sbdf)) {
		set_fault(sbdf, fault, arg);
		return;
	}
	sbdf.bus = (uint8_t)look(host, sbdf, PCI_SECONDARY_BUS, 1);
	for (devfn = 0; devfn < 256; devfn++) {
		sbdf.devfn = (uint8_t)devfn;
		set_fault(sbdf, fault, arg);
	}
}

static int write_one(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t val)
{
	unsigned int i;

	if (hit(INJECT_WRITE_EIO))
		return -EIO;
	if (hit(INJECT_DEAD))
		set_fault(sbdf, FABRIC_ALL_ONES, 0);
	for (i = 0; i < ARRAY_SIZE(reset_faults); i++)
		if (counts(reset_faults[i].kind) &&
		    resets(host, sbdf, reg, val) && hit(reset_faults[i].kind))
			spoil_reset(host, sbdf, reset_faults[i].fault,
				    reset_faults[i].arg);
	return host_ops->write(host, sbdf, reg, size, val);
}

static int host_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	int err;

	inject_pause();
	err = write_one(host, sbdf, reg, size, val);
	inject_resume();
	return err;
}

static int host_mem_read(struct pci_host *host, uint64_t addr, uint8_t size,
			 uint64_t *val)
{
	int err = 0;

	inject_pause();
	if (hit(INJECT_BAR_ONES))
		*val = ~0ull >> (64 - 8 * size);
	else
		err = host_ops->mem_read(host, addr, size, val);
	inject_resume();
	return err;
}

static int host_mem_write(struct pci_host *host, uint64_t addr, uint8_t size,
			  uint64_t val)
{
	int err;

	inject_pause();
	err = host_ops->mem_write(host, addr, size, val);
	inject_resume();
	return err;
}

static void host_adding(struct pci_host *host, pci_sbdf_t sbdf)
{
	inject_pause();
	host_ops->adding(host, sbdf);
	inject_resume();
}

static void host_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	inject_pause();
	host_ops->removed(host, sbdf);
	inject_resume();
}

/* --- the IOMMU -------------------------------------------------------------------------- */

static int unit_space_create(struct pci_host *host, unsigned int domid,
			     struct iommu_space **out)
{
	int err;

	inject_pause();
	err = hit(INJECT_SPACE) ? -ENOMEM
				: unit_ops->space_create(host, domid, out);
	inject_resume();
	return err;
}

static void unit_space_destroy(struct pci_host *host, struct iommu_space *space)
{
	inject_pause();
	unit_ops->space_destroy(host, space);
	inject_resume();
}

static int unit_map(struct pci_host *host, struct iommu_space *space,
		    uint64_t dma, uint64_t hpa, uint64_t size,
		    unsigned int flags)
{
	int err;

	inject_pause();
	err = hit(INJECT_MAP)
		      ? -ENOMEM
		      : unit_ops->map(host, space, dma, hpa, size, flags);
	inject_resume();
	return err;
}

static void unit_unmap(struct pci_host *host, struct iommu_space *space,
		       uint64_t dma, uint64_t size)
{
	inject_pause();
	unit_ops->unmap(host, space, dma, size);
	inject_resume();
}

static int unit_attach(struct pci_host *host, pci_sbdf_t rid,
		       enum iommu_mode mode, struct iommu_space *space)
{
	int err = 0;

	inject_pause();
	if (mode != IOMMU_BLOCKED && hit(INJECT_ATTACH_ENOMEM))
		err = -ENOMEM;
	else if (mode != IOMMU_BLOCKED && hit(INJECT_ATTACH_EIO))
		err = -EIO;
	if (!err)
		err = unit_ops->attach(host, rid, mode, space);
	inject_resume();
	return err;
}

static int flush_one(struct pci_host *host, const struct iommu_flush *what,
		     uint64_t *ticket)
{
	bool late = hit(INJECT_FLUSH_LATE), never = hit(INJECT_FLUSH_NEVER);
	int err;

	if (hit(INJECT_FLUSH_FULL))
		return -EBUSY;
	if (hit(INJECT_FLUSH_EIO))
		return -EIO;
	if (late || never)
		fabric_flush_delay(fabric,
				   late ? PLAT_NSEC_PER_MSEC : PLAT_FOREVER);
	err = unit_ops->flush(host, what, ticket);
	if (late || never)
		fabric_flush_delay(fabric, 0);
	return err;
}

static int unit_flush(struct pci_host *host, const struct iommu_flush *what,
		      uint64_t *ticket)
{
	int err;

	inject_pause();
	err = flush_one(host, what, ticket);
	inject_resume();
	return err;
}

static int unit_flush_done(struct pci_host *host, uint64_t ticket)
{
	int err;

	inject_pause();
	if (hit(INJECT_FLUSH_DONE))
		fabric_fail(fabric, FABRIC_CALL_FLUSH_DONE, 1);
	err = unit_ops->flush_done(host, ticket);
	inject_resume();
	return err;
}

static int unit_ats(struct pci_host *host, pci_sbdf_t rid, bool on)
{
	int err = 0;

	inject_pause();
	if (on && hit(INJECT_ATS_ENOMEM))
		err = -ENOMEM;
	else if (on && hit(INJECT_ATS_NONE))
		err = -EOPNOTSUPP;
	if (!err)
		err = unit_ops->ats(host, rid, on);
	inject_resume();
	return err;
}

/* --- interrupts ---------------------------------------------------------------------------- */

static int irq_alloc(struct pci_host *host, pci_sbdf_t sbdf, unsigned int count,
		     struct pci_irq *irq, struct msi_message *message)
{
	int err = 0;

	inject_pause();
	if (hit(INJECT_IRQ_ENOSPC))
		err = -ENOSPC;
	else if (hit(INJECT_IRQ_ENOMEM))
		err = -ENOMEM;
	if (!err)
		err = irq_ops->alloc(host, sbdf, count, irq, message);
	inject_resume();
	return err;
}

static void irq_free(struct pci_host *host, struct pci_irq *irq)
{
	inject_pause();
	irq_ops->free(host, irq);
	inject_resume();
}

/* --- the whole -------------------------------------------------------------------------------- */

void inject_host(struct fabric *f)
{
	static struct pci_host_ops ops;
	static struct iommu_ops unit;
	static struct msi_ops irq;
	struct pci_host *host = fabric_host(f);

	fabric = f;
	host_ops = host->ops;
	unit_ops = host->iommu;
	irq_ops = host->msi;
	ops = *host_ops;
	ops.read = host_read;
	ops.write = host_write;
	ops.mem_read = host_mem_read;
	ops.mem_write = host_mem_write;
	ops.adding = host_adding;
	ops.removed = host_removed;
	unit = *unit_ops;
	unit.space_create = unit_space_create;
	unit.space_destroy = unit_space_destroy;
	unit.map = unit_map;
	unit.unmap = unit_unmap;
	unit.attach = unit_attach;
	unit.flush = unit_flush;
	unit.flush_done = unit_flush_done;
	unit.ats = unit_ats;
	irq.alloc = irq_alloc;
	irq.free = irq_free;
	host->ops = &ops;
	host->iommu = &unit;
	host->msi = &irq;
}

void inject_revive(void)
{
	struct fabric_fault fault[64];
	unsigned int i, n;

	inject_pause();
	inject.left = 0;
	n = fabric_faults(fabric, fault, ARRAY_SIZE(fault));
	for (i = 0; i < n && i < ARRAY_SIZE(fault); i++)
		(void)!fabric_fault_clear(fabric, fault[i].sbdf);
	fabric_fail(fabric, FABRIC_CALL_FLUSH_DONE, 0);
	fabric_flush_delay(fabric, 0);
	fabric_flush_finish(fabric);
	inject_resume();
}
