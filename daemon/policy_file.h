/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What guests see, from a text: docs/policy.md describes it. Who reads one gets
 * a policy that means what the text says; whether a guest may have it is
 * vpci_policy_check()'s to say.
 */
#ifndef DAEMON_POLICY_FILE_H
#define DAEMON_POLICY_FILE_H

#include <holdfast/vpci.h>

struct policy_file;

/*
 * NULL and a sentence in @err: @name, the line (syntax) or the JSON path
 * (meaning), and the reason. Nothing is kept of @text. Any thread.
 */
struct policy_file *policy_file_parse(const char *name, const char *text,
				      size_t len, char *err, size_t errlen)
	__must_check;
/* Stays valid until policy_file_free(). */
const struct vpci_policy *policy_file_policy(const struct policy_file *file);
void policy_file_free(struct policy_file *file); /* NULL is fine */

#endif
