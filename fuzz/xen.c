/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen interface: whatever a dom0 and a guest say, with memory that is not
 * all there, on a small machine. A record of the input is
 *
 *   byte 0     what is done (DO_…), and by whom
 *   byte 1     which operation, or how much
 *   byte 2     how many bytes follow, at most ARG
 *   the bytes  the argument
 *
 * Whatever they say: a guest gets nothing but refusals, and nothing of its
 * memory is read; answers are documented ones; -EFAULT has changed nothing; what
 * is told to come again ends by its deadline; 0 to a removal means that the
 * device is not there, another answer that it is as it was; the witness has
 * seen nothing, the invariants hold, and nothing is left.
 */
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/irq.h>
#include <holdfast/removal.h>
#include <holdfast/reset.h>
#include <holdfast/vpci.h>
#include <holdfast/xen_abi.h>

#define __XEN_TOOLS__ 1
#include <xen/domctl.h>
#include <xen/physdev.h>
#include <xen/sysctl.h>

#include "fabric.h"
#include "fuzz.h"
#include "serial.h"
#include "unit.h"

#define BASE 0x10000ull
#define ROOM 1024u
#define ARG 64u
#define RECORDS 64
#define MSEC PLAT_NSEC_PER_MSEC
#define PIRQS 48

enum {
	DO_PHYSDEV,  /* once: it may be left in the middle */
	DO_CONTINUE, /* to its end */
	DO_GUEST,    /* the same by a guest, PV or HVM */
	DO_DOMCTL,
	DO_SYSCTL,
	DO_MEMORY, /* a hole of dom0's, an allocation that fails */
	DO_DEVICE, /* an interrupt, a mask, a fault of the hardware */
	DO_TIME,
	DO_KINDS
};

struct record {
	uint8_t what, which, n;
	uint8_t arg[ARG];
};

static struct {
	struct fabric *f;
	struct xen_caller dom0, pv, hvm;
	struct domain *guest;
	uint8_t page[ROOM];
	unsigned int hole, hole_size; /* of the page; size 0: none */
	bool guests_turn;
	unsigned int preempt;
} world;

/* --- the hypervisor around it -------------------------------------------------- */

static bool is_there(uint64_t at, size_t size)
{
	uint64_t from = at - BASE;

	FUZZ_ASSERT(!world.guests_turn);
	if (at < BASE || from > ROOM || size > ROOM - from)
		return false;
	return !world.hole_size || from >= world.hole + world.hole_size ||
	       from + size <= world.hole;
}

static int copy_from(struct domain *d, void *to, uint64_t from, size_t size)
{
	(void)d;
	if (!is_there(from, size))
		return -EFAULT;
	memcpy(to, world.page + (from - BASE), size);
	return 0;
}

static int copy_to(struct domain *d, uint64_t to, const void *from, size_t size)
{
	(void)d;
	if (!is_there(to, size))
		return -EFAULT;
	memcpy(world.page + (to - BASE), from, size);
	return 0;
}

static bool preempt(void)
{
	return world.preempt++ % 2;
}

static void pirq(int n)
{
	FUZZ_ASSERT(n >= 16 && n < PIRQS);
}

static const struct xen_ops ops = { .copy_from = copy_from,
				    .copy_to = copy_to,
				    .preempt = preempt,
				    .pirq = pirq,
				    .pirqs = PIRQS };

/* --- what may be answered --------------------------------------------------------- */

static bool is_documented(int ret)
{
	switch (ret) {
	case 0:
	case -EPERM:
	case -ESRCH:
	case -EIO:
	case -ENXIO:
	case -E2BIG:
	case -EBADF:
	case -EAGAIN:
	case -ENOMEM:
	case -EACCES:
	case -EFAULT:
	case -EBUSY:
	case -EEXIST:
	case -ENODEV:
	case -EINVAL:
	case -ENFILE:
	case -ENOSPC:
	case -EDOM:
	case -ENOSYS:
	case -ENODATA:
	case -ERESTART:
	case -EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

/* What could have changed. */
struct shape {
	uint64_t devices, added, removed, vectors;
	unsigned int owned, resting;
};

static struct shape shape_now(void)
{
	struct pci_stats stats;

	pci_get_stats(&stats);
	return (struct shape){ .devices = stats.devices,
			       .added = stats.added,
			       .removed = stats.removed,
			       .vectors = pci_irq_vectors(),
			       .owned = domain_devices(world.guest),
			       .resting = domain_devices(dom_io) };
}

static void check_answer(int ret, const struct shape *before)
{
	struct shape after = shape_now();

	FUZZ_ASSERT(is_documented(ret));
	if (ret == -EFAULT)
		FUZZ_ASSERT(!memcmp(before, &after, sizeof(after)));
}

static bool is_removal(unsigned int cmd)
{
	return cmd == PHYSDEVOP_manage_pci_remove ||
	       cmd == PHYSDEVOP_pci_device_remove;
}

/* What the argument of a removal names. */
static pci_sbdf_t named(unsigned int cmd)
{
	const uint8_t *arg = world.page;
	pci_sbdf_t sbdf = { 0 };

	if (cmd == PHYSDEVOP_pci_device_remove) {
		memcpy(&sbdf.seg, arg, sizeof(sbdf.seg));
		arg += sizeof(sbdf.seg);
	}
	sbdf.bus = arg[0];
	sbdf.devfn = arg[1];
	return sbdf;
}

static void check_removal(unsigned int cmd, int ret)
{
	struct pci_dev_info info;
	int there = pci_query(named(cmd), &info);

	if (ret == 0 || ret == -ENODEV)
		FUZZ_ASSERT(there == -ENODEV);
	else if (ret == -EBUSY)
		FUZZ_ASSERT(!there && info.op == PCI_OP_NONE &&
			    info.state == PCI_STATE_LIVE && !info.lost);
}

/* --- calling ------------------------------------------------------------------------ */

static int call(const struct record *r)
{
	switch (r->what % DO_KINDS) {
	case DO_DOMCTL:
		return xen_domctl(&world.dom0, BASE);
	case DO_SYSCTL:
		return xen_sysctl(&world.dom0, BASE);
	default:
		return xen_physdev_op(&world.dom0, r->which, BASE);
	}
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

/* Its deadline, and the longest that one of the core's steps may last. */
static int to_the_end(const struct record *r)
{
	uint64_t end = plat_now() + XEN_RESTART_TIME + XEN_REMOVE_TIME +
		       PCI_QUIESCE_TIME + 1000 * MSEC;
	int ret;

	while ((ret = call(r)) == -ERESTART) {
		FUZZ_ASSERT(plat_now() < end);
		serial_wait(never, NULL, world.dom0.when);
	}
	return ret;
}

static void by_dom0(const struct record *r)
{
	bool once = r->what % DO_KINDS == DO_PHYSDEV;
	struct shape before = shape_now();
	int ret = once ? call(r) : to_the_end(r);

	if (ret == -EFAULT || once)
		check_answer(ret, &before);
	else
		FUZZ_ASSERT(is_documented(ret));
	if (r->what % DO_KINDS <= DO_CONTINUE && is_removal(r->which) &&
	    ret != -EFAULT && !world.hole_size)
		check_removal(r->which, ret);
}

static void do_physdev(const struct record *r)
{
	memset(world.page, 0, ARG);
	memcpy(world.page, r->arg, r->n);
	by_dom0(r);
}

static void do_guest(const struct record *r)
{
	bool hvm = r->what / DO_KINDS % 2;
	struct xen_caller *c = hvm ? &world.hvm : &world.pv;
	struct shape before = shape_now(), after;

	world.guests_turn = true;
	FUZZ_ASSERT(xen_domctl(c, BASE) == -EPERM);
	FUZZ_ASSERT(xen_sysctl(c, BASE) == -EPERM);
	switch (xen_physdev_op(c, r->which, BASE)) {
	case -ENOSYS:
		break;
	case -EPERM:
		FUZZ_ASSERT(!hvm);
		break;
	default:
		FUZZ_ASSERT(false);
	}
	world.guests_turn = false;
	after = shape_now();
	FUZZ_ASSERT(!memcmp(&before, &after, sizeof(after)));
}

/* Mostly one of those that are there, of the version that is. */
static void do_domctl(const struct record *r)
{
	static const uint8_t cmds[] = { XEN_DOMCTL_assign_device,
					XEN_DOMCTL_test_assign_device,
					XEN_DOMCTL_deassign_device,
					XEN_DOMCTL_get_device_group };
	static const uint16_t domains[] = { 1, DOMID_IO, DOMID_INVALID, 0 };
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	memcpy(&op.u, r->arg, r->n);
	op.cmd = r->which < 0xf0 ? cmds[r->which % 4] : r->which;
	op.interface_version =
		XEN_DOMCTL_INTERFACE_VERSION + (r->which == 0xff);
	op.domain = r->what & 0x80 ? r->which : domains[r->which / 4 % 4];
	if (op.cmd == XEN_DOMCTL_get_device_group)
		op.u.get_device_group.sdev_array.p =
			(void *)(uintptr_t)(BASE + 4u * r->arg[ARG - 1]);
	memcpy(world.page, &op, sizeof(op));
	by_dom0(r);
}

static void do_sysctl(const struct record *r)
{
	struct xen_sysctl op;
	struct xen_sysctl_pcitopoinfo *ti = &op.u.pcitopoinfo;

	memset(&op, 0, sizeof(op));
	op.cmd = r->which < 0xf0 ? XEN_SYSCTL_pcitopoinfo : r->which;
	op.interface_version =
		XEN_SYSCTL_INTERFACE_VERSION + (r->which == 0xff);
	ti->num_devs = r->which;
	ti->devs.p = r->arg[0] ? (void *)(uintptr_t)(BASE + 256) : NULL;
	ti->nodes.p = r->arg[1] ? (void *)(uintptr_t)(BASE + 4u * r->arg[1])
				: NULL;
	memcpy(world.page + 256, r->arg, ARG);
	memcpy(world.page, &op, sizeof(op));
	by_dom0(r);
}

/* --- around it ------------------------------------------------------------------------ */

static void do_memory(const struct record *r)
{
	world.hole = r->which;
	world.hole_size = r->arg[0] % 8;
	serial_fail_alloc = r->arg[1] % 32;
}

static void do_device(const struct record *r)
{
	pci_sbdf_t sbdf = { .bus = r->arg[0], .devfn = r->arg[1] };
	struct fabric_fault fault = { .sbdf = sbdf,
				      .kind = (enum fabric_fault_kind)(
					      r->arg[3] % FABRIC_FAULTS) };

	switch (r->which % 4) {
	case 0:
		(void)fabric_interrupt(world.f, sbdf, r->arg[2]);
		break;
	case 1:
		(void)xen_pirq_mask((int)r->arg[2] - 1, r->arg[3] % 2);
		break;
	case 2:
		if (fault.kind != FABRIC_SLOW && fault.kind != FABRIC_STICK &&
		    fault.kind != FABRIC_SLOW_RESET)
			(void)!fabric_fault_set(world.f, &fault);
		break;
	default:
		(void)!fabric_fault_clear(world.f, sbdf);
	}
}

static void do_time(const struct record *r)
{
	serial_pass(r->which * MSEC);
}

static void run(const struct record *r)
{
	static void (*const fn[])(const struct record *r) = {
		[DO_PHYSDEV] = do_physdev, [DO_CONTINUE] = do_physdev,
		[DO_GUEST] = do_guest,     [DO_DOMCTL] = do_domctl,
		[DO_SYSCTL] = do_sysctl,   [DO_MEMORY] = do_memory,
		[DO_DEVICE] = do_device,   [DO_TIME] = do_time,
	};

	fn[r->what % DO_KINDS](r);
}

/* --- beginning and end ------------------------------------------------------------------ */

static void begin(void)
{
	struct pci_scan scan;
	char err[200];

	memset(&world, 0, sizeof(world));
	serial_begin();
	world.f = fabric_open(FUZZ_FABRIC, err, sizeof(err));
	FUZZ_ASSERT(world.f);
	FUZZ_ASSERT(!pci_init() && !pci_config_init() && !pci_vpci_init(NULL) &&
		    !pci_irq_init(NULL) && !pci_iommu_init(NULL) &&
		    !pci_reset_init() && !xen_abi_init(&ops));
	FUZZ_ASSERT(!pci_segment_add(0, fabric_host(world.f)));
	FUZZ_ASSERT(!pci_scan_segment(0, &scan) && !scan.failed);
	FUZZ_ASSERT(!domain_create(1, "guest", NULL, NULL, &world.guest));
	xen_caller_init(&world.dom0, hardware_domain, false);
	xen_caller_init(&world.pv, world.guest, false);
	xen_caller_init(&world.hvm, world.guest, true);
}

static void end(void)
{
	struct fabric_unit_info unit;
	struct fabric_witness w;
	struct pci_stats stats;

	serial_fail_alloc = 0;
	xen_caller_fini(&world.hvm);
	xen_caller_fini(&world.pv);
	xen_caller_fini(&world.dom0);
	FUZZ_ASSERT(!pci_check_invariants());
	FUZZ_ASSERT(!domain_destroy(world.guest));
	domain_put(world.guest);
	FUZZ_ASSERT(!pci_check_invariants());
	xen_abi_fini();
	serial_callbacks();
	pci_get_stats(&stats);
	FUZZ_ASSERT(stats.objects == stats.devices);
	FUZZ_ASSERT(!pci_irq_vectors());
	pci_fini();
	fabric_flush_finish(world.f);
	fabric_unit(world.f, &unit);
	FUZZ_ASSERT(!unit.vectors && !unit.spaces && !unit.contexts);
	fabric_witness(world.f, &w);
	if (w.listed)
		fprintf(stderr, "%s\n", w.list[0].text);
	FUZZ_ASSERT(!w.violations);
	fabric_close(world.f);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	plat_log_to(fuzz_quiet);
	serial_start();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int n;

	begin();
	for (n = 0; n < RECORDS && size >= 3; n++) {
		struct record r = { .what = data[0],
				    .which = data[1],
				    .n = data[2] % (ARG + 1) };

		data += 3;
		size -= 3;
		if (r.n > size)
			r.n = (uint8_t)size;
		memcpy(r.arg, data, r.n);
		data += r.n;
		size -= r.n;
		run(&r);
	}
	end();
	return 0;
}
