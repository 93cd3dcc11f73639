/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Views: building, freeing, and the stage "vpci", by which a device's life
 * reaches them; and what administrators may know of them.
 *
 * Both view pointers of a device are written by the owner of pdev->op (attach:
 * before anybody knows the device; detach: when nobody does any more), so
 * the functions of the stage read them plainly. Everybody else reads them in a
 * section, and views are freed through RCU.
 */
#include "vpci/internal.h"

struct vpci_options vpci_options;

static const char not_put_back[] = "its registers cannot be put back";

/* --- building and freeing --------------------------------------------------------- */

static void free_now(struct vpci *view)
{
	vpci_msi_free(view);
	vpci_msix_free(view);
	vpci_vfs_free(view);
	vpci_registers_free(view);
	domain_put(view->domain);
	plat_free(view);
}

static void free_after_grace(struct plat_rcu_head *head)
{
	free_now(container_of(head, struct vpci, rcu));
}

void vpci_free_later(struct vpci *view)
{
	if (view)
		plat_rcu_call(&view->rcu, free_after_grace);
}

static struct vpci *alloc(struct pci_dev *pdev, struct domain *d,
			  const struct vpci_policy *policy)
{
	struct vpci *view = plat_zalloc(sizeof(*view));
	size_t i;

	if (!view)
		return NULL;
	domain_get(d);
	view->pdev = pdev;
	view->domain = d;
	view->policy = policy;
	view->hardware = policy->hardware;
	view->size = pdev->desc.cfg_size;
	view->ndwords = view->nranges = 1;
	for (i = 0; policy->name[i] && i < sizeof(view->policy_name) - 1; i++)
		view->policy_name[i] = policy->name[i];
	return view;
}

int vpci_build(struct pci_dev *pdev, struct domain *d,
	       const struct vpci_policy *policy, struct vpci **out)
{
	struct vpci *view = alloc(pdev, d, policy);
	int err;

	if (!view)
		return -ENOMEM;
	err = vpci_build_header(view);
	if (!err)
		err = vpci_build_caps(view);
	if (!err && vpci_options.extend)
		err = vpci_options.extend(view, pdev, d);
	if (err) {
		free_now(view);
		return err;
	}
	vpci_seal(view);
	view->policy = NULL;
	*out = view;
	return 0;
}

/* --- the stage ---------------------------------------------------------------------- */

static int vpci_attach(struct pci_dev *pdev)
{
	struct vpci *view;
	int err;

	if (!vpci_options.hardware_views || pdev->pseg->host->ops->may_block)
		return 0;
	err = vpci_build(pdev, hardware_domain, &vpci_policy_hardware_domain,
			 &view);
	if (err)
		return err;
	(void)vpci_header_enter(view); /* nothing that can fail */
	hf_store_relaxed(&pdev->hw_view, view);
	return 0;
}

/* The hardware domain has it again. */
static void welcome_home(struct vpci *hw)
{
	hf_store_relaxed(&hw->cut, 0);
	(void)vpci_header_enter(hw);
}

static int vpci_enter(struct pci_dev *pdev, struct domain *d)
{
	struct vpci *view;
	int err;

	if (d == hardware_domain) {
		view = hf_load_relaxed(&pdev->hw_view);
		if (!view)
			return 0;
		vpci_vfs_forget(pdev, view);
		welcome_home(view);
		return 0;
	}
	err = vpci_build(pdev, d,
			 pdev->policy ? pdev->policy : &vpci_policy_guest,
			 &view);
	if (err)
		return err;
	err = vpci_header_enter(view);
	hf_store_release(&pdev->view, view); /* after an error, to be left */
	return err;
}

/* A reset under way: the device may not answer before it is over. */
static bool in_reset(struct pci_dev *pdev, struct vpci *view)
{
	bool yes;

	pci_lock(&pdev->lock);
	yes = hf_load_relaxed(&view->work) & VPCI_WORK_FLR &&
	      plat_now() < view->flr_over;
	pci_unlock(&pdev->lock);
	return yes;
}

/*
 * It is not the guest's any more: whoever delivers its interrupts is told that
 * there are none now, and its Bus Master does not reach hardware again.
 */
static void vectors_off(struct vpci *view)
{
	if (!view->hardware)
		hf_store_relaxed(&view->cut, 1);
	plat_rcu_read_lock();
	pci_lock(&view->pdev->lock);
	vpci_msi_reset(view);
	vpci_msix_reset(view);
	vpci_intx_update(view);
	pci_unlock(&view->pdev->lock);
	plat_rcu_read_unlock();
}

static int vpci_leave(struct pci_dev *pdev)
{
	struct vpci *hw = hf_load_relaxed(&pdev->hw_view);
	struct vpci *view = hf_load_relaxed(&pdev->view);

	if (hw)
		vpci_unmap_all(hw, false);
	if (!view)
		return 0;
	vpci_unmap_all(view, false);
	vectors_off(view);
	if (!pcidev_marked(pdev, PCI_MARK_LOST) && in_reset(pdev, view))
		return -EINPROGRESS;
	/* What is reset next is put back after that, and checked. */
	if (vpci_header_leave(view) && pdev->dirty == PCI_DIRTY_NO &&
	    !pcidev_marked(pdev, PCI_MARK_LOST))
		pcidev_set_broken(pdev, not_put_back);
	hf_store_relaxed(&pdev->view, NULL);
	vpci_free_later(view);
	return 0;
}

/*
 * The owner of pdev->op may free the view meanwhile: through RCU. @d's is not
 * new to us: the device has left @d under the locks under which it came.
 */
static void vpci_revoke(struct pci_dev *pdev, struct domain *d)
{
	struct vpci *view = hf_load_relaxed(&pdev->view);

	if (view && view->domain == d) {
		vectors_off(view);
		vpci_unmap_all(view, false);
	}
}

static void cut(struct vpci *view)
{
	if (!view)
		return;
	hf_store_relaxed(&view->cut, 1);
	vpci_unmap_all(view, true);
	vectors_off(view);
}

static void vpci_cut_off(struct pci_dev *pdev)
{
	cut(hf_load_relaxed(&pdev->view));
	cut(hf_load_relaxed(&pdev->hw_view));
}

static int quiesce(struct pci_dev *pdev, struct vpci *view, const char **why)
{
	if (!view)
		return 0;
	vpci_unmap_all(view, false);
	vectors_off(view);
	if (pcidev_marked(pdev, PCI_MARK_LOST) || !in_reset(pdev, view))
		return 0;
	*why = "the guest is resetting it";
	return -EINPROGRESS;
}

/*
 * Nobody uses the views any more; a guest that gave the device back a moment
 * ago may still have it mapped.
 */
static int vpci_quiesce(struct pci_dev *pdev, uint64_t deadline,
			const char **why)
{
	int err = quiesce(pdev, hf_load_relaxed(&pdev->view), why);

	(void)deadline;
	return err ? err : quiesce(pdev, hf_load_relaxed(&pdev->hw_view), why);
}

/*
 * Fit again, or not removed after all. A guest that has it goes on with the
 * hardware as it found it at first.
 */
static void vpci_restore(struct pci_dev *pdev)
{
	struct vpci *hw = hf_load_relaxed(&pdev->hw_view);
	struct vpci *view = hf_load_relaxed(&pdev->view);
	int err = 0;

	if (hw && hf_load_relaxed(&pdev->owner) == hardware_domain)
		welcome_home(hw);
	if (!view || hf_load_relaxed(&view->cut))
		return;
	plat_rcu_read_lock();
	pci_lock(&pdev->lock);
	if (!(hf_load_relaxed(&view->work) & VPCI_WORK_FLR)) {
		vpci_irq_stop(view);
		err = vpci_header_start(view);
		if (!err) {
			vpci_irq_start(view);
			vpci_command_apply(view);
		}
	}
	pci_unlock(&pdev->lock);
	plat_rcu_read_unlock();
	if (err && !pcidev_marked(pdev, PCI_MARK_LOST))
		pcidev_set_broken(pdev, not_put_back);
}

static void vpci_detach(struct pci_dev *pdev)
{
	struct vpci *hw = hf_load_relaxed(&pdev->hw_view);
	struct vpci *view = hf_load_relaxed(&pdev->view);

	if (hw)
		free_now(hw);
	if (view)
		free_now(view);
}

static const struct pci_stage stage = {
	.name = "vpci",
	.attach = vpci_attach,
	.enter = vpci_enter,
	.leave = vpci_leave,
	.revoke = vpci_revoke,
	.cut_off = vpci_cut_off,
	.quiesce = vpci_quiesce,
	.restore = vpci_restore,
	.domain_gone = vpci_space_free,
	.detach = vpci_detach,
};

int pci_vpci_init(const struct vpci_options *options)
{
	vpci_options = options ? *options : (struct vpci_options){ 0 };
	return pci_stage_register(&stage);
}

/* --- knowing -------------------------------------------------------------------------- */

/* The view of whoever owns the device at @sbdf; in a section. */
static int find_view(pci_sbdf_t sbdf, struct vpci **out)
{
	struct pci_segment *pseg = pci_segment_find(sbdf.seg);
	struct pci_dev *pdev = pseg ? pci_table_find(&pseg->table, sbdf) : NULL;
	struct domain *d = pdev ? hf_load_relaxed(&pdev->owner) : NULL;

	if (!d)
		return -ENODEV;
	*out = vpci_view(pdev, d);
	return *out && (*out)->domain == d ? 0 : -ENOENT;
}

static void describe_bars(struct vpci *view, struct vpci_info *info)
{
	unsigned int i;

	for (i = 0; i < VPCI_BARS; i++) {
		const struct vpci_bar *bar = &view->bar[i];

		if (bar->size)
			info->bar[i] = (struct vpci_bar_info){
				.kind = bar->kind,
				.decode = bar->decode,
				.failed = bar->failed,
				.guest = hf_load_relaxed(&bar->addr),
				.size = bar->size,
				.mapped = bar->mapped,
			};
	}
}

static void describe(struct vpci *view, struct vpci_info *info)
{
	unsigned int i;

	*info = (struct vpci_info){
		.vsbdf = view->pdev->vsbdf,
		.command = vpci_command(view),
		.caps = view->caps,
		.hidden = view->hidden,
		.failed = view->failed,
		.bytes = sizeof(*view) +
			 view->dword_room * sizeof(*view->dword) +
			 view->range_room * sizeof(*view->range),
	};
	for (i = 1; i < view->ndwords; i++)
		info->registers += view->dword[i].used != 0;
	memcpy(info->policy, view->policy_name, sizeof(info->policy));
	describe_bars(view, info);
	vpci_msi_info(view, info);
	vpci_msix_info(view, info);
}

int vpci_query(pci_sbdf_t sbdf, struct vpci_info *info)
{
	struct vpci *view;
	int err;

	plat_rcu_read_lock();
	err = find_view(sbdf, &view);
	if (!err) {
		pci_lock(&view->pdev->lock);
		describe(view, info);
		pci_unlock(&view->pdev->lock);
	}
	plat_rcu_read_unlock();
	return err;
}

int vpci_vector(pci_sbdf_t sbdf, enum pci_vector_kind kind, unsigned int index,
		struct pci_vector *out)
{
	struct vpci *view;
	int err;

	plat_rcu_read_lock();
	err = find_view(sbdf, &view);
	if (!err) {
		pci_lock(&view->pdev->lock);
		err = kind == PCI_VECTOR_MSIX
			      ? vpci_msix_vector(view, index, out)
			      : vpci_msi_vector(view, index, out);
		pci_unlock(&view->pdev->lock);
	}
	plat_rcu_read_unlock();
	return err;
}

int vpci_vector_pending(pci_sbdf_t sbdf, enum pci_vector_kind kind,
			unsigned int index)
{
	struct vpci *view;
	int err;

	plat_rcu_read_lock();
	err = find_view(sbdf, &view);
	if (!err) {
		pci_lock(&view->pdev->lock);
		err = kind == PCI_VECTOR_MSIX ? vpci_msix_pending(view, index)
					      : vpci_msi_pending(view, index);
		pci_unlock(&view->pdev->lock);
	}
	plat_rcu_read_unlock();
	return err;
}

int vpci_policy_set(pci_sbdf_t sbdf, const struct vpci_policy *policy)
{
	struct pci_dev *pdev;
	char why[1];
	int err = policy ? vpci_policy_check(policy, why, sizeof(why)) : 0;

	if (!err)
		err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	pci_lock(&pdev->lock);
	err = pci_op_begin(pdev, PCI_OP_ASSIGN);
	if (!err) {
		pdev->policy = policy;
		pci_op_end(pdev);
	}
	pci_unlock(&pdev->lock);
	pcidev_put(pdev);
	return err;
}
