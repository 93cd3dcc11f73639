/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the SR-IOV capability (cap_sriov.c) and the operation that it sets
 * going (vfs.c) share: struct vpci.vfs of a PF's hardware view.
 */
#ifndef CORE_VPCI_VFS_H
#define CORE_VPCI_VFS_H

#include "vpci/internal.h"

enum vpci_vfs_phase {
	VPCI_VFS_BEGIN,
	VPCI_VFS_SETTLING, /* VF Enable is set; VFs need not answer yet */
	VPCI_VFS_ADDING,
	VPCI_VFS_REMOVING, /* all were found unused; VF Enable is set still */
};

struct vpci_vfs {
	/*
	 * SR-IOV Control as it is wanted, while VPCI_WORK_VFS is set. Written
	 * under pdev->lock, which guards the next two.
	 */
	hf_atomic(uint32_t) control;
	bool fresh;        /* the next step begins something */
	uint64_t patience; /* for who is in the way; 0: nobody is */
	/* Who owns pdev->op: */
	enum vpci_vfs_phase phase;
	unsigned int next; /* VF to add */
	uint64_t until;    /* the capability is left alone till then */
};

static inline bool vpci_vfs_busy(struct vpci *view)
{
	return hf_load_acquire(&view->work) & VPCI_WORK_VFS;
}

#endif
