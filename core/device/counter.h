/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one-word counter: a device's state and its references in one 64-bit
 * atomic word, so that every question has one exact answer.
 *
 *	bits 63..32 state    bits 31..0 count
 *
 * Invariants, and why each operation keeps them:
 *
 * C1  A reference is only made from a reference, or while LIVE. get is called
 *     by an owner, so the count was at least 1; tryget compares the whole word,
 *     so at the instant of its swap the state was LIVE, and LIVE implies the
 *     registry's reference. Hence count never rises from 0 (R6).
 * C2  State changes keep the count: they swap the whole word. They happen
 *     under pdev->lock, so they never race with each other.
 * C3  The registry's reference is put once, by who moved the state to GONE or
 *     LOST; dead states are never left. So (dead, 0) is reached at most once,
 *     by exactly one put, which frees.
 * C4  In DRAINING no tryget succeeds. After a grace period no section is left
 *     that found the device before; then only owners can make references. At
 *     count 2 the owners are the registry, which makes none, and the removal
 *     itself. So (DRAINING, 2), once seen after the grace period, is stable.
 *     (A loss may make one from the registry's, under the segment lock and
 *     after its mark; unlisting tests the mark under that lock, and gives up.)
 *
 * Memory orders:
 *
 *   get      relaxed: the caller's own reference already orders what it sees.
 *   tryget   acquire: what was written before the state became LIVE is seen.
 *            Pairs with the release of life_set_state().
 *   put      release, so that all that was done with the reference happens
 *            before the free; the put that finds (dead, 0) reads the word
 *            again with acquire. Every put is a read-modify-write, so that
 *            word lies in the release sequence of all puts before it.
 *   count    acquire: who sees (DRAINING, 2) sees what the last put's owner
 *            did, and may make the hardware quiet behind it.
 *
 * Saturation (R20): from COUNT_MAX up the count does not come down again; the
 * object is leaked and reported, never freed early. 2^30 concurrent puts
 * would be needed to leave the band.
 */
#ifndef CORE_DEVICE_COUNTER_H
#define CORE_DEVICE_COUNTER_H

#include <holdfast/atomic.h>
#include <holdfast/device.h>

#define LIFE_COUNT_MAX 0x80000000u /* saturated from here up */
#define LIFE_COUNT_STUCK 0xc0000000u

struct pci_counter {
	hf_atomic(uint64_t) word;
};

static inline uint64_t life_word(enum pci_state state, uint32_t count)
{
	return (uint64_t)state << 32 | count;
}

static inline enum pci_state life_word_state(uint64_t word)
{
	return (enum pci_state)(word >> 32);
}

static inline uint32_t life_word_count(uint64_t word)
{
	return (uint32_t)word;
}

static inline void life_init(struct pci_counter *life)
{
	hf_init(&life->word, life_word(PCI_STATE_NEW, 1));
}

static inline uint64_t life_read(struct pci_counter *life)
{
	return hf_load_acquire(&life->word);
}

static inline enum pci_state life_state(struct pci_counter *life)
{
	return life_word_state(life_read(life));
}

static inline uint32_t life_count(struct pci_counter *life)
{
	return life_word_count(life_read(life));
}

static inline bool life_is_dead(enum pci_state state)
{
	return state == PCI_STATE_GONE || state == PCI_STATE_LOST;
}

/* One more, or one less and back again, leaves the count in the stuck band. */
static inline bool life_is_stuck(uint64_t word)
{
	return life_word_count(word) >= LIFE_COUNT_MAX;
}

/* False: at saturation. The reference is taken all the same, for ever. */
static inline bool life_get(struct pci_counter *life)
{
	uint64_t word = hf_fetch_add_relaxed(&life->word, 1) + 1;

	if (__builtin_expect(!life_is_stuck(word), 1))
		return true;
	while (!hf_cas_relaxed(&life->word, &word,
			       life_word(life_word_state(word),
					 LIFE_COUNT_STUCK)))
		;
	return false;
}

enum life_tried { LIFE_TAKEN, LIFE_NOT_LIVE, LIFE_SATURATED };

static inline enum life_tried life_tryget(struct pci_counter *life)
{
	uint64_t word = hf_load_relaxed(&life->word);

	do {
		if (life_word_state(word) != PCI_STATE_LIVE)
			return LIFE_NOT_LIVE;
		if (life_is_stuck(word + 1))
			return life_get(life) ? LIFE_TAKEN : LIFE_SATURATED;
	} while (!hf_cas_acquire(&life->word, &word, word + 1));
	return LIFE_TAKEN;
}

enum life_left { LIFE_KEPT, LIFE_DRAINED, LIFE_FREE, LIFE_NO_REFERENCE };

/*
 * After LIFE_KEPT and LIFE_DRAINED the object may be gone, unless the caller
 * is in a read-side section that began before.
 */
static inline enum life_left life_put(struct pci_counter *life)
{
	uint64_t word = hf_fetch_sub_release(&life->word, 1);

	if (__builtin_expect(life_is_stuck(word), 0)) {
		hf_fetch_add_relaxed(&life->word, 1);
		return LIFE_KEPT;
	}
	if (life_word_count(word) == 0) {
		hf_fetch_add_relaxed(&life->word, 1);
		return LIFE_NO_REFERENCE;
	}
	word--;
	if (word == life_word(PCI_STATE_DRAINING, 2))
		return LIFE_DRAINED;
	if (life_word_count(word) == 0 && life_is_dead(life_word_state(word))) {
		(void)hf_load_acquire(&life->word);
		return LIFE_FREE;
	}
	return LIFE_KEPT;
}

/*
 * Change the state, keeping the count. Under pdev->lock. Returns the count at
 * that instant.
 */
static inline uint32_t life_set_state(struct pci_counter *life,
				      enum pci_state to)
{
	uint64_t word = hf_load_relaxed(&life->word);

	while (!hf_cas_release(&life->word, &word,
			       life_word(to, life_word_count(word))))
		;
	return life_word_count(word);
}

#endif
