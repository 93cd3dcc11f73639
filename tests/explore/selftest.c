/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The explorer looks at itself: programs with a known fault, each of which it
 * must find and replay, next to their mended twins, in which it must find
 * nothing. A proof by exploration is worth what these are worth.
 */
#include <holdfast/atomic.h>
#include <holdfast/lock.h>

#include "scenarios.h"

/* These need their preemptions, whatever the run's bound is. */
#define SELFTEST(ident, ...) SCENARIO(ident, .bound = 2, __VA_ARGS__)

static struct pci_lock lock_a, lock_b;
static plat_event_t event;
static hf_atomic(uint32_t) flag[2], turn, word;
static unsigned int inside, seen[3];

static struct node {
	struct plat_rcu_head rcu;
	struct pci_lock lock;
	hf_atomic(uint32_t) refs;
	unsigned int value;
} * node;
static hf_atomic(struct node *) published;

static void begin(void)
{
	pci_lock_init(&lock_a, LOCK_SEGMENT, "a", 0);
	pci_lock_init(&lock_b, LOCK_DEVICE, "b", 0);
	plat_event_init(&event);
	hf_init(&flag[0], 0);
	hf_init(&flag[1], 0);
	hf_init(&turn, 0);
	hf_init(&word, 0);
	inside = seen[0] = seen[1] = seen[2] = 0;
	node = NULL;
}

static void begin_node(void)
{
	begin();
	node = plat_zalloc(sizeof(*node));
	pci_lock_init(&node->lock, LOCK_DEVICE, "node", 0);
	hf_init(&node->refs, 2);
	hf_init(&published, node);
}

/* --- mutual exclusion by flags ----------------------------------------------- */

static void critical(void)
{
	ensure(!inside++);
	hf_store_relaxed(&word, 1); /* somewhere to be interrupted */
	inside--;
}

enum peterson { RIGHT, TURN_FIRST, BY_STORES };

static void give_turn_to(unsigned int other, enum peterson how)
{
	uint32_t old = 0;

	if (how == BY_STORES)
		hf_store_release(&turn, other);
	else
		while (!hf_cas_acq_rel(&turn, &old, other))
			;
}

static void peterson_as(unsigned int me, enum peterson how)
{
	if (how != TURN_FIRST)
		hf_store_release(&flag[me], 1);
	give_turn_to(!me, how);
	if (how == TURN_FIRST)
		hf_store_release(&flag[me], 1);
	while (hf_load_acquire(&flag[!me]) && hf_load_acquire(&turn) == !me)
		explore_yield();
	critical();
	hf_store_release(&flag[me], 0);
}

static void peterson(void)
{
	peterson_as(explore_self(), RIGHT);
}

static void peterson_reversed(void)
{
	peterson_as(explore_self(), TURN_FIRST);
}

static void peterson_by_stores(void)
{
	peterson_as(explore_self(), BY_STORES);
}

SELFTEST(selftest_peterson, .name = "selftest/peterson",
	 .rule = "mutual exclusion holds in every schedule", .older = 2,
	 .setup = begin,
	 .thread = { { "left", peterson }, { "right", peterson } });
SELFTEST(selftest_peterson_broken, .name = "selftest/peterson_broken",
	 .rule = "turn before flag lets both in", .setup = begin,
	 .thread = { { "left", peterson_reversed },
		     { "right", peterson_reversed } },
	 .expect = "!inside++ does not hold");
SELFTEST(selftest_peterson_weak, .name = "selftest/peterson_by_stores",
	 .rule = "stores and loads of two objects may pass each other",
	 .older = 1, .setup = begin,
	 .thread = { { "left", peterson_by_stores },
		     { "right", peterson_by_stores } },
	 .expect = "!inside++ does not hold");

/* --- what is left out ------------------------------------------------------------- */

static void word_by_steps(void)
{
	hf_store_relaxed(&flag[0], 1);
	hf_store_relaxed(&word, 1);
	hf_store_relaxed(&word, 2);
	hf_store_relaxed(&flag[0], 0);
}

static void look_between(void)
{
	if (hf_load_relaxed(&flag[0]))
		ensure(hf_load_relaxed(&word) != 1);
}

static void announce(void)
{
	hf_store_relaxed(&flag[0], 1);
	hf_store_relaxed(&word, 1); /* nobody else's */
	ensure(!seen[0]);
}

static void answer(void)
{
	if (hf_load_relaxed(&flag[0]))
		seen[0] = 1;
}

SELFTEST(selftest_shared_late, .name = "selftest/shared_in_few_schedules",
	 .rule = "what is shared in one schedule only is learned there",
	 .setup = begin,
	 .thread = { { "writer", word_by_steps }, { "reader", look_between } },
	 .expect = "!= 1 does not hold");
SELFTEST(selftest_shared_plainly, .name = "selftest/shared_plainly",
	 .rule = "a switch left out is made up for before a plain access",
	 .setup = begin,
	 .thread = { { "announces", announce }, { "answers", answer } },
	 .expect = "!seen[0] does not hold");

static struct {
	plat_event_t event;
	plat_lock_t lock;
} * parcel;

static void begin_parcel(void)
{
	begin();
	parcel = plat_zalloc(sizeof(*parcel));
	plat_event_init(&parcel->event);
	plat_lock_init(&parcel->lock);
}

static void set_event_late(void)
{
	if (!hf_fetch_or_relaxed(&word, 0))
		plat_event_set(&parcel->event);
}

static void lock_late(void)
{
	if (!hf_fetch_or_relaxed(&word, 0)) {
		plat_lock(&parcel->lock);
		plat_unlock(&parcel->lock);
	}
}

static void free_early(void)
{
	hf_fetch_or_relaxed(&word, 1);
	plat_free(parcel);
}

SELFTEST(selftest_freed_event, .name = "selftest/freed_before_it_is_set",
	 .rule = "freeing shares what only one thread operated on",
	 .setup = begin_parcel,
	 .thread = { { "setter", set_event_late }, { "freer", free_early } },
	 .expect = "touch of freed memory by setter");
SELFTEST(selftest_freed_lock, .name = "selftest/freed_before_it_is_locked",
	 .rule = "freeing shares what only one thread operated on",
	 .setup = begin_parcel,
	 .thread = { { "locker", lock_late }, { "freer", free_early } },
	 .expect = "touch of freed memory by locker");

/* --- every schedule, once -------------------------------------------------------- */

static void three_steps(void)
{
	(void)hf_fetch_add_relaxed(&word, 1);
	(void)hf_fetch_add_relaxed(&word, 1);
	(void)hf_fetch_add_relaxed(&word, 1);
}

/*
 * Only one order with two preemptions does this: a step of left, two of right,
 * the rest of left. The search is exhaustive, or it misses it.
 */
static void left_steps(void)
{
	unsigned int mine, between;

	mine = hf_fetch_add_relaxed(&word, 1);
	between = hf_fetch_add_relaxed(&word, 1) - mine - 1;
	(void)hf_fetch_add_relaxed(&word, 1);
	ensure(mine != 0 || between != 2 || hf_load_relaxed(&word) != 5);
}

SELFTEST(selftest_needle, .name = "selftest/needle",
	 .rule = "the one schedule of its kind is tried", .setup = begin,
	 .thread = { { "left", left_steps }, { "right", three_steps } },
	 .expect = "between != 2");
SCENARIO(selftest_needle_beyond, .name = "selftest/needle_beyond_the_bound",
	 .rule = "a bound of 1 leaves out what needs 2 preemptions",
	 .setup = begin,
	 .thread = { { "left", left_steps }, { "right", three_steps } },
	 .bound = 1);

static void choosing(void)
{
	unsigned int a = explore_choose(3), b = explore_choose(2);

	ensure(a != 2 || b != 1);
}

SELFTEST(selftest_choice, .name = "selftest/choice",
	 .rule = "every value of explore_choose() is tried", .setup = begin,
	 .thread = { { "chooser", choosing } },
	 .expect = "a != 2 || b != 1 does not hold");

/* --- values that C11 allows ------------------------------------------------------ */

static void begin_message(void)
{
	begin();
	node = plat_zalloc(sizeof(*node));
	hf_init(&node->refs, 0);
	hf_init(&published, NULL);
}

static void end_message(void)
{
	plat_free(node);
}

static void send_relaxed(void)
{
	hf_store_relaxed(&word, 1);
	hf_store_relaxed(&flag[0], 1);
}

static void send_released(void)
{
	hf_store_relaxed(&word, 1);
	hf_store_release(&flag[0], 1);
}

static void receive(void)
{
	if (hf_load_acquire(&flag[0]))
		ensure(hf_load_relaxed(&word));
}

static void receive_relaxed(void)
{
	if (hf_load_relaxed(&flag[0]))
		ensure(hf_load_relaxed(&word));
}

/* The second store of a release sequence may be anybody's, if it is an RMW. */
static void forward(void)
{
	(void)hf_fetch_add_relaxed(&flag[0], 1);
}

static void receive_forwarded(void)
{
	if (hf_load_acquire(&flag[0]) == 2)
		ensure(hf_load_relaxed(&word));
}

static void read_twice(void)
{
	uint32_t first = hf_load_relaxed(&word);

	ensure(hf_load_relaxed(&word) >= first);
}

static void read_before_and_after_a_lock(void)
{
	hf_store_relaxed(&word, 1);
	pci_lock(&lock_a);
	seen[0] = 1;
	pci_unlock(&lock_a);
}

static void read_after_the_lock(void)
{
	bool after;

	pci_lock(&lock_a);
	after = seen[0];
	pci_unlock(&lock_a);
	ensure(!after || hf_load_relaxed(&word));
}

/* A plain field, and what tells of it. */
static void write_plainly(bool released)
{
	node->value = 1;
	if (released)
		hf_store_release(&published, node);
	else
		hf_store_relaxed(&published, node);
}

static void publish_released(void)
{
	write_plainly(true);
}

static void publish_relaxed(void)
{
	write_plainly(false);
}

static void read_what_is_published(void)
{
	struct node *mine = hf_load_acquire(&published);

	ensure(!mine || mine->value);
}

SELFTEST(selftest_message, .name = "selftest/message", .older = 2,
	 .rule = "a release and an acquire carry what came before",
	 .setup = begin_message, .finish = end_message,
	 .thread = { { "sender", send_released }, { "receiver", receive } });
SELFTEST(selftest_message_relaxed, .name = "selftest/message_relaxed",
	 .rule = "a relaxed store carries nothing", .older = 1,
	 .setup = begin_message, .finish = end_message,
	 .thread = { { "sender", send_relaxed }, { "receiver", receive } },
	 .expect = "(&word) does not hold");
SELFTEST(selftest_receive_relaxed, .name = "selftest/received_relaxed",
	 .rule = "a relaxed load takes nothing", .older = 1,
	 .setup = begin_message, .finish = end_message,
	 .thread = { { "sender", send_released },
		     { "receiver", receive_relaxed } },
	 .expect = "(&word) does not hold");
SELFTEST(selftest_sequence, .name = "selftest/release_sequence",
	 .rule = "a read-modify-write hands on", .older = 2,
	 .setup = begin_message, .finish = end_message,
	 .thread = { { "sender", send_released },
		     { "forwarder", forward },
		     { "receiver", receive_forwarded } });
SELFTEST(selftest_coherence, .name = "selftest/coherence",
	 .rule = "one object's values are never seen backwards", .older = 2,
	 .setup = begin_message, .finish = end_message,
	 .thread = { { "writer", three_steps }, { "reader", read_twice } });
SELFTEST(selftest_lock_orders, .name = "selftest/lock_orders", .older = 2,
	 .rule = "a lock carries what came before", .setup = begin_message,
	 .finish = end_message,
	 .thread = { { "one", read_before_and_after_a_lock },
		     { "two", read_after_the_lock } });
SELFTEST(selftest_published, .name = "selftest/published",
	 .rule = "what is published is complete", .setup = begin_message,
	 .finish = end_message,
	 .thread = { { "writer", publish_released },
		     { "reader", read_what_is_published } });
SELFTEST(selftest_race, .name = "selftest/data_race",
	 .rule = "plain accesses that nothing orders", .setup = begin_message,
	 .finish = end_message,
	 .thread = { { "writer", publish_relaxed },
		     { "reader", read_what_is_published } },
	 .expect = "data race: reader reads #1");

/* --- priorities at random ------------------------------------------------------------ */

SELFTEST(selftest_random, .name = "selftest/random_needle", .random = 3,
	 .rule = "change points at random find what needs two preemptions",
	 .setup = begin,
	 .thread = { { "left", left_steps }, { "right", three_steps } },
	 .expect = "between != 2");

/* --- waiting ------------------------------------------------------------------------ */

static void set_word(void)
{
	hf_store_release(&word, 1);
	plat_event_set(&event);
}

static void wait_clear_first(void)
{
	for (;;) {
		plat_event_clear(&event);
		if (hf_load_acquire(&word))
			return;
		(void)plat_event_wait(&event, PLAT_FOREVER);
	}
}

static void wait_test_first(void)
{
	while (!hf_load_acquire(&word)) {
		plat_event_clear(&event);
		(void)plat_event_wait(&event, PLAT_FOREVER);
	}
}

SELFTEST(selftest_wakeup, .name = "selftest/wakeup",
	 .rule = "clear, then test, then wait loses no wake-up", .setup = begin,
	 .thread = { { "waiter", wait_clear_first }, { "setter", set_word } });
SELFTEST(selftest_lost_wakeup, .name = "selftest/lost_wakeup",
	 .rule = "test, then clear loses one", .setup = begin,
	 .thread = { { "waiter", wait_test_first }, { "setter", set_word } },
	 .expect = "deadlock: waiter waits for an event");

static void a_then_b(void)
{
	plat_lock(&lock_a.plat);
	plat_lock(&lock_b.plat);
	plat_unlock(&lock_b.plat);
	plat_unlock(&lock_a.plat);
}

static void b_then_a(void)
{
	plat_lock(&lock_b.plat);
	plat_lock(&lock_a.plat);
	plat_unlock(&lock_a.plat);
	plat_unlock(&lock_b.plat);
}

SELFTEST(selftest_deadlock, .name = "selftest/deadlock",
	 .rule = "two locks in two orders block", .setup = begin,
	 .thread = { { "one", a_then_b }, { "two", b_then_a } },
	 .expect = "deadlock: one waits for a lock, two waits for a lock");

static void wrong_rank(void)
{
	pci_lock(&lock_b);
	pci_lock(&lock_a);
	pci_unlock(&lock_a);
	pci_unlock(&lock_b);
}

SELFTEST(selftest_lock_order, .name = "selftest/lock_order",
	 .rule = "a lock out of rank is a failure without a collision",
	 .setup = begin, .thread = { { "one", wrong_rank } },
	 .expect = "lock order: a wanted under b");

static void wait_under_lock(void)
{
	pci_lock(&lock_a);
	(void)plat_event_wait(&event, plat_now() + 1);
	pci_unlock(&lock_a);
}

SELFTEST(selftest_wait_under_lock, .name = "selftest/wait_under_lock",
	 .rule = "nothing waits under a lock", .setup = begin,
	 .thread = { { "one", wait_under_lock } },
	 .expect = "plat_event_wait() under a lock");

static void wait_in_section(void)
{
	plat_rcu_read_lock();
	plat_rcu_synchronize();
	plat_rcu_read_unlock();
}

SELFTEST(selftest_wait_in_section, .name = "selftest/wait_in_section",
	 .rule = "nothing waits in a section", .setup = begin,
	 .thread = { { "one", wait_in_section } },
	 .expect = "plat_rcu_synchronize() inside a section");

static void spin(void)
{
	while (!hf_load_relaxed(&word))
		explore_yield();
}

SELFTEST(selftest_livelock, .name = "selftest/livelock",
	 .rule = "an execution without an end is a failure", .setup = begin,
	 .thread = { { "one", spin }, { "two", spin } }, .expect = "livelock");

/* --- the clock -------------------------------------------------------------------------- */

static void deadline_at_2ms(void)
{
	uint64_t from = plat_now();

	seen[0] = plat_event_wait(&event, from + 2 * PLAT_NSEC_PER_MSEC);
	ensure(plat_now() == from + PLAT_NSEC_PER_MSEC * (seen[0] ? 1 : 2));
	ensure(seen[0]);
}

static void set_at_1ms(void)
{
	explore_sleep_until(plat_now() + PLAT_NSEC_PER_MSEC);
	plat_event_set(&event);
}

SELFTEST(selftest_clock, .name = "selftest/clock",
	 .rule = "time moves to the earliest deadline, when nobody can go on",
	 .setup = begin,
	 .thread = { { "waiter", deadline_at_2ms }, { "setter", set_at_1ms } });

static void waits_1ms(void)
{
	ensure(plat_event_wait(&event, plat_now() + PLAT_NSEC_PER_MSEC));
}

SELFTEST(selftest_in_time, .name = "selftest/deadline_in_time",
	 .rule = "no deadline passes while somebody works", .setup = begin,
	 .thread = { { "waiter", waits_1ms }, { "setter", set_word } });
SELFTEST(selftest_late, .name = "selftest/deadline_late",
	 .rule = "unless the scenario says it may", .setup = begin,
	 .thread = { { "waiter", waits_1ms }, { "setter", set_word } },
	 .late = true, .expect = "does not hold");

/* --- memory --------------------------------------------------------------------------------- */

static void free_node(struct plat_rcu_head *rcu)
{
	plat_free(container_of(rcu, struct node, rcu));
}

static void read_published(void)
{
	struct node *found;

	plat_rcu_read_lock();
	found = hf_load_acquire(&published);
	if (found)
		seen[0] += found->value;
	plat_rcu_read_unlock();
}

static struct node *unpublish(void)
{
	struct node *found = hf_load_relaxed(&published);

	hf_store_release(&published, NULL);
	return found;
}

static void unpublish_call(void)
{
	struct node *found = unpublish();

	plat_rcu_call(&found->rcu, free_node);
}

static void unpublish_wait(void)
{
	struct node *found = unpublish();

	plat_rcu_synchronize();
	plat_free(found);
}

static void unpublish_poll(void)
{
	struct node *found = unpublish();
	plat_gp_t gp = plat_gp_start();

	while (!plat_gp_done(gp))
		explore_yield();
	plat_free(found);
}

static void unpublish_at_once(void)
{
	plat_free(unpublish());
}

static void call_too_early(void)
{
	plat_rcu_call(&node->rcu, free_node);
	hf_store_release(&published, NULL);
}

SELFTEST(selftest_rcu_call, .name = "selftest/rcu_call",
	 .rule = "a section keeps what it found", .setup = begin_node,
	 .thread = { { "reader", read_published },
		     { "reader2", read_published },
		     { "remover", unpublish_call } });
SELFTEST(selftest_rcu_wait, .name = "selftest/rcu_wait",
	 .rule = "a section keeps what it found", .setup = begin_node,
	 .thread = { { "reader", read_published },
		     { "reader2", read_published },
		     { "remover", unpublish_wait } });
SELFTEST(selftest_rcu_poll, .name = "selftest/rcu_poll",
	 .rule = "a section keeps what it found", .setup = begin_node,
	 .thread = { { "reader", read_published },
		     { "reader2", read_published },
		     { "remover", unpublish_poll } });
SELFTEST(selftest_no_grace_period, .name = "selftest/no_grace_period",
	 .rule = "without a grace period it does not", .setup = begin_node,
	 .thread = { { "reader", read_published },
		     { "remover", unpublish_at_once } },
	 .expect = "data race: remover frees #1");
SELFTEST(selftest_unlist_late, .name = "selftest/unlisted_after_the_call",
	 .rule = "unlist first, free then: a later section may find it",
	 .setup = begin_node,
	 .thread = { { "reader", read_published },
		     { "remover", call_too_early } },
	 .expect = "data race: reclaimer frees #1");

static void put_node(void)
{
	if (hf_fetch_sub_release(&node->refs, 1) != 1)
		return;
	(void)hf_load_acquire(
		&node->refs); /* what others did with it is over */
	plat_free(node);
}

static void put_without_acquire(void)
{
	if (hf_fetch_sub_release(&node->refs, 1) == 1)
		plat_free(node);
}

static void put_then_touch(void)
{
	struct node *mine = node;

	if (hf_fetch_sub_release(&mine->refs, 1) == 1)
		plat_free(mine);
	else
		ensure(!mine->value); /* no operation, only an access */
}

SELFTEST(selftest_put, .name = "selftest/put",
	 .rule = "the last one frees, once", .setup = begin_node,
	 .thread = { { "one", put_node }, { "two", put_node } });
SELFTEST(selftest_put_then_touch, .name = "selftest/put_then_touch",
	 .rule = "a plain access after a put is seen too", .setup = begin_node,
	 .thread = { { "one", put_node }, { "two", put_then_touch } },
	 .expect = "data race: two frees #1");
SELFTEST(selftest_put_unordered, .name = "selftest/put_without_acquire",
	 .rule = "who frees acquires what the others released",
	 .setup = begin_node,
	 .thread = { { "one", put_without_acquire }, { "two", put_node } },
	 .expect = "data race: one frees #1");

static void put_racy(void)
{
	uint32_t refs = hf_load_acquire(&node->refs);

	hf_store_release(&node->refs, refs - 1);
	if (refs == 1)
		plat_free(node);
}

SELFTEST(selftest_leak, .name = "selftest/leak",
	 .rule = "memory left over is a failure", .setup = begin_node,
	 .thread = { { "one", put_racy }, { "two", put_racy } },
	 .expect = "1 objects are left over");

static void free_under_lock(void)
{
	pci_lock(&lock_a);
	plat_free(node);
	pci_unlock(&lock_a);
}

static void touch_under_lock(void)
{
	pci_lock(&lock_a);
	ensure(!node->value);
	pci_unlock(&lock_a);
}

SELFTEST(selftest_touch_freed, .name = "selftest/touch_of_freed",
	 .rule = "ordered or not, what is freed is not touched",
	 .setup = begin_node,
	 .thread = { { "one", free_under_lock }, { "two", touch_under_lock } },
	 .expect = "touch of freed memory by two");

static void lock_node(void)
{
	pci_lock(&node->lock);
	pci_unlock(&node->lock);
}

static void free_locked_node(void)
{
	pci_lock(&node->lock);
	pci_unlock(&node->lock);
	plat_free(node);
}

SELFTEST(selftest_lock_in_freed, .name = "selftest/R8_lock_in_freed_memory",
	 .rule = "R8: no lock is freed under a waiter", .setup = begin_node,
	 .thread = { { "waiter", lock_node }, { "freer", free_locked_node } },
	 .expect = "freed");

static void free_twice(void)
{
	plat_free(node);
	plat_free(node);
}

SELFTEST(selftest_double_free, .name = "selftest/double_free",
	 .rule = "freed once", .setup = begin_node,
	 .thread = { { "one", free_twice } }, .expect = "is freed twice");

const struct explore_scenario *const selftest_scenarios[] = {
	&selftest_peterson,
	&selftest_peterson_broken,
	&selftest_peterson_weak,
	&selftest_message,
	&selftest_message_relaxed,
	&selftest_receive_relaxed,
	&selftest_sequence,
	&selftest_coherence,
	&selftest_lock_orders,
	&selftest_published,
	&selftest_race,
	&selftest_random,
	&selftest_needle,
	&selftest_needle_beyond,
	&selftest_shared_late,
	&selftest_shared_plainly,
	&selftest_freed_event,
	&selftest_freed_lock,
	&selftest_choice,
	&selftest_wakeup,
	&selftest_lost_wakeup,
	&selftest_deadlock,
	&selftest_lock_order,
	&selftest_wait_under_lock,
	&selftest_wait_in_section,
	&selftest_livelock,
	&selftest_clock,
	&selftest_in_time,
	&selftest_late,
	&selftest_rcu_call,
	&selftest_rcu_wait,
	&selftest_rcu_poll,
	&selftest_no_grace_period,
	&selftest_unlist_late,
	&selftest_put,
	&selftest_put_then_touch,
	&selftest_put_unordered,
	&selftest_leak,
	&selftest_touch_freed,
	&selftest_lock_in_freed,
	&selftest_double_free,
	NULL,
};
