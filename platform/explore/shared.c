/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who touches what. An operation on an object that no other thread touches, or
 * that no other thread writes and this one only reads, commutes with all that
 * the others do: a switch before it is the same as one after it.
 *
 * Which objects those are is learned: each is taken for one that is not shared
 * until an execution shows the opposite. That execution is then repeated, and
 * the places on its way where the others' switches had been left out are open.
 * No schedule is missed for having learned it so late. Take a place before an
 * operation X that was left closed until all that begins like this was searched,
 * and a schedule that switches there. Do X first instead: until some other
 * thread touches X's object that is the same schedule, with no preemption more,
 * and it is searched. If one does touch it, then it does so in the searched one
 * as well, which was repeated for it; and the place lay on its way, so it was
 * opened. (By induction over what remains of the schedule: from its end.)
 *
 * Objects are told by address, in words: static ones, and those of the setup,
 * which are at the same place in each execution. What else there is, is shared:
 * word 0. Freeing an object writes all of it.
 */
#include "internal.h"

/* Threads, as bits: who does, and whose do so without mattering to others. */
static struct users {
	uint8_t readers, writers, free_readers, free_writers;
} * users_of; /* by word */

static bool grown;

void shared_init(void)
{
	users_of = memory_map(MEMORY_WORDS * sizeof(*users_of));
}

static bool is_alone(unsigned int threads)
{
	return !(threads & (threads - 1));
}

static unsigned int free_readers(struct users users)
{
	if (!users.writers)
		return users.readers;
	return is_alone(users.writers) ? users.readers & users.writers : 0;
}

static unsigned int free_writers(struct users users)
{
	return is_alone(users.readers | users.writers) ? users.writers : 0;
}

static void add(struct users *users, unsigned int threads, bool writes)
{
	struct users before = *users;

	if (writes)
		users->writers |= (uint8_t)threads;
	else
		users->readers |= (uint8_t)threads;
	users->free_readers = (uint8_t)free_readers(*users);
	users->free_writers = (uint8_t)free_writers(*users);
	grown |= before.free_readers & ~users->free_readers ||
		 before.free_writers & ~users->free_writers;
}

bool shared_touch(unsigned int word, unsigned int threads, bool writes)
{
	struct users *users = &users_of[word];

	if (threads & ~(writes ? users->writers : users->readers))
		add(users, threads, writes);
	return !word ||
	       threads & ~(writes ? users->free_writers : users->free_readers);
}

bool shared_grown(void)
{
	bool was = grown;

	grown = false;
	return was;
}
