/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains and ownership: R4, R16, R21, H12, H13, rule 12. */
#include <pthread.h>

#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "support.h"

static void test_names_and_ids_are_checked(void **state)
{
	static const char *const bad[] = { NULL,  "",     "a b",
					   "a\n", "\x7f", "\xc3\xa4" };
	char longest[PCI_WHO_LEN + 1];
	struct domain *d, *e;
	unsigned int id = 0, i;

	(void)state;
	assert_int_equal(domain_create(DOMID_IO, "x", NULL, NULL, &d), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(domain_create(0, bad[i], NULL, NULL, &d),
				 -EINVAL);
	memset(longest, 'n', sizeof(longest));
	longest[PCI_WHO_LEN] = '\0';
	assert_int_equal(domain_create(0, longest, NULL, NULL, &d), -EINVAL);
	longest[PCI_WHO_LEN - 1] = '\0';
	assert_int_equal(domain_create(0, longest, NULL, NULL, &d), 0);
	assert_string_equal(domain_name(d), longest);
	end_of(d);
	assert_int_equal(domain_create(0, "hardware", NULL, NULL, &d), -EEXIST);
	assert_null(domain_get_by_id(1));
	d = guest("a", NULL);
	assert_int_equal(domain_id(d), 1);
	assert_int_equal(domain_create(1, "b", NULL, NULL, &e), -EEXIST);
	assert_int_equal(domain_create(3, "c", NULL, NULL, &e), 0);
	end_of(e);
	e = guest("b", NULL);
	assert_int_equal(domain_id(e), 2);
	end_of(d);
	d = domain_next(&id);
	assert_ptr_equal(d, e);
	domain_put(d);
	d = domain_get_by_name("b");
	assert_ptr_equal(d, e);
	domain_put(d);
	assert_null(domain_get_by_name("a"));
	end_of(e);
}

static void test_R4_an_assigned_device_is_not_removed(void **state)
{
	struct domain *d = guest("vm1", NULL);

	(void)state;
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), -EBUSY);
	assert_int_equal(report.blockers, 1);
	assert_int_equal(report.blocker[0].hold.kind, PCI_HOLD_ASSIGNED);
	assert_string_equal(report.blocker[0].hold.who, "vm1");
	assert_string_equal(info_of("0:1:0.0").owner_name, "vm1");
	assert_int_equal(pci_deassign_device(d, at("0:1:0.0"), 0, NULL), 0);
	assert_int_equal(remove_dev("0:1:0.0", 0, MSEC), 0);
	end_of(d);
}

static void test_guest_addresses_are_given_or_chosen(void **state)
{
	struct domain *d = guest("vm1", NULL);
	pci_sbdf_t vsbdf = at("0:7:3.2");
	struct pci_dev *pdev;
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < 33; i++) {
		snprintf(name, sizeof(name), "0:%x:0.0", i + 1);
		add(name);
	}
	assert_int_equal(pci_assign_device(d, at("0:1:0.0"), 0, &vsbdf, NULL),
			 0);
	assert_int_equal(pci_assign_device(d, at("0:2:0.0"), 0, &vsbdf, NULL),
			 -EEXIST);
	assert_string_equal(info_of("0:2:0.0").owner_name, "hardware");
	vsbdf.seg = 1;
	assert_int_equal(pci_assign_device(d, at("0:2:0.0"), 0, &vsbdf, NULL),
			 -EINVAL);
	pdev = vpci_get_pdev(d, at("0:7:3.2"));
	assert_int_equal(pcidev_sbdf(pdev).sbdf, at("0:1:0.0").sbdf);
	pcidev_put(pdev);
	for (i = 1; i < 32; i++) {
		snprintf(name, sizeof(name), "0:%x:0.0", i + 1);
		vsbdf = pci_sbdf_from(UINT32_MAX);
		assert_int_equal(
			pci_assign_device(d, at(name), 0, &vsbdf, NULL), 0);
		assert_int_equal(vsbdf.sbdf,
				 pci_sbdf(0, 0, (uint8_t)i, 0).sbdf);
	}
	vsbdf = pci_sbdf_from(UINT32_MAX);
	assert_int_equal(pci_assign_device(d, at("0:21:0.0"), 0, &vsbdf, NULL),
			 -ENOSPC);
	assert_int_equal(domain_devices(d), 32);
	assert_int_equal(domain_destroy(d), 0);
	assert_int_equal(domain_devices(d), 0);
	assert_null(vpci_get_pdev(d, at("0:7:3.2")));
	domain_put(d);
}

static void test_what_cannot_be_assigned(void **state)
{
	struct domain *d = guest("vm1", NULL);
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);
	struct pci_dev *pdev;

	(void)state;
	add_bridge("0:0:1.0", "0:0:1.0", 2);
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	assert_int_equal(pci_assign_device(d, at("0:0:1.0"), 0, &vsbdf, NULL),
			 -EPERM);
	pcidev_set_broken(pdev, "smells");
	assert_int_equal(pci_test_assign(d, at("0:1:0.0"), 0, NULL), -EBADF);
	assert_int_equal(pci_assign_device(d, at("0:1:0.0"), 0, &vsbdf, NULL),
			 -EBADF);
	assert_int_equal(pcidev_mend(pdev), 0);
	assert_int_equal(test_stage.restored, 1);
	assert_int_equal(pci_test_assign(d, at("0:1:0.0"), 0, NULL), 0);
	assert_int_equal(pci_assign_device(dom_io, at("0:1:0.0"), 0, &vsbdf,
					   NULL),
			 -EINVAL);
	assert_int_equal(domain_destroy(d), 0);
	assert_int_equal(pci_assign_device(d, at("0:1:0.0"), 0, &vsbdf, NULL),
			 -EINVAL);
	assert_int_equal(domain_destroy(d), -EALREADY);
	assert_int_equal(domain_destroy(hardware_domain), -EINVAL);
	domain_put(d);
	pcidev_put(pdev);
}

static void test_hidden_devices_are_nobodys_to_take(void **state)
{
	struct domain *d = guest("vm1", NULL);
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);
	struct pci_dev *pdev;
	uint64_t val;

	(void)state;
	add("0:1:0.0");
	assert_int_equal(pci_hide_device(at("0:1:0.0"), true), 0);
	assert_int_equal(pci_hide_device(at("0:1:0.0"), true), 0);
	assert_true(info_of("0:1:0.0").hidden);
	assert_int_equal(pci_assign_device(d, at("0:1:0.0"), 0, &vsbdf, NULL),
			 -EBUSY);
	assert_int_equal(vpci_read(hardware_domain, at("0:1:0.0"), 0, 4, &val),
			 PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	assert_int_equal(pci_hide_device(at("0:1:0.0"), false), 0);
	assign(d, "0:1:0.0");
	assert_int_equal(pci_hide_device(at("0:1:0.0"), true), -EBUSY);
	assert_int_equal(pci_hide_device(at("0:1:0.0"), false), -EBUSY);
	end_of(d);
	assert_int_equal(pci_hide_device(at("0:1:0.0"), false), 0);
	assert_false(info_of("0:1:0.0").hidden);
	pdev = get("0:1:0.0");
	assert_int_equal(pcidev_begin(pdev, PCI_OP_RESET, NULL), 0);
	assert_int_equal(pci_hide_device(at("0:1:0.0"), true), -EBUSY);
	assert_int_equal(pcidev_mend(pdev), -EBUSY);
	pcidev_end(pdev);
	pcidev_put(pdev);
}

/* --- R21: reassignment waits for who is still inside ------------------------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static plat_event_t inside;
static hf_atomic(uint32_t) reader_left, deassign_returned_early;

static void wait_in_the_section(pci_sbdf_t sbdf)
{
	(void)sbdf;
	plat_event_set(&inside);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	hf_fetch_add_relaxed(&reader_left, 1);
}

static void *read_as_guest(void *data)
{
	uint64_t val;

	(void)!vpci_read(data, at("0:0:1.0"), 0, 4, &val);
	return NULL;
}

static void *take_away(void *data)
{
	if (pci_deassign_device(data, at("0:1:0.0"), 0, NULL) ||
	    !hf_load_acquire(&reader_left))
		hf_fetch_add_relaxed(&deassign_returned_early, 1);
	return NULL;
}

static void test_R21_reassignment_waits_for_the_old_owners_traps(void **state)
{
	struct domain *d = guest("vm1", NULL);
	pthread_t reader, taker;
	uint64_t val;

	(void)state;
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	plat_event_init(&inside);
	test_host.on_read = wait_in_the_section;
	pthread_mutex_lock(&gate);
	assert_int_equal(pthread_create(&reader, NULL, read_as_guest, d), 0);
	assert_true(plat_event_wait(&inside, PLAT_FOREVER));
	assert_int_equal(pthread_create(&taker, NULL, take_away, d), 0);
	/* The taker has unpublished, or will: either way the reader is inside. */
	while (!(info_of("0:1:0.0").owner == DOMID_IO))
		;
	pthread_mutex_unlock(&gate);
	pthread_join(taker, NULL);
	pthread_join(reader, NULL);
	test_host.on_read = NULL;
	assert_int_equal(hf_load_acquire(&deassign_returned_early), 0);
	assert_int_equal(vpci_read(d, at("0:0:1.0"), 0, 4, &val), PCI_DONE);
	assert_int_equal(val, UINT32_MAX);
	plat_event_destroy(&inside);
	end_of(d);
}

/* --- H12, H13: one list at every instant --------------------------------------- */

static hf_atomic(uint32_t) stop_moving;

static void *move_about(void *data)
{
	struct domain *d = data;

	while (!hf_load_acquire(&stop_moving)) {
		pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

		if (!pci_assign_device(d, at("0:1:0.0"), 0, &vsbdf, NULL))
			(void)!pci_deassign_device(d, at("0:1:0.0"), 0, NULL);
	}
	return NULL;
}

static unsigned int lists_with(struct pci_dev *pdev, struct domain *d)
{
	struct pci_dev *p;
	unsigned int n = 0;

	list_for_each(p, &d->devices, struct pci_dev, domain_entry) {
		n += p == pdev;
		if (p == pdev)
			assert_ptr_equal(hf_load_acquire(&p->owner), d);
	}
	return n;
}

static void test_H12_H13_a_device_is_always_on_one_list(void **state)
{
	struct domain *a = guest("a", NULL), *b = guest("b", NULL);
	struct domain *all[] = { hardware_domain, a, b, dom_io };
	pthread_t thread[2];
	struct pci_dev *pdev;
	unsigned int i, j, n;

	(void)state;
	add("0:1:0.0");
	pdev = get("0:1:0.0");
	hf_store_relaxed(&stop_moving, 0);
	assert_int_equal(pthread_create(&thread[0], NULL, move_about, a), 0);
	assert_int_equal(pthread_create(&thread[1], NULL, move_about, b), 0);
	for (i = 0; i < 3000; i++) {
		for (j = 0; j < ARRAY_SIZE(all); j++) /* by ascending id */
			pci_lock(&all[j]->lock);
		for (j = 0, n = 0; j < ARRAY_SIZE(all); j++)
			n += lists_with(pdev, all[j]);
		for (j = 0; j < ARRAY_SIZE(all); j++)
			pci_unlock(&all[j]->lock);
		assert_int_equal(n, 1);
	}
	hf_store_release(&stop_moving, 1);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	pcidev_put(pdev);
	end_of(a);
	end_of(b);
}

static unsigned int destroyed;

static void on_destroyed(void *data)
{
	destroyed += data == NULL;
}

static void test_a_domain_lives_as_long_as_its_references(void **state)
{
	static const struct domain_ops ops = { .destroyed = on_destroyed };
	struct domain *d = guest("vm1", &ops);

	(void)state;
	destroyed = 0;
	assert_int_equal(domain_destroy(d), 0);
	plat_rcu_barrier();
	assert_int_equal(destroyed, 0);
	assert_string_equal(domain_name(d), "vm1");
	assert_true(domain_is_dying(d));
	plat_rcu_read_lock(); /* who found it by a device it had */
	domain_put(d);
	assert_false(domain_tryget(d));
	plat_rcu_read_unlock();
	plat_rcu_barrier();
	assert_int_equal(destroyed, 1);
}

static void test_a_dying_domain_gives_its_devices_to_a_removal(void **state)
{
	struct domain *d = guest("vm1", NULL);
	struct pci_removal *op;

	(void)state;
	add("0:1:0.0");
	assign(d, "0:1:0.0");
	assert_int_equal(pci_removal_start(at("0:1:0.0"), PCI_REMOVE_ASK,
					   10000 * MSEC, "t", NULL, NULL, &op),
			 0);
	assert_int_equal(pci_removal_step(op), -EINPROGRESS);
	assert_int_equal(domain_destroy(d), 0);
	assert_int_equal(info_of("0:1:0.0").owner, DOMID_IO);
	assert_int_equal(pci_removal_wait(op), 0);
	pci_removal_finish(op);
	assert_false(is_there("0:1:0.0"));
	domain_put(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_names_and_ids_are_checked),
		CASE(test_R4_an_assigned_device_is_not_removed),
		CASE(test_guest_addresses_are_given_or_chosen),
		CASE(test_what_cannot_be_assigned),
		CASE(test_hidden_devices_are_nobodys_to_take),
		CASE(test_R21_reassignment_waits_for_the_old_owners_traps),
		CASE(test_H12_H13_a_device_is_always_on_one_list),
		CASE(test_a_domain_lives_as_long_as_its_references),
		CASE(test_a_dying_domain_gives_its_devices_to_a_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
