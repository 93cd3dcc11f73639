/* SPDX-License-Identifier: BSD-2-Clause */
/* See texts.h. Any thread; administrators' reasons are few. */
#include "texts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct text {
	struct text *next;
	char s[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct text *texts; /* guarded by lock */

const char *text_keep(const char *s)
{
	struct text *t;

	pthread_mutex_lock(&lock);
	for (t = texts; t && strcmp(t->s, s); t = t->next)
		;
	if (!t && (t = malloc(sizeof(*t) + strlen(s) + 1))) {
		memcpy(t->s, s, strlen(s) + 1);
		t->next = texts;
		texts = t;
	}
	pthread_mutex_unlock(&lock);
	return t ? t->s : NULL;
}

void texts_free(void)
{
	struct text *t;

	while ((t = texts)) {
		texts = t->next;
		free(t);
	}
}
