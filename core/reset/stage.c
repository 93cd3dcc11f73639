/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage "reset": of all stages the first that a device comes to, and the
 * last that it leaves. Its leave is called until it is over, so it goes in
 * steps, each of which writes and returns, or finds that it is too early:
 *
 *   choose → power on → stop, wait for transactions → reset (one write or two)
 *          → wait → does it answer? → put the record back → check
 *
 * What a guest had and nothing can reset stays in quarantine; what the hardware
 * domain had goes on, checked all the same. In a loss nothing more is touched.
 */
#include "reset/internal.h"

/* Go on at once; not yet; over. */
enum progress { GO_ON, WAIT, OVER };

/* --- the end ------------------------------------------------------------------- */

static enum progress finish(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;

	reset_bus_end(pdev);
	r->step = RESET_IDLE;
	r->asked = PCI_RESET_ANY;
	r->bus_done = r->came = false;
	pci_lock(&pdev->lock);
	pdev->dirty = PCI_DIRTY_NO;
	pci_unlock(&pdev->lock);
	return OVER;
}

static enum progress fail(struct pci_dev *pdev, const char *why)
{
	conf_stop(pdev);
	pdev->reset->why = why;
	pci_event_post(PCI_EVENT_RESET, pdev->desc.sbdf, pdev->instance, why);
	pcidev_set_broken(pdev, why);
	return finish(pdev);
}

/* --- the beginning ------------------------------------------------------------------ */

/* False: it is not known yet. */
static bool choose(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;
	uint32_t order = r->asked == PCI_RESET_ANY ? reset_order(r)
						   : r->asked + 1u;
	unsigned int has = reset_has(pdev);

	r->method = PCI_RESET_METHODS;
	if (reset_has_children(pdev))
		return true;
	for (; order && r->method == PCI_RESET_METHODS; order >>= 4) {
		enum pci_reset_method m = (order & 15) - 1;

		if (m == PCI_RESET_BUS && !r->bus_done) {
			enum reset_bus bus = reset_bus_take(pdev);

			if (bus == BUS_WAIT)
				return false;
			has |= bus == BUS_YES ? 1u << m : 0;
		} else if (m == PCI_RESET_BUS) {
			has |= 1u << m;
		}
		if (has & 1u << m)
			r->method = m;
	}
	return true;
}

/* D0, whatever it was; 10 ms after that (§5.9). False: it is already. */
static bool power_on(struct pci_dev *pdev)
{
	uint16_t reg = pdev->desc.pm + PCI_PM_CTRL;
	uint32_t now = pdev->desc.pm ? pcidev_read(pdev, reg, 2) : 0;

	if (now == conf_ones(2) || !(now & PCI_PM_CTRL_STATE_MASK))
		return false;
	pcidev_write(pdev, reg, 2,
		     now & ~(uint32_t)(PCI_PM_CTRL_STATE_MASK |
				       PCI_PM_CTRL_PME_STATUS));
	return true;
}

static enum progress idle(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;
	uint64_t now = plat_now();

	if (pdev->record.wanted) /* a reset would lose it */
		return fail(pdev, "its registers cannot be read");
	if (!r->came)
		r->until = now + RESET_TIME;
	r->came = true;
	if (r->taken || !choose(pdev))
		return WAIT;
	r->why = NULL;
	r->until = now;
	if (r->bus_done && r->method == PCI_RESET_BUS) {
		r->over = now;
		r->limit = now + RESET_RETRY;
		r->until = now + RESET_LATE;
		r->step = RESET_SETTLE;
		return GO_ON;
	}
	r->bus_done = false;
	if (power_on(pdev))
		r->until = now + RESET_POWER_TIME;
	r->step = RESET_POWER;
	return GO_ON;
}

static enum progress powered(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;

	if (!reset_bus_save(pdev))
		return fail(pdev, "a neighbour's registers cannot be read");
	if (r->method != PCI_RESET_METHODS)
		reset_plant(pdev);
	else
		conf_stop(pdev);
	if (r->method == PCI_RESET_METHODS && pdev->dirty == PCI_DIRTY_GUEST)
		return fail(pdev, reset_has_children(pdev)
					  ? "it has VFs, and cannot be reset"
					  : "there is no way to reset it");
	r->until = plat_now() + RESET_TIME;
	r->step = RESET_DRAIN;
	return GO_ON;
}

/* --- the middle ------------------------------------------------------------------- */

static enum progress settle(struct pci_reset *r)
{
	r->limit = r->over;
	if (r->method != PCI_RESET_METHODS)
		r->limit += RESET_RETRY;
	r->until = plat_now() + RESET_LATE;
	r->step = RESET_SETTLE;
	return GO_ON;
}

/* What goes on in spite of everything gets its transactions reset, too. */
static enum progress drained(struct pci_dev *pdev)
{
	struct conf c;

	conf_of(&c, pdev);
	if (conf_is_pending(&c, &pdev->desc) && plat_now() < pdev->reset->until)
		return WAIT;
	if (reset_begin(pdev) && !pcidev_marked(pdev, PCI_MARK_LOST))
		return fail(pdev, "it could not be told to reset itself");
	return pdev->reset->step == RESET_BEGUN ? GO_ON : settle(pdev->reset);
}

/* From here on a fault is one too many. There is always time for one. */
static enum progress settled(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;
	uint64_t soon = plat_now() + RESET_LATE;

	r->faults = (uint32_t)iommu_fault_total(pdev);
	r->until = r->over > soon ? r->over : soon;
	r->step = RESET_WAIT;
	return GO_ON;
}

static enum progress answer(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;
	bool late = plat_now() >= r->limit;
	const char *why = reset_no_answer(pdev);
	int err;

	if (!late && (why || !reset_bus_answers(pdev)))
		return WAIT;
	if (why)
		return fail(pdev, why);
	if (r->method != PCI_RESET_METHODS && !r->bus_done &&
	    reset_had_no_effect(pdev))
		return fail(pdev, "the reset had no effect");
	err = conf_restore(pdev, pdev->record.command &
					 (uint16_t)~PCI_COMMAND_MASTER);
	why = reset_check(pdev);
	if (err && !why)
		why = "its registers cannot be put back";
	if (why)
		return fail(pdev, why);
	if (r->method != PCI_RESET_METHODS)
		pci_event_post(PCI_EVENT_RESET, pdev->desc.sbdf, pdev->instance,
			       pci_reset_method_name(r->method));
	return finish(pdev);
}

static enum progress step_once(struct pci_dev *pdev)
{
	struct pci_reset *r = pdev->reset;

	if (r->step != RESET_IDLE && r->step != RESET_DRAIN &&
	    r->step != RESET_ANSWER && plat_now() < r->until)
		return WAIT;
	switch (r->step) {
	case RESET_IDLE:
		return idle(pdev);
	case RESET_POWER:
		return powered(pdev);
	case RESET_DRAIN:
		return drained(pdev);
	case RESET_BEGUN:
		reset_second(pdev);
		return settle(r);
	case RESET_SETTLE:
		return settled(pdev);
	case RESET_WAIT:
		r->step = RESET_ANSWER;
		return GO_ON;
	case RESET_ANSWER:
		return answer(pdev);
	}
	return OVER;
}

int reset_step(struct pci_dev *pdev)
{
	enum progress progress;

	if (pdev->dirty == PCI_DIRTY_NO)
		return 0;
	do {
		/* A bridge goes on as it is, or all behind it would stop. */
		if (pcidev_marked(pdev, PCI_MARK_LOST) ||
		    pcidev_is_bridge(pdev))
			progress = finish(pdev);
		else
			progress = step_once(pdev);
	} while (progress == GO_ON);
	return progress == OVER ? 0 : -EINPROGRESS;
}

/* --- the stage ----------------------------------------------------------------------- */

static int reset_attach(struct pci_dev *pdev)
{
	struct pci_reset *r = plat_zalloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->pdev = pdev;
	r->asked = PCI_RESET_ANY;
	r->method = PCI_RESET_METHODS;
	list_init(&r->along);
	pdev->reset = r;
	return 0;
}

static void reset_detach(struct pci_dev *pdev)
{
	plat_free(pdev->reset);
	pdev->reset = NULL;
}

static const struct pci_stage stage = {
	.name = "reset",
	.rank = PCI_STAGE_RESET,
	.attach = reset_attach,
	.leave = reset_step,
	.detach = reset_detach,
	.fini = reset_order_forget,
};

int pci_reset_init(void)
{
	return pci_stage_register(&stage);
}
