/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claims and windows, on views that consist of a domain and sizes; and random
 * claims against a model that looks at every page.
 */
#include <malloc.h>

#include "vpci/space.h"

#include "vm.h"

#define PAGE 0x1000ull

static struct vpci view[8]; /* one BAR each */

static void claim_is(unsigned int v, uint64_t at, uint64_t size, int err)
{
	int got;

	view[v].domain = a.d;
	view[v].bar[0].size = size;
	plat_rcu_read_lock();
	got = vpci_space_claim(&view[v], 0, at);
	plat_rcu_read_unlock();
	assert_int_equal(got, err);
}

static void claim(unsigned int v, uint64_t at, uint64_t size)
{
	claim_is(v, at, size, 0);
}

static void release(unsigned int v, uint64_t at)
{
	vpci_space_release(&view[v], 0, at);
}

static struct vpci *owner(uint64_t gpa, uint64_t *offset)
{
	struct vpci *found;
	unsigned int bar;

	plat_rcu_read_lock();
	found = vpci_space_find(a.d, gpa, &bar, offset);
	plat_rcu_read_unlock();
	return found;
}

/* The first run of @v's claim at @at from @offset: "offset len", or "". */
static const char *run(unsigned int v, uint64_t at, uint64_t offset)
{
	static char text[40];
	uint64_t len;

	text[0] = '\0';
	plat_rcu_read_lock();
	if (vpci_space_run(&view[v], 0, at, view[v].bar[0].size, &offset, &len))
		snprintf(text, sizeof(text), "%llx %llx",
			 (unsigned long long)offset, (unsigned long long)len);
	plat_rcu_read_unlock();
	return text;
}

static void test_a_claim_is_found_by_every_byte_and_no_other(void **state)
{
	uint64_t offset;

	(void)state;
	assert_null(owner(0x1000, &offset));
	claim(0, 0x1000, 0x100);
	assert_null(owner(0xfff, &offset));
	assert_ptr_equal(owner(0x1000, &offset), &view[0]);
	assert_ptr_equal(owner(0x10ff, &offset), &view[0]);
	assert_int_equal(offset, 0xff);
	assert_null(owner(0x1100, &offset));
	release(0, 0x1000);
	assert_null(owner(0x1000, &offset));
	release(0, 0x1000);
}

static void test_who_came_first_has_it_until_he_leaves(void **state)
{
	uint64_t offset;

	(void)state;
	claim(0, 0x4000, 0x2000);
	claim(1, 0, 0x10000);
	claim(2, 0x4000, 0x1000);
	assert_ptr_equal(owner(0x4000, &offset), &view[0]);
	assert_ptr_equal(owner(0x3fff, &offset), &view[1]);
	assert_ptr_equal(owner(0x6000, &offset), &view[1]);
	release(0, 0x4000);
	assert_ptr_equal(owner(0x4000, &offset), &view[1]);
	assert_int_equal(offset, 0x4000);
	claim(0, 0x4000, 0x2000); /* and comes back last */
	assert_ptr_equal(owner(0x4000, &offset), &view[1]);
	release(1, 0);
	assert_ptr_equal(owner(0x4000, &offset), &view[2]);
	assert_ptr_equal(owner(0x5000, &offset), &view[0]);
}

static void test_runs_leave_out_who_came_first_by_whole_pages(void **state)
{
	(void)state;
	claim(0, 0x12800, 0x100); /* in page 2 */
	claim(1, 0x14000, 0x2000);
	claim(2, 0x10000, 0x8000);
	claim(3, 0x11000, 0x1000); /* later: no matter */
	assert_string_equal(run(2, 0x10000, 0), "0 2000");
	assert_string_equal(run(2, 0x10000, 0x1000), "1000 1000");
	assert_string_equal(run(2, 0x10000, 0x2000), "3000 1000");
	assert_string_equal(run(2, 0x10000, 0x4000), "6000 2000");
	assert_string_equal(run(3, 0x11000, 0), "");
	release(0, 0x12800);
	assert_string_equal(run(2, 0x10000, 0x2000), "2000 2000");
	release(2, 0x10000);
	assert_string_equal(run(2, 0x10000, 0), "");
	assert_string_equal(run(3, 0x11000, 0), "0 1000");
}

static void test_the_two_places_of_a_move_are_claims_apart(void **state)
{
	uint64_t offset;

	(void)state;
	claim(0, 0x10000, 0x1000);
	claim(0, 0x20000, 0x1000);
	release(0, 0x10000);
	assert_null(owner(0x10000, &offset));
	assert_ptr_equal(owner(0x20000, &offset), &view[0]);
}

static void test_the_end_of_the_address_space_can_be_claimed(void **state)
{
	const uint64_t top = UINT64_MAX - 0xfff;
	uint64_t offset;

	(void)state;
	claim(0, top, 0x1000);
	assert_ptr_equal(owner(UINT64_MAX, &offset), &view[0]);
	claim(1, top - 0x1000, 0x2000);
	assert_string_equal(run(1, top - 0x1000, 0), "0 1000");
	claim_is(2, top, 0x2000, -ERANGE);
	/* All but the first page of it, before a run that begins at 0. */
	release(0, top);
	release(1, top - 0x1000);
	claim(0, 0x1000, UINT64_MAX - 0xfff);
	claim(1, 0, 0x4000);
	assert_string_equal(run(1, 0, 0), "0 1000");
	assert_string_equal(run(1, 0, 0x1000), "");
}

static void test_claims_outside_the_windows_are_refused(void **state)
{
	(void)state;
	assert_int_equal(vpci_window_add(a.d, 0x100000, 0x10000), 0);
	assert_int_equal(vpci_window_add(a.d, 0x200000, 0x10000), 0);
	claim_is(0, 0xff000, 0x1000, -ERANGE);
	claim_is(0, 0x10f000, 0x2000, -ERANGE);
	claim_is(0, 0x110000, 0x1000, -ERANGE);
	claim_is(0, 0x10f000, 0x1000, 0);
	claim_is(1, 0x200000, 0x10000, 0);
}

static void test_claims_over_configuration_space_are_refused(void **state)
{
	(void)state;
	assert_int_equal(vpci_ecam_add(a.d, 0x100000, 0, 0, 0), 0);
	claim_is(0, 0x1ff000, 0x1000, -ERANGE);
	claim_is(0, 0, 0x200000, -ERANGE);
	claim_is(0, 0x200000, 0x1000, 0);
}

static void test_what_was_given_back_takes_no_room(void **state)
{
	struct vpci_space *space;
	unsigned int i;
	size_t room;

	(void)state;
	claim(0, 0x1000, 0x1000);
	claim(1, 0x2000, 0x1000);
	space = hf_load_acquire(&a.d->space);
	room = malloc_usable_size(hf_load_acquire(&space->claims));
	for (i = 0; i < 100; i++) {
		release(1, 0x2000);
		claim(1, 0x2000, 0x1000);
	}
	assert_true(malloc_usable_size(hf_load_acquire(&space->claims)) <=
		    2 * room);
}

static void test_windows_are_checked(void **state)
{
	(void)state;
	assert_int_equal(vpci_window_add(a.d, 0x1000, 0), -EINVAL);
	assert_int_equal(vpci_window_add(a.d, 0x1000, UINT64_MAX), -EINVAL);
	assert_int_equal(vpci_window_add(a.d, 0x1000, UINT64_MAX - 0xfff), 0);
}

/* --- against a model ------------------------------------------------------------------ */

static struct {
	uint64_t at, pages;
	unsigned int serial; /* 0: not claimed */
} model[ARRAY_SIZE(view)];

static struct vpci *model_owner(uint64_t page)
{
	unsigned int i, best = ARRAY_SIZE(view);

	for (i = 0; i < ARRAY_SIZE(view); i++)
		if (model[i].serial && page - model[i].at < model[i].pages &&
		    (best == ARRAY_SIZE(view) ||
		     model[i].serial < model[best].serial))
			best = i;
	return best < ARRAY_SIZE(view) ? &view[best] : NULL;
}

/* @v's pages that nobody before it has, by runs and by the model. */
static void check_runs(unsigned int v)
{
	uint64_t offset = 0, len, page, at = model[v].at * PAGE;
	bool mine[64] = { false };

	plat_rcu_read_lock();
	while (vpci_space_run(&view[v], 0, at, model[v].pages * PAGE, &offset,
			      &len)) {
		for (page = offset / PAGE; len; len -= PAGE)
			mine[page++] = true;
		offset = page * PAGE;
	}
	plat_rcu_read_unlock();
	for (page = 0; page < model[v].pages; page++)
		assert_int_equal(mine[page],
				 model_owner(model[v].at + page) == &view[v]);
}

static void test_random_claims_agree_with_a_model(void **state)
{
	unsigned int seed = (unsigned int)plat_now(), serial = 0, round, v;
	uint64_t page, offset;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	memset(model, 0, sizeof(model));
	for (round = 0; round < 3000; round++) {
		v = (unsigned int)rand() % ARRAY_SIZE(view);
		if (model[v].serial) {
			release(v, model[v].at * PAGE);
			model[v].serial = 0;
		} else {
			model[v].at = (uint64_t)rand() % 64;
			model[v].pages = 1 + (uint64_t)rand() % 32;
			model[v].serial = ++serial;
			claim(v, model[v].at * PAGE, model[v].pages * PAGE);
		}
		for (page = 0; page < 100; page++)
			assert_ptr_equal(owner(page * PAGE, &offset),
					 model_owner(page));
		for (v = 0; v < ARRAY_SIZE(view); v++)
			if (model[v].serial)
				check_runs(v);
	}
}

/* --- no memory (--wrap=plat_zalloc) ------------------------------------------------ */

static unsigned int allocation_fails; /* the next but n - 1 */

void *__real_plat_zalloc(size_t size);
void *__wrap_plat_zalloc(size_t size);

void *__wrap_plat_zalloc(size_t size)
{
	return allocation_fails && !--allocation_fails
		       ? NULL
		       : __real_plat_zalloc(size);
}

/* The address space's own, and the window's. */
static void test_without_memory_there_is_no_window(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		allocation_fails = n;
		assert_int_equal(vpci_window_add(a.d, 0x1000, 0x1000), -ENOMEM);
		assert_int_equal(allocation_fails, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_CASE(test_a_claim_is_found_by_every_byte_and_no_other),
		VM_CASE(test_who_came_first_has_it_until_he_leaves),
		VM_CASE(test_runs_leave_out_who_came_first_by_whole_pages),
		VM_CASE(test_the_two_places_of_a_move_are_claims_apart),
		VM_CASE(test_the_end_of_the_address_space_can_be_claimed),
		VM_CASE(test_claims_outside_the_windows_are_refused),
		VM_CASE(test_claims_over_configuration_space_are_refused),
		VM_CASE(test_what_was_given_back_takes_no_room),
		VM_CASE(test_windows_are_checked),
		VM_CASE(test_random_claims_agree_with_a_model),
		VM_CASE(test_without_memory_there_is_no_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
