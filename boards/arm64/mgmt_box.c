/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mailbox: a window of bytes, and one request at a time.
 *
 * What is in the window is copied before it is looked at, and the answer is
 * copied in when it is complete: whoever writes meanwhile, from whichever CPU,
 * finds the door closed, and changes nothing that is judged already. The lock
 * is not held while the request is done, which may wait for other CPUs.
 */
#include "mgmt.h"

#include <holdfast/errno.h>

void mgmt_box_init(struct mgmt_box *box)
{
	memset(box, 0, sizeof(*box));
	plat_lock_init(&box->lock);
}

uint64_t mgmt_box_read(struct mgmt_box *box, unsigned int offset,
		       unsigned int size)
{
	uint64_t val = 0;

	if (size > sizeof(val) || offset > MGMT_BOX_SIZE - size)
		return 0;
	plat_lock(&box->lock);
	if (!box->busy)
		memcpy(&val, box->window + offset, size);
	plat_unlock(&box->lock);
	return val;
}

void mgmt_box_write(struct mgmt_box *box, unsigned int offset,
		    unsigned int size, uint64_t val)
{
	if (size > sizeof(val) || offset > MGMT_BOX_SIZE - size)
		return;
	plat_lock(&box->lock);
	if (!box->busy)
		memcpy(box->window + offset, &val, size);
	plat_unlock(&box->lock);
}

static bool begin(struct mgmt_box *box, struct mgmt_request *request)
{
	bool mine;

	plat_lock(&box->lock);
	mine = !box->busy;
	if (mine) {
		box->busy = true;
		memcpy(request, box->window, sizeof(*request));
	}
	plat_unlock(&box->lock);
	return mine;
}

void mgmt_box_ring(struct mgmt_box *box, uint32_t verb)
{
	struct mgmt_request request;
	union mgmt_answer answer;
	int err;

	if (!begin(box, &request))
		return;
	memset(&answer, 0, sizeof(answer));
	err = mgmt_do(verb, &request, &answer);
	plat_lock(&box->lock);
	memset(box->window, 0, sizeof(box->window));
	memcpy(box->window, &answer, sizeof(answer));
	box->status = err;
	box->busy = false;
	plat_unlock(&box->lock);
}

int32_t mgmt_box_status(struct mgmt_box *box)
{
	int32_t status;

	plat_lock(&box->lock);
	status = box->busy ? -EAGAIN : box->status;
	plat_unlock(&box->lock);
	return status;
}
