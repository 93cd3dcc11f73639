/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver: tells a scenario again and again, with the first call of a kind
 * failing, then the second, until none is left to fail; all kinds, all
 * scenarios.
 *
 * A scenario is a list of steps. A step in which the call has failed may say
 * an error that the operation documents, of that kind of failure, or it copes.
 * Either way the invariants hold and all books agree at once. Then what is
 * dead lives again, what is in quarantine or broken is brought home as the
 * headers say, and the step is done again and succeeds. At the end of the
 * scenario everything is as when nothing had failed: objects allocated, spaces,
 * contexts, mappings, vectors, each device with its owner and references, each
 * register of each function; and the witness has seen nothing.
 */
#ifndef TESTS_FAULTS_DRIVER_H
#define TESTS_FAULTS_DRIVER_H

#include <holdfast/types.h>

#include "inject.h"

/* An error that an operation documents, and the kinds that may lead to it. */
struct answer {
	int err;
	unsigned int of;
};

struct step {
	const char *name;
	/*
	 * 0 or an error of the core. Done again, also when it had succeeded, it
	 * is no error.
	 */
	int (*run)(void);
	const struct answer *may; /* ends with err 0; NULL: none */
	/* What 0 means; NULL: nothing to look at. */
	bool (*done)(void);
	/* 0 may mean less if a call failed: who asks has no way to be told. */
	bool copes;
};

struct scenario {
	const char *name;
	const struct step *step; /* ends with name NULL */
	bool hardware_views;
	bool bare; /* the steps start the core */
	/*
	 * A guest's device is lost: nobody asks its unit again, and tables that
	 * it has not forgotten are kept until pci_fini().
	 */
	bool keeps_spaces;
};

/* Each list ends with NULL. */
extern const struct scenario *const start_scenarios[];
extern const struct scenario *const device_scenarios[];
extern const struct scenario *const owner_scenarios[];
extern const struct scenario *const guest_scenarios[];
extern const struct scenario *const dma_scenarios[];
extern const struct scenario *const irq_scenarios[];
extern const struct scenario *const reset_scenarios[];

/* Says where, and ends this scenario with this kind. */
void driver_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn)) hf_printf_like(3, 4);

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond))                                                \
			driver_fail(__FILE__, __LINE__, "%s does not hold", \
				    #cond);                                 \
	} while (0)

#define CHECK_EQUAL(a, b)                                                  \
	do {                                                               \
		long long a_ = (long long)(a), b_ = (long long)(b);        \
		if (a_ != b_)                                              \
			driver_fail(__FILE__, __LINE__,                    \
				    "%s is %lld, and %s %lld", #a, a_, #b, \
				    b_);                                   \
	} while (0)

#endif
