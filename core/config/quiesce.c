/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stages "config" and "decode": making the hardware of a device quiet before it goes,
 * and putting back what that changed if it stays after all.
 *
 * Quiet means, in this order: no INTx and no transaction started (which stops
 * message interrupts too); no VFs, found anew if need be; MSI and MSI-X off; no
 * translations asked for; nothing of what was started before still under way
 * (PCIe 6.0 §7.5.3.5, Transactions Pending); and, when the other stages have
 * done with its BARs, no access answered but configuration's: whoever puts a
 * BAR of another where this one has its own must not reach it. Each is read
 * again: a device that does not obey is not quiet, whatever was written.
 *
 * pdev->quiet is guarded by the ownership of pdev->op.
 */
#include "config/internal.h"

static const char no_answer[] = "the device does not answer";

/* A control register to save, and what of it must be off. */
struct control {
	uint16_t reg; /* 0: the device has none */
	uint16_t off;
	uint16_t *saved;
	const char *stuck; /* the reason, if it stays on */
};

enum { SRIOV, MSI, MSIX, ATS, CONTROLS };

static void controls_of(struct pci_dev *pdev, struct control ctl[CONTROLS])
{
	const struct pci_dev_facts *desc = &pdev->desc;
	struct pci_quiet *quiet = &pdev->quiet;

	ctl[SRIOV] = (struct control){
		.reg = quiet->sriov_at ? quiet->sriov_at + PCI_SRIOV_CTRL : 0,
		.off = PCI_SRIOV_CTRL_VFE,
		.saved = &quiet->sriov,
	};
	ctl[MSI] = (struct control){
		.reg = desc->msi ? desc->msi + PCI_MSI_FLAGS : 0,
		.off = PCI_MSI_FLAGS_ENABLE,
		.saved = &quiet->msi,
		.stuck = "MSI cannot be switched off",
	};
	ctl[MSIX] = (struct control){
		.reg = desc->msix ? desc->msix + PCI_MSIX_FLAGS : 0,
		.off = PCI_MSIX_FLAGS_ENABLE,
		.saved = &quiet->msix,
		.stuck = "MSI-X cannot be switched off",
	};
	ctl[ATS] = (struct control){
		.reg = desc->ats ? desc->ats + PCI_ATS_CTRL : 0,
		.off = PCI_ATS_CTRL_ENABLE,
		.saved = &quiet->ats,
		.stuck = "ATS cannot be switched off",
	};
}

/*
 * A list that could not be read when the function was described may be whole
 * by now, and its VFs, of which nobody knows, must not outlive it.
 */
static uint16_t find_sriov(struct conf *c)
{
	const struct pci_dev_facts *desc = &c->pdev->desc;
	struct cap_iter it;
	struct pci_cap cap;
	int ret;

	if (desc->sriov || desc->is_vf ||
	    !(desc->defect ||
	      (desc->pcie && desc->cfg_size < PCI_CFG_SPACE_EXP_SIZE)))
		return desc->sriov;
	cap_begin(&it, c, conf_size_now(c));
	while ((ret = cap_next(&it, &cap)))
		if (ret > 0 && cap.extended && cap.id == PCI_EXT_CAP_ID_SRIOV &&
		    cap.pos + PCI_EXT_CAP_SRIOV_SIZEOF <=
			    PCI_CFG_SPACE_EXP_SIZE)
			return cap.pos;
	return 0;
}

/* False: it does not answer. What is no answer must never be put back. */
static bool save(struct conf *c, struct pci_dev *pdev, uint16_t command)
{
	struct control ctl[CONTROLS];
	unsigned int i;

	pdev->quiet.sriov_at = find_sriov(c);
	controls_of(pdev, ctl);
	for (i = 0; i < CONTROLS; i++) {
		if (!ctl[i].reg)
			continue;
		*ctl[i].saved = conf_answer(c, ctl[i].reg, 2);
		if (c->err)
			return false;
	}
	pdev->quiet.command = command;
	pdev->quiet.saved = true;
	return true;
}

/* False if it stays on. No answer: it is as it was when it was saved. */
static bool switch_off(struct conf *c, const struct control *ctl)
{
	uint16_t now = ctl->reg ? conf_read(c, ctl->reg, 2) : 0;

	if (!(now & ctl->off))
		return true;
	if (now == conf_ones(2))
		now = *ctl->saved;
	conf_write(c, ctl->reg, 2, now & ~ctl->off);
	/* SR-IOV: for a second from now it must not be read (§9.3.3.3.1). */
	return !ctl->stuck || !(conf_read(c, ctl->reg, 2) & ctl->off);
}

/*
 * NULL, or what will not go off. Called again while transactions are pending;
 * SR-IOV is then left alone: it went off when bus mastering did.
 */
static const char *switch_all_off(struct conf *c, struct pci_dev *pdev,
				  uint16_t command, bool first)
{
	uint16_t quiet = (command | PCI_COMMAND_INTX_DISABLE) &
			 (uint16_t)~PCI_COMMAND_MASTER;
	struct control ctl[CONTROLS];
	unsigned int i;

	if (command != quiet) {
		conf_write(c, PCI_COMMAND, 2, quiet);
		if (conf_read(c, PCI_COMMAND, 2) & PCI_COMMAND_MASTER)
			return "bus mastering cannot be switched off";
	}
	controls_of(pdev, ctl);
	for (i = first ? SRIOV : MSI; i < CONTROLS; i++)
		if (!switch_off(c, &ctl[i]))
			return ctl[i].stuck;
	return NULL;
}

bool conf_is_pending(struct conf *c, const struct pci_dev_facts *desc)
{
	if (desc->pcie)
		return conf_read(c, desc->pcie + PCI_EXP_DEVSTA, 2) &
		       PCI_EXP_DEVSTA_TRPND;
	if (desc->af)
		return conf_read(c, desc->af + PCI_AF_STATUS, 1) &
		       PCI_AF_STATUS_TP;
	return false;
}

static int quiesce_once(struct conf *c, struct pci_dev *pdev, uint64_t deadline,
			const char **why)
{
	uint16_t command = conf_answer(c, PCI_COMMAND, 2);
	bool first;

	if (c->err) {
		*why = no_answer;
		return -EIO;
	}
	first = !pdev->quiet.saved || command & PCI_COMMAND_MASTER;
	if (!pdev->quiet.saved && !save(c, pdev, command)) {
		*why = no_answer;
		return -EIO;
	}
	*why = switch_all_off(c, pdev, command, first);
	if (*why)
		goto out;
	if (!conf_is_pending(c, &pdev->desc))
		return c->err ? -EIO : 0;
	*why = "transactions are still pending";
	if (plat_now() < deadline)
		return -EINPROGRESS;
out:
	/* What looks like a register that sticks may be no answer at all. */
	if (c->err || conf_absent(c))
		*why = no_answer;
	return -EIO;
}

static int config_quiesce(struct pci_dev *pdev, uint64_t deadline,
			  const char **why)
{
	struct conf c;
	int err;

	conf_of(&c, pdev);
	err = quiesce_once(&c, pdev, deadline, why);
	if (err && !*why)
		*why = no_answer;
	/* Lost, before or meanwhile: no access was made, and it is no failure. */
	return pcidev_marked(pdev, PCI_MARK_LOST) ? 0 : err;
}

void conf_heed_no_master(struct pci_dev *pdev)
{
	if (hf_fetch_or_acq_rel(&pdev->marks, 0) & PCI_MARK_NO_MASTER)
		conf_update(pdev, PCI_COMMAND, PCI_COMMAND_MASTER, 0);
}

/* SR-IOV first, Command last: nothing starts before it is set up again. */
static void config_restore(struct pci_dev *pdev)
{
	struct control ctl[CONTROLS];
	struct conf c;
	unsigned int i;

	if (!pdev->quiet.saved)
		return;
	pdev->quiet.saved = false;
	conf_of(&c, pdev);
	controls_of(pdev, ctl);
	for (i = 0; i < CONTROLS; i++)
		if (ctl[i].reg && *ctl[i].saved != conf_ones(2))
			conf_write(&c, ctl[i].reg, 2, *ctl[i].saved);
	conf_write(&c, PCI_COMMAND, 2, pdev->quiet.command);
	conf_heed_no_master(pdev);
}

/*
 * The first of it, before another stage changes what is to be kept. It comes
 * from a guest: how that had it is not how it was before.
 */
static int config_leave(struct pci_dev *pdev)
{
	if (conf_save(pdev)) /* the next attempt wants quiet.command, too */
		pcidev_set_broken(pdev, "its registers cannot be read");
	else
		pdev->quiet.saved = false;
	return 0;
}

static int decode_quiesce(struct pci_dev *pdev, uint64_t deadline,
			  const char **why)
{
	uint16_t command;
	struct conf c;

	(void)deadline;
	conf_of(&c, pdev);
	if (conf_decode_off(&c, &command) || pcidev_marked(pdev, PCI_MARK_LOST))
		return 0;
	*why = c.err || conf_absent(&c) ? no_answer
					: "its BARs cannot be switched off";
	return -EIO;
}

static void decode_restore(struct pci_dev *pdev)
{
	if (pdev->quiet.saved)
		conf_update(pdev, PCI_COMMAND, PCI_COMMAND_DECODE,
			    pdev->quiet.command & PCI_COMMAND_DECODE);
}

static const struct pci_stage decode_stage = {
	.name = "decode",
	.rank = PCI_STAGE_DECODE,
	.quiesce = decode_quiesce,
	.restore = decode_restore,
};

static const struct pci_stage config_stage = {
	.name = "config",
	.quiesce = config_quiesce,
	.restore = config_restore,
	.leave = config_leave,
};

int pci_config_init(void)
{
	int err = pci_stage_register(&decode_stage);

	probe_init();
	return err ? err : pci_stage_register(&config_stage);
}
