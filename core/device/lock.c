/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks with a rank; lock.h says which. Debug builds keep the locks that a
 * thread holds and stop at the first one out of order, so that a dead-lock is
 * found by the first run of a path and not by the first collision on it.
 */
#include <holdfast/lock.h>

void pci_lock_init(struct pci_lock *lock, enum lock_rank rank, const char *name,
		   uint64_t key)
{
	plat_lock_init(&lock->plat);
#ifdef HOLDFAST_DEBUG
	lock->rank = rank;
	lock->name = name;
	lock->key = key;
#else
	(void)rank;
	(void)name;
	(void)key;
#endif
}

void pci_lock_destroy(struct pci_lock *lock)
{
	plat_lock_destroy(&lock->plat);
}

#ifdef HOLDFAST_DEBUG

static bool in_order(const struct pci_lock *held, const struct pci_lock *next)
{
	if (held->rank != next->rank)
		return held->rank < next->rank;
	return held->rank == LOCK_DOMAIN && held->key < next->key;
}

static void check_order(const struct pci_lock *lock)
{
	struct plat_held *held = plat_held();
	unsigned int i;

	for (i = 0; i < held->count; i++)
		if (!in_order(held->lock[i], lock))
			plat_bug("lock order: %s wanted under %s", lock->name,
				 held->lock[i]->name);
	if (held->count == ARRAY_SIZE(held->lock))
		plat_bug("lock order: too many held for %s", lock->name);
	held->lock[held->count++] = lock;
}

static void forget(const struct pci_lock *lock)
{
	struct plat_held *held = plat_held();
	unsigned int i;

	for (i = held->count; i-- > 0;) {
		if (held->lock[i] == lock) {
			held->count--;
			for (; i < held->count; i++)
				held->lock[i] = held->lock[i + 1];
			return;
		}
	}
	plat_bug("lock order: %s unlocked and not held", lock->name);
}

void pci_assert_held(const struct pci_lock *lock)
{
	struct plat_held *held = plat_held();
	unsigned int i;

	for (i = 0; i < held->count; i++)
		if (held->lock[i] == lock)
			return;
	plat_bug("lock order: %s should be held", lock->name);
}

void pci_assert_may_wait(const char *what)
{
	struct plat_held *held = plat_held();

	if (held->count)
		plat_bug("%s under %s", what, held->lock[0]->name);
	if (held->sections)
		plat_bug("%s inside a read-side section", what);
}

#else

static inline void check_order(const struct pci_lock *lock)
{
	(void)lock;
}

static inline void forget(const struct pci_lock *lock)
{
	(void)lock;
}

#endif

void pci_lock(struct pci_lock *lock)
{
	check_order(lock);
	plat_lock(&lock->plat);
}

void pci_unlock(struct pci_lock *lock)
{
	forget(lock);
	plat_unlock(&lock->plat);
}
