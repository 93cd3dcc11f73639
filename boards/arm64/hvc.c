/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Management by HVC, for kernels: the same requests through a window of its
 * own, eight bytes a call and no memory of the guest's (SMCCC, Arm DEN0028).
 */
#include "mgmt.h"

static struct mgmt_box box;

void mgmt_hvc_init(void)
{
	mgmt_box_init(&box);
}

bool mgmt_hvc(uint64_t x[4])
{
	switch ((uint32_t)x[0]) {
	case MGMT_HVC_PUT:
		if (x[1] < MGMT_BOX_SIZE)
			mgmt_box_write(&box, (unsigned int)x[1], 8, x[2]);
		x[0] = 0;
		return true;
	case MGMT_HVC_CALL:
		mgmt_box_ring(&box, (uint32_t)x[1]);
		x[0] = (uint64_t)mgmt_box_status(&box);
		return true;
	case MGMT_HVC_GET:
		x[1] = x[1] < MGMT_BOX_SIZE
			       ? mgmt_box_read(&box, (unsigned int)x[1], 8)
			       : 0;
		x[0] = 0;
		return true;
	}
	return false;
}
