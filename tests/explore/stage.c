/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Past the point of no return: a stage that takes its time, or fails, against
 * loss, cancellation and traps. docs/lifetime.md rules 8, 10; its step 3.
 */
#include <string.h>

#include <holdfast/stage.h>

#include "world.h"

static int removal, loss, cancelled;
static unsigned int turns; /* -EINPROGRESS so often, and then */
static int answer;
static unsigned int quiesced, restored, attached, detached;
static struct pci_removal *op;

static int attach(struct pci_dev *pdev)
{
	(void)pdev;
	attached++;
	return 0;
}

/* The hardware is touched, unless it was lost: that is its own duty. */
static int quiesce(struct pci_dev *pdev, uint64_t deadline, const char **why)
{
	(void)deadline;
	world_touch(pdev);
	quiesced++;
	if (pcidev_is_lost(pdev))
		return 0;
	if (turns) {
		turns--;
		return -EINPROGRESS;
	}
	if (answer)
		*why = "it does not stop";
	return answer;
}

static void restore(struct pci_dev *pdev)
{
	(void)pdev;
	restored++;
}

static void detach(struct pci_dev *pdev)
{
	(void)pdev;
	detached++;
}

static const struct pci_stage stage = {
	.name = "explored",
	.attach = attach,
	.quiesce = quiesce,
	.restore = restore,
	.detach = detach,
};

static void started(unsigned int delays, int err)
{
	turns = delays;
	answer = err;
	removal = loss = cancelled = 0;
	quiesced = restored = attached = detached = 0;
	world_empty();
	ensure(!pci_stage_register(&stage));
	ensure(!world_add(CARD_NEIGHBOUR, 1));
	ensure(!world_add(CARD, 1));
	ensure(!pci_removal_start(CARD, 0, 100 * MSEC, "test", NULL, NULL,
				  &op));
}

static void slow(void)
{
	started(2, 0);
}

static void fails(void)
{
	started(0, -EIO);
}

static void wait_for_it(void)
{
	removal = pci_removal_wait(op);
}

static void lose(void)
{
	loss = world_lose(CARD);
}

static void cancel(void)
{
	cancelled = pci_removal_cancel(op);
}

static void trap(void)
{
	(void)world_trap(hardware_domain, CARD);
}

static void end(void)
{
	pci_removal_finish(op);
	turns = 0;
	world_end();
	plat_rcu_barrier();
	ensure(attached == 2 && detached == 2);
}

static void removed_or_lost(void)
{
	struct pci_dev_info info;

	ensure(!removal != !loss);
	ensure(!removal || removal == -ENODEV);
	ensure(!loss || loss == -ENODEV || loss == -EALREADY);
	ensure(pci_query(CARD, &info) == -ENODEV);
	end();
}

SCENARIO(against_loss, .name = "stage/slow_against_loss",
	 .rule = "rule 10: lost while it becomes quiet: ends as lost",
	 .setup = slow, .finish = removed_or_lost,
	 .thread = { { "remover", wait_for_it }, { "loser", lose } });

static void cancelled_or_done(void)
{
	struct pci_dev_info info;

	if (cancelled == -EINPROGRESS)
		ensure(!removal);
	if (removal) {
		ensure(removal == -ECANCELED && !cancelled);
		ensure(!quiesced && !pci_query(CARD, &info));
	}
	end();
}

SCENARIO(against_cancel, .name = "stage/slow_against_cancel",
	 .rule = "rule 8: once hardware is touched, a cancel comes too late",
	 .setup = slow, .finish = cancelled_or_done,
	 .thread = { { "remover", wait_for_it }, { "canceller", cancel } });

/* Rule 8: -EIO, broken with the reason, and in quarantine. */
static void broken(void)
{
	struct pci_dev_info info;

	ensure(removal == -EIO);
	ensure(!pci_query(CARD, &info));
	ensure(info.state == PCI_STATE_LIVE && info.owner == DOMID_IO);
	ensure(info.broken && !strcmp(info.broken, "it does not stop"));
	end();
}

SCENARIO(failing, .name = "stage/fails_against_trap",
	 .rule = "rule 8: what will not stop is broken, and nobody's",
	 .setup = fails, .finish = broken,
	 .thread = { { "remover", wait_for_it }, { "guest", trap } });

static void broken_or_lost(void)
{
	struct pci_dev_info info;

	ensure(pci_query(CARD, &info) == -ENODEV);
	ensure(!loss);
	ensure(removal == -EIO || removal == -ENODEV);
	end();
}

SCENARIO(failing_lost, .name = "stage/fails_against_loss",
	 .rule = "rules 8, 10: a loss ends it, failed or not", .setup = fails,
	 .finish = broken_or_lost,
	 .thread = { { "remover", wait_for_it }, { "loser", lose } });

const struct explore_scenario *const stage_scenarios[] = {
	&against_loss, &against_cancel, &failing, &failing_lost, NULL,
};
