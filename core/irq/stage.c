/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage "irq", by which a device's life reaches this module, and what may
 * be asked about its vectors.
 */
#include "irq/internal.h"

struct pci_irq_options irq_options = { .off = true };

/* --- the stage ------------------------------------------------------------------ */

/*
 * What it is programmed by, for as long as it is there. 0; -EIO it does not
 * answer.
 */
static int read_device(struct pci_irqs *irqs)
{
	const struct pci_dev_facts *desc = &irqs->pdev->desc;
	unsigned int tries = 3;
	struct conf c;

	do {
		conf_of(&c, irqs->pdev);
		if (desc->msi)
			irqs->msi_flags = (uint16_t)conf_answer(
				&c, desc->msi + PCI_MSI_FLAGS, 2);
		if (desc->msix) {
			irqs->table =
				conf_answer(&c, desc->msix + PCI_MSIX_TABLE, 4);
			irqs->pba =
				conf_answer(&c, desc->msix + PCI_MSIX_PBA, 4);
		}
	} while (c.err && --tries);
	return c.err ? -EIO : 0;
}

static int irq_attach(struct pci_dev *pdev)
{
	struct pci_host *host = pdev->pseg->host;
	struct pci_irqs *irqs = plat_zalloc(sizeof(*irqs));

	if (!irqs)
		return -ENOMEM;
	irqs->pdev = pdev;
	irqs->usable = host->msi && !host->ops->may_block &&
		       !host->ops->read_only && !irq_options.off;
	list_init(&irqs->sets);
	if (irqs->usable && read_device(irqs)) {
		plat_free(irqs);
		return -EIO;
	}
	pdev->irqs = irqs;
	return 0;
}

/* What a removal has stopped is still listed. Nobody can reach it. */
static void irq_detach(struct pci_dev *pdev)
{
	struct pci_irqs *irqs = pdev->irqs;
	struct irq_set *set;

	while (!list_empty(&irqs->sets)) {
		set = list_first(&irqs->sets, struct irq_set, entry);
		list_del(&set->entry);
		irq_set_free(set);
	}
	plat_free(irqs);
	pdev->irqs = NULL;
}

/* Or it cannot have its vectors again, and they are gone. */
static void start_again(struct irq_set *set)
{
	struct pci_dev *pdev = set->irqs->pdev;

	if (!pcidev_marked(pdev, PCI_MARK_LOST) &&
	    (set->kind == PCI_VECTOR_MSI || !irq_hw_no_memory(pdev)) &&
	    !irq_set_start(set))
		return;
	pci_event_post(PCI_EVENT_IRQ, pdev->desc.sbdf, pdev->instance,
		       "the host's vectors are lost");
	irq_set_close(set);
}

/* The next of the host's that is stopped; or NULL. */
static struct irq_set *next_stopped(struct pci_irqs *irqs)
{
	struct irq_set *set;

	list_for_each(set, &irqs->sets, struct irq_set, entry)
		if (!set->domain && !set->irq[0].count)
			return set;
	return NULL;
}

/* Under the lock, in a section. */
static void start_stopped(struct pci_irqs *irqs)
{
	struct irq_set *set;

	while ((set = next_stopped(irqs)))
		start_again(set);
}

/* The hardware domain has it again: after a reset, what that has stopped. */
static void back_home(struct pci_irqs *irqs)
{
	plat_rcu_read_lock();
	pci_lock(&irqs->pdev->lock);
	start_stopped(irqs);
	pci_unlock(&irqs->pdev->lock);
	plat_rcu_read_unlock();
}

static int irq_enter(struct pci_dev *pdev, struct domain *d)
{
	struct pci_irqs *irqs = pdev->irqs;

	if (!irqs->usable)
		return 0;
	if (!domain_is_special(d))
		return irq_guest_enter(irqs, d);
	back_home(irqs);
	return 0;
}

static void take_all(struct pci_dev *pdev, bool cut)
{
	struct pci_irqs *irqs = pdev->irqs;

	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	irq_guest_take(irqs, NULL, cut);
	while (!list_empty(&irqs->sets))
		irq_set_close(list_first(&irqs->sets, struct irq_set, entry));
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
}

static void stop_hosts(struct pci_dev *pdev)
{
	struct pci_irqs *irqs = pdev->irqs;
	struct irq_set *set;

	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	irq_guest_take(irqs, NULL, false);
	list_for_each(set, &irqs->sets, struct irq_set, entry)
		irq_set_stop(set);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
}

/* From a reset that is asked for it comes back to who had it. */
static int irq_leave(struct pci_dev *pdev)
{
	if (pdev->op == PCI_OP_RESET)
		stop_hosts(pdev);
	else
		take_all(pdev, false);
	return 0;
}

/* … or not. */
static void irq_rest(struct pci_dev *pdev)
{
	take_all(pdev, false);
}

static void irq_cut_off(struct pci_dev *pdev)
{
	take_all(pdev, true);
}

static void irq_revoke(struct pci_dev *pdev, struct domain *d)
{
	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	irq_guest_take(pdev->irqs, d, false);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
}

static void irq_domain_dying(struct domain *d)
{
	struct pci_dev *pdev;

	for (pdev = domain_next_pdev(d, NULL); pdev;
	     pdev = domain_next_pdev(d, pdev))
		irq_revoke(pdev, d);
}

/* What is no answer must never be written back. */
static void keep(struct pci_dev *pdev, uint16_t reg, uint16_t *kept)
{
	uint16_t now = (uint16_t)pcidev_read(pdev, reg, 2);

	if (now != conf_ones(2))
		*kept = now;
}

/*
 * The stage "config" has saved and cleared both enables before us, and writes
 * back what it saved after our restore. That must be what we have programmed by
 * then, and never an enable over a message that is not ours any more. It leaves
 * alone what was no answer.
 */
static void keep_enables(struct pci_dev *pdev, bool msi, bool msix)
{
	const struct pci_dev_facts *desc = &pdev->desc;
	struct pci_quiet *quiet = &pdev->quiet;

	if (msi)
		keep(pdev, desc->msi + PCI_MSI_FLAGS, &quiet->msi);
	if (msix)
		keep(pdev, desc->msix + PCI_MSIX_FLAGS, &quiet->msix);
}

/* A handler that was found before may be called yet: to its section's end. */
static int wait_for_handlers(struct pci_irqs *irqs, uint64_t deadline,
			     const char **why)
{
	if (!irqs->waits || plat_gp_done(irqs->grace)) {
		irqs->waits = false;
		return 0;
	}
	if (plat_now() < deadline)
		return -EINPROGRESS;
	*why = "an interrupt handler does not return";
	return -EIO;
}

static int irq_quiesce(struct pci_dev *pdev, uint64_t deadline,
		       const char **why)
{
	struct pci_irqs *irqs = pdev->irqs;
	bool msi, msix, bound = false;
	struct irq_set *set;

	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	msi = irqs->msi_on;
	msix = irqs->msix_on;
	list_for_each(set, &irqs->sets, struct irq_set, entry) {
		bound |= set->fn && set->irq[0].count;
		irq_set_stop(set);
	}
	if (!pcidev_marked(pdev, PCI_MARK_LOST))
		keep_enables(pdev, msi, msix);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
	if (bound) {
		irqs->grace = plat_gp_start();
		irqs->waits = true;
	}
	return wait_for_handlers(irqs, deadline, why);
}

/* A guest's come when vPCI tells again what that wants. */
static void irq_restore(struct pci_dev *pdev)
{
	struct pci_irqs *irqs = pdev->irqs;

	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	start_stopped(irqs);
	keep_enables(pdev, irqs->msi_on, irqs->msix_on);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
}

/* Under the lock. */
static const char *irq_check(struct pci_dev *pdev)
{
	struct pci_irqs *irqs = pdev->irqs;
	bool held = irqs->hold && irqs->hold->listed;

	if (irqs->guest_bound &&
	    domain_is_special(hf_load_relaxed(&pdev->owner)))
		return "a guest's vectors are left over";
	if (!irqs->guest_bound != !held)
		return "vectors and their hold do not agree";
	return NULL;
}

static void irq_fini(void)
{
	irq_options = (struct pci_irq_options){ .off = true };
}

static const struct pci_stage irq_stage = {
	.name = "irq",
	.rank = PCI_STAGE_IRQ,
	.attach = irq_attach,
	.cut_off = irq_cut_off,
	.quiesce = irq_quiesce,
	.restore = irq_restore,
	.enter = irq_enter,
	.leave = irq_leave,
	.revoke = irq_revoke,
	.rest = irq_rest,
	.domain_dying = irq_domain_dying,
	.check = irq_check,
	.detach = irq_detach,
	.fini = irq_fini,
};

int pci_irq_init(const struct pci_irq_options *options)
{
	int err = pci_stage_register(&irq_stage);

	if (!err)
		irq_options = options ? *options
				      : (struct pci_irq_options){ 0 };
	return err;
}

/* --- the hardware domain's own ----------------------------------------------------- */

static int prepare(pci_sbdf_t sbdf, bool on)
{
	struct pci_dev *pdev;
	struct pci_irqs *irqs;
	int err;

	if (irq_options.off)
		return 0;
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	irqs = pdev->irqs;
	pci_lock(&pdev->lock);
	if (!pdev->desc.msix)
		err = -ENODEV;
	else if (irqs->prepared == on ||
		 (on && (pdev->op != PCI_OP_NONE ||
			 hf_load_relaxed(&pdev->owner) != hardware_domain ||
			 !list_empty(&irqs->sets))) ||
		 !domain_is_special(hf_load_relaxed(&pdev->owner)))
		err = -EBUSY;
	else
		irqs->prepared = on;
	pci_unlock(&pdev->lock);
	pcidev_put(pdev);
	return err;
}

int pci_prepare_msix(pci_sbdf_t sbdf)
{
	return prepare(sbdf, true);
}

int pci_release_msix(pci_sbdf_t sbdf)
{
	return prepare(sbdf, false);
}

static int restore(struct pci_dev *pdev)
{
	struct pci_irqs *irqs = pdev->irqs;

	if (pdev->op != PCI_OP_NONE)
		return -EBUSY;
	if (irq_bound(irqs, PCI_VECTOR_MSIX) && irq_hw_no_memory(pdev))
		return -ENXIO;
	irq_program(irqs);
	return 0;
}

int pci_restore_msi(pci_sbdf_t sbdf)
{
	struct pci_dev *pdev;
	int err;

	if (irq_options.off)
		return -EOPNOTSUPP;
	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	err = restore(pdev);
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
	pcidev_put(pdev);
	return err;
}

/* --- knowing ------------------------------------------------------------------------- */

static void describe(struct pci_irqs *irqs, struct pci_irq_info *info)
{
	struct irq_set *set;
	unsigned int i;

	info->msi = irq_bound(irqs, PCI_VECTOR_MSI);
	info->msix = irq_bound(irqs, PCI_VECTOR_MSIX);
	info->guest = irqs->guest_bound;
	info->prepared = irqs->prepared;
	info->delivered = hf_load_relaxed(&irqs->delivered);
	info->suppressed = hf_load_relaxed(&irqs->suppressed);
	list_for_each(set, &irqs->sets, struct irq_set, entry) {
		for (i = 0; i < set->n; i++) {
			uint32_t word = irq_word(&set->irq[i]);

			info->failed += set->irq[i].failed;
			info->masked += word & IRQ_ON && word & IRQ_MASKS;
			info->pending += (word & IRQ_PENDING) != 0;
		}
	}
}

int pci_irq_query(pci_sbdf_t sbdf, struct pci_irq_info *info)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev;

	*info = (struct pci_irq_info){ 0 };
	plat_rcu_read_lock();
	pdev = pseg ? pci_table_find(&pseg->table, sbdf) : NULL;
	if (pdev && pdev->irqs) {
		pci_lock(&pdev->lock);
		describe(pdev->irqs, info);
		pci_unlock(&pdev->lock);
	}
	plat_rcu_read_unlock();
	return pdev ? 0 : -ENODEV;
}

uint64_t pci_irq_vectors(void)
{
	return hf_load_relaxed(&irq_total);
}
