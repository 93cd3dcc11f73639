/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request being answered: from its line to its reply, through the loop or
 * through a worker.
 */
#ifndef DAEMON_CALL_H
#define DAEMON_CALL_H

#include <json-c/json.h>

#include <holdfast/errno.h>
#include <holdfast/sbdf.h>

#include "client.h"
#include "loop.h"
#include "rpc.h"

struct call;

enum {
	METHOD_ADMIN = 1 << 0, /* only for those who administer; logged */
	METHOD_WORK = 1 << 1,  /* may sleep: runs in a worker */
};

#define CALL_LATER 1 /* the answer comes with call_finish() */

struct method {
	const char *name;
	unsigned int flags;
	/*
	 * 0: call->result is the answer; negative: call_fail() has said why;
	 * CALL_LATER, never from a worker.
	 */
	int (*run)(struct call *call);
	const char *params; /* names, a space between; others are refused */
};

/* methods.c; ends with a NULL name. */
extern const struct method methods[];

struct call {
	struct client *client; /* between client_begin() and client_end() */
	struct batch *batch;   /* or NULL */
	const struct method *method;
	json_object *id, *params; /* owned */
	bool answer, audited;
	json_object *result; /* owned */
	int code, err;       /* JSON-RPC's and ours; 0 0: well */
	char message[320];
	json_object *data; /* owned; of the error */
	struct work work;
};

/* Answer one line of a client. */
void call_line(struct client *client, const char *line, size_t len);

/* How many were answered or are being answered. */
uint64_t calls_total(void);

/* An error that has no request, to be sent. NULL without memory. */
json_object *call_error_line(int code, const char *message);

/*
 * The answer is "no": @err, and one sentence with what to do next. Returns
 * @err. More about it goes into call_data().
 */
int call_fail(struct call *call, int err, const char *fmt, ...)
	hf_printf_like(3, 4);
json_object *call_data(struct call *call);

/* The same about a device; the sentence follows from @err. */
int call_fail_device(struct call *call, int err, pci_sbdf_t sbdf);
/* What was asked for is done, and state_save() has failed. */
int call_fail_unsaved(struct call *call, int err, pci_sbdf_t sbdf);

/*
 * For methods that only sometimes administer: 0, or the error. Such a call is
 * logged like the others.
 */
int call_administers(struct call *call);

/* In the loop. @status as struct method's run returns it. */
void call_finish(struct call *call, int status);

/* --- params ------------------------------------------------------------------
 * Each returns 0 with *@out, or call_fail()s with the path of what is wrong.
 * The _opt ones leave *@out as it is if it is left out (or null), and return 1
 * if it was there.
 */
int arg_sbdf(struct call *call, const char *name, pci_sbdf_t *out);
int arg_sbdf_opt(struct call *call, const char *name, pci_sbdf_t *out);
int arg_int(struct call *call, const char *name, int64_t min, int64_t max,
	    int64_t *out);
int arg_int_opt(struct call *call, const char *name, int64_t min, int64_t max,
		int64_t *out);
int arg_bool_opt(struct call *call, const char *name, bool *out);
/* Lives as long as the call. */
int arg_str(struct call *call, const char *name, const char **out);
int arg_str_opt(struct call *call, const char *name, const char **out);
/* The same; one line of 1 to @most bytes. */
int arg_line(struct call *call, const char *name, size_t most,
	     const char **out);
int arg_line_opt(struct call *call, const char *name, size_t most,
		 const char **out);
int arg_bad(struct call *call, const char *name, const char *fmt, ...)
	hf_printf_like(3, 4);

#endif
