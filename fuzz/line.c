/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that clients of the daemon send: each is one request at least. */
#include "fuzz.h"
#include "rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_message *msg = rpc_parse((const char *)data, size);
	unsigned int i;

	FUZZ_ASSERT(msg);
	FUZZ_ASSERT(msg->count >= 1 && msg->count <= RPC_BATCH_MAX);
	for (i = 0; i < msg->count; i++) {
		const struct rpc_request *req = &msg->request[i];

		FUZZ_ASSERT(!req->code == !req->why);
		FUZZ_ASSERT(req->offset <= size);
	}
	rpc_free(msg);
	return 0;
}
