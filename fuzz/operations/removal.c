/* SPDX-License-Identifier: BSD-2-Clause */
/* Adding, removing, losing; holds and references, which are in the way. */
#include "world.h"

static uint64_t timeout_of(uint8_t byte)
{
	static const uint64_t timeout[] = {
		0, MSEC, 20 * MSEC, 60 * MSEC, 300 * MSEC, 2000 * MSEC
	};

	return timeout[byte % ARRAY_SIZE(timeout)];
}

static int add(const struct step *s)
{
	return pci_add_device(device_of(s));
}

static int scan(const struct step *s)
{
	struct pci_scan scan;

	return s->a & 1 ? pci_scan_slot(device_of(s), &scan)
			: pci_scan_segment(0, &scan);
}

static int remove_now(const struct step *s)
{
	struct pci_dev_info info;
	pci_sbdf_t sbdf = device_of(s);
	int err = pci_remove_device(sbdf, s->a & 7, timeout_of(s->b), NULL);

	if (!undisturbed())
		return err;
	if (!err)
		FUZZ_ASSERT(pci_query(sbdf, &info) == -ENODEV);
	else if (err == -EBUSY)
		FUZZ_ASSERT(!pci_query(sbdf, &info) &&
			    info.state == PCI_STATE_LIVE &&
			    info.op != PCI_OP_REMOVE);
	return err;
}

/* --- in steps, by a task; others may look and cancel ------------------------------ */

static bool is_next(void *op)
{
	return plat_now() >= pci_removal_next(op);
}

static void on_phase(const struct pci_removal_info *info, void *data)
{
	unsigned int *last = data;

	FUZZ_ASSERT(info->phase < PCI_REMOVAL_PHASES);
	FUZZ_ASSERT(*last < PCI_REMOVAL_REMOVED);
	*last = info->phase;
}

static int step(const struct step *s)
{
	struct pci_removal **kept = &world.removal[s->c % KEPT], *op;
	unsigned int last = PCI_REMOVAL_ASKING;
	uint64_t deadline;
	int err;

	err = pci_removal_start(device_of(s), s->a & 7, timeout_of(s->b),
				"walk", on_phase, &last, &op);
	if (err)
		return err;
	if (!*kept)
		*kept = op;
	while ((err = pci_removal_step(op)) == -EINPROGRESS) {
		deadline = plat_now() + MSEC;
		serial_wait(is_next, op, deadline);
	}
	FUZZ_ASSERT(last >= PCI_REMOVAL_REMOVED);
	FUZZ_ASSERT(pci_removal_step(op) == err);
	if (*kept == op)
		*kept = NULL;
	pci_removal_finish(op);
	return err;
}

static int cancel(const struct step *s)
{
	struct pci_removal *op = world.removal[s->c % KEPT];

	return op ? pci_removal_cancel(op) : 0;
}

static int look(const struct step *s)
{
	struct pci_removal *op = world.removal[s->c % KEPT];
	struct pci_hold_info hold[4];
	struct pci_removal_info info;
	int n;

	if (op)
		pci_removal_query(op, &info);
	n = pci_holds_query(device_of(s), hold, ARRAY_SIZE(hold));
	return n < 0 ? n : 0;
}

/* --- losing ------------------------------------------------------------------------- */

/* The core is told so, of what is there still. */
static int lose(const struct step *s)
{
	struct news news = { .kind = GONE, .sbdf = device_of(s) };
	int err;

	if (!(s->a & 1))
		return pci_device_lost(news.sbdf);
	err = pci_mark_lost(news.sbdf);
	if (!err)
		world_news(&news);
	return err;
}

static int pull(const struct step *s)
{
	(void)fabric_surprise(world.f, device_of(s));
	return 0;
}

/* --- who is in the way ---------------------------------------------------------------- */

static void asked(struct pci_hold *hold, void *data, uint64_t deadline)
{
	(void)hold, (void)data, (void)deadline;
}

static void was_cut(struct pci_hold *hold, void *data)
{
	(void)hold;
	*(bool *)data = true;
}

static const struct pci_hold_ops hold_ops = { .ask = asked,
					      .cut_off = was_cut };

static int hold(const struct step *s)
{
	static const enum pci_hold_kind kind[] = { PCI_HOLD_SESSION,
						   PCI_HOLD_OPERATION,
						   PCI_HOLD_PIN };
	unsigned int k = s->c % KEPT;
	struct pci_hold *taken;
	struct pci_dev *pdev;
	int err;

	err = pci_lookup(NULL, device_of(s), &pdev);
	if (err)
		return err;
	err = pci_hold_take(pdev, kind[s->a % ARRAY_SIZE(kind)], "walk",
			    s->b & 1 ? &hold_ops : NULL, &world.cut[k], &taken);
	pcidev_put(pdev);
	if (err)
		return err;
	if (world.hold[k]) {
		FUZZ_ASSERT(pci_hold_release(taken) ||
			    (s->b & 1 && world.cut[k]) || !undisturbed());
		return 0;
	}
	world.hold[k] = taken;
	world.cut[k] = false;
	return 0;
}

static int release(const struct step *s)
{
	unsigned int k = s->c % KEPT;
	struct pci_hold *taken = world.hold[k];

	if (!taken)
		return 0;
	if (s->a & 1) {
		pci_hold_refuse(taken);
		return 0;
	}
	world.hold[k] = NULL;
	/* It says how it ended; without cut_off nobody told us. */
	if (pci_hold_release(taken))
		FUZZ_ASSERT(!world.cut[k]);
	return 0;
}

static int refer(const struct step *s)
{
	struct pci_dev **kept = &world.ref[s->c % KEPT], *pdev;
	int err = pci_lookup(NULL, device_of(s), &pdev);

	if (err)
		return err;
	if (*kept) {
		pcidev_put(pdev);
		return 0;
	}
	*kept = pdev;
	return 0;
}

static int put(const struct step *s)
{
	struct pci_dev **kept = &world.ref[s->c % KEPT];

	pcidev_put(*kept);
	*kept = NULL;
	return 0;
}

/* All ways to find one, and to look at it. */
static int find(const struct step *s)
{
	struct domain *d = domain_of(s);
	pci_sbdf_t at = device_of(s);
	struct pci_dev_info info;
	struct pci_dev *pdev;

	at.devfn |= s->b & 7;
	pdev = pci_get_real_pdev(at);
	if (pdev) {
		FUZZ_ASSERT(pcidev_read(pdev, PCI_VENDOR_ID, 2) <= 0xffff);
		pcidev_query(pdev, &info);
	}
	pcidev_put(pdev);
	if (d)
		pcidev_put(vpci_get_pdev(d, pci_sbdf(0, 0, s->a & 0x1f, 0)));
	domain_put(d);
	for (pdev = NULL; (pdev = pci_next_pdev(0, pdev));)
		;
	return 0;
}

const struct operation removal_operations[] = {
	{ "add",
	  add,
	  { -ENODEV, -EAGAIN, -EIO, -EBUSY, -EINVAL, -ENOMEM, -ENXIO } },
	{ "scan", scan, { 0 } },
	{ "remove",
	  remove_now,
	  { -ENODEV, -EALREADY, -EBUSY, -EIO, -ENOMEM, -ECANCELED } },
	{ "remove in steps",
	  step,
	  { -ENODEV, -EALREADY, -EBUSY, -EIO, -ENOMEM, -ECANCELED },
	  true },
	{ "cancel", cancel, { -EINPROGRESS } },
	{ "look", look, { -ENODEV } },
	{ "lose", lose, { -ENODEV, -EALREADY } },
	{ "pull", pull, { 0 } },
	{ "hold", hold, { -EBUSY, -ENODEV, -ENOMEM } },
	{ "release", release, { 0 } },
	{ "refer", refer, { -EBUSY, -ENODEV } },
	{ "put", put, { 0 } },
	{ "find", find, { 0 } },
	{ NULL }
};
