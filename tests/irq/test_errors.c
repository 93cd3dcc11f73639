/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the host has no vector left, or the device cannot be programmed:
 * nothing is half allocated, and the next attempt works (XSA-458, 83, 395).
 */
#include "lab.h"

static uint32_t events(void)
{
	uint32_t n = hf_load_relaxed(&lab.irq_events);

	hf_store_relaxed(&lab.irq_events, 0);
	return n;
}

/* --- no vector left -------------------------------------------------------------- */

static void test_msi_all_or_none(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	fabric_irq_room(lab.f, 7);
	msi_on(&lab.one, 8);
	assert_int_equal(vectors(), 0);
	assert_int_equal(info_of(CARD).failed, 1);
	assert_int_equal(info_of(CARD).msi, 0);
	assert_false(hw_msi_on(CARD));
	assert_int_equal(events(), 1);
	fabric_irq_room(lab.f, 8);
	msi_mask(&lab.one, 1); /* no attempt */
	assert_int_equal(vectors(), 0);
	msi_mask(&lab.one, 0);
	fabric_irq_room(lab.f, 7);
	assert_true(rd(&lab.one, msi_at(CARD) + PCI_MSI_FLAGS, 2) &
		    PCI_MSI_FLAGS_ENABLE); /* as it wrote it */
	msi_off(&lab.one);
	assert_int_equal(info_of(CARD).failed, 0);
	msi_on(&lab.one, 8); /* tries again, in vain */
	assert_int_equal(vectors(), 0);
	assert_int_equal(info_of(CARD).failed, 1);
	assert_int_equal(events(), 0);
	fabric_irq_room(lab.f, 0);
	msi_off(&lab.one);
	msi_on(&lab.one, 8);
	assert_int_equal(vectors(), 8);
	assert_int_equal(info_of(CARD).failed, 0);
	assert_true(hw_msi_on(CARD));
	assert_int_equal(raise_irq(CARD, 7), 0);
	assert_came(&lab.one, 7, 1);
	assert_int_equal(events(), 0);
}

static void test_msi_grows_in_vain(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	fabric_irq_room(lab.f, 2);
	msi_on(&lab.one, 2);
	assert_int_equal(vectors(), 2);
	msi_on(&lab.one, 4);
	assert_int_equal(vectors(), 0); /* neither the old ones, nor new ones */
	assert_false(hw_msi_on(CARD));
	assert_int_equal(events(), 1);
	msi_off(&lab.one);
	msi_on(&lab.one, 1);
	assert_int_equal(vectors(), 1);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_came(&lab.one, 0, 1);
	msi_on(&lab.one, 8); /* and it is told of again */
	assert_int_equal(events(), 1);
}

/* The @nth of the entries that go on at once finds none. */
static void fail_entry(unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i++)
		msix_entry(&lab.one, i);
	fabric_fail(lab.f, FABRIC_CALL_IRQ_ALLOC, nth + 1);
	msix_flags(&lab.one, MSIX_ON);
	assert_int_equal(vectors(), ENTRIES - 1);
	assert_int_equal(info_of(CARD).msix, ENTRIES - 1);
	assert_int_equal(info_of(CARD).failed, 1);
	assert_int_equal(events(), 1);
	assert_true(hw_msix_masked(CARD, nth));
	assert_int_equal(raise_irq(CARD, nth), -EPERM);
	for (i = 0; i < ENTRIES; i++) {
		if (i == nth)
			continue;
		assert_int_equal(raise_irq(CARD, i), 0);
		assert_came(&lab.one, i, 1);
	}
	msix_mask(&lab.one, nth, true);
	msix_mask(&lab.one, nth, false);
	assert_int_equal(vectors(), ENTRIES);
	assert_int_equal(info_of(CARD).failed, 0);
	assert_came(&lab.one, nth, 1); /* the device had it pending */
	assert_int_equal(raise_irq(CARD, nth), 0);
	assert_came(&lab.one, nth, 1);
	msix_flags(&lab.one, 0);
	assert_int_equal(vectors(), 0);
}

static void test_msix_at_each_entry(void **state)
{
	unsigned int nth;

	(void)state;
	give(&lab.one, CARD);
	for (nth = 0; nth < ENTRIES; nth++)
		fail_entry(nth);
}

static void test_msix_in_a_small_room(void **state)
{
	unsigned int i;

	(void)state;
	give(&lab.one, CARD);
	fabric_irq_room(lab.f, 3);
	msix_flags(&lab.one, MSIX_ON);
	for (i = 0; i < ENTRIES; i++)
		msix_entry(&lab.one, i);
	assert_int_equal(vectors(), 3);
	assert_int_equal(events(), 1);
	assert_int_equal(info_of(CARD).msix, 3);
	assert_int_equal(info_of(CARD).failed, ENTRIES - 3);
	fabric_irq_room(lab.f, 0);
	msix_flags(&lab.one, 0);
	msix_flags(&lab.one, MSIX_ON);
	assert_int_equal(vectors(), ENTRIES);
	for (i = 0; i < ENTRIES; i++) {
		assert_int_equal(raise_irq(CARD, i), 0);
		assert_came(&lab.one, i, 1);
	}
}

/* Two guests: what one gives back the other gets. */
static void test_room_that_another_makes(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	give(&lab.two, OTHER);
	fabric_irq_room(lab.f, 8);
	msi_on(&lab.one, 8);
	msi_on(&lab.two, 1);
	assert_int_equal(vectors(), 8);
	assert_int_equal(info_of(OTHER).failed, 1);
	assert_int_equal(info_of(CARD).failed, 0);
	take(&lab.one, CARD);
	assert_int_equal(vectors(), 0);
	msi_off(&lab.two);
	msi_on(&lab.two, 1);
	assert_int_equal(vectors(), 1);
	assert_int_equal(raise_irq(OTHER, 0), 0);
	assert_came(&lab.two, 0, 1);
	take(&lab.two, OTHER);
	give(&lab.two, OTHER);
	assert_int_equal(info_of(OTHER).failed, 0); /* it was the old one's */
}

/* --- a device that cannot be programmed --------------------------------------------- */

/* Its memory decode is off: no write reaches the table. */
static void test_a_table_that_does_not_answer(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	hw_put(CARD, PCI_COMMAND, 2, PCI_COMMAND_MASTER); /* decode off */
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 0);
	assert_int_equal(vectors(), 1);
	(void)raise_irq(CARD, 0);
	assert_silence(&lab.one);
	msix_flags(&lab.one, 0);
	assert_int_equal(vectors(), 0);
}

static void test_a_device_that_ignores_writes(void **state)
{
	struct fabric_fault stuck = { .sbdf = at(CARD),
				      .kind = FABRIC_STICK,
				      .arg = msi_at(CARD) };

	(void)state;
	give(&lab.one, CARD);
	assert_int_equal(fabric_fault_set(lab.f, &stuck), 0);
	msi_on(&lab.one, 1);
	assert_int_equal(vectors(), 1);
	assert_false(hw_msi_on(CARD));
	(void)raise_irq(CARD, 0);
	assert_silence(&lab.one);
	msi_off(&lab.one);
	assert_int_equal(vectors(), 0);
	assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
}

static void test_a_device_that_is_dead(void **state)
{
	struct fabric_fault dead = { .sbdf = at(CARD),
				     .kind = FABRIC_ALL_ONES };

	(void)state;
	give(&lab.one, CARD);
	msi_on(&lab.one, 4);
	assert_int_equal(fabric_fault_set(lab.f, &dead), 0);
	msi_mask(&lab.one, 3);
	msi_off(&lab.one);
	assert_int_equal(vectors(), 0);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 2);
	assert_int_equal(vectors(), 1);
	assert_false(msix_pending(&lab.one, 5));
	msix_flags(&lab.one, 0);
	assert_int_equal(vectors(), 0);
	assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
}

/* --- a host that writes no more ------------------------------------------------------ */

static const struct pci_host_ops *real;
static unsigned int left; /* writes that are made yet */

static int write_no_more(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
			 uint8_t size, uint32_t val)
{
	if (!left)
		return -EIO;
	left--;
	return real->write(host, sbdf, reg, size, val);
}

static int mem_write_no_more(struct pci_host *host, uint64_t addr, uint8_t size,
			     uint64_t val)
{
	if (!left)
		return -EIO;
	left--;
	return real->mem_write(host, addr, size, val);
}

/* After each write: none, as the caller is told; and all, when all are made. */
static void bind_at_each_write(enum pci_vector_kind kind)
{
	struct pci_host *host = fabric_host(lab.f);
	struct pci_host_ops ops = *host->ops;
	unsigned int n = 0;
	int err;

	real = host->ops;
	ops.write = write_no_more;
	ops.mem_write = mem_write_no_more;
	for (;; n++) {
		left = n;
		host->ops = &ops;
		err = bind(CARD, kind, 0, 2);
		host->ops = real;
		if (!err)
			break;
		assert_int_equal(err, -EIO);
		assert_int_equal(vectors(), 0);
		assert_int_equal(info_of(CARD).msi + info_of(CARD).msix, 0);
		assert_int_equal(unbind(CARD, kind, 0, 2), -ENOENT);
		(void)raise_irq(CARD, 1);
		assert_handled(1, 0);
		/* What could not be switched off either. */
		hw_put(CARD, msix_at(CARD) + PCI_MSIX_FLAGS, 2, 0);
	}
	assert_true(n >= 6 && !left);
	assert_int_equal(mask(CARD, kind, 1, false), 0);
	lab.handled[1] = 0; /* one may be pending in the device */
	works(CARD, 1);
	assert_int_equal(unbind(CARD, kind, 0, 2), 0);
}

static void test_a_host_that_writes_no_more(void **state)
{
	(void)state;
	switch_on(CARD);
	bind_at_each_write(MSI);
	bind_at_each_write(MSIX);
}

/* --- a device that says something else ----------------------------------------------- */

static uint32_t said; /* of the register at @lied_at, instead; 0: the truth */
static unsigned int lied_at, lies;

static int lie(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
	       uint8_t size, uint32_t *val)
{
	int err = real->read(host, sbdf, reg, size, val);

	if (sbdf.sbdf == at(CARD).sbdf && reg == lied_at && lies) {
		lies--;
		*val = said;
	}
	return err;
}

static void lie_of(unsigned int reg, uint32_t val, unsigned int times)
{
	static struct pci_host_ops ops;
	struct pci_host *host = fabric_host(lab.f);

	real = host->ops;
	ops = *host->ops;
	ops.read = lie;
	host->ops = &ops;
	lied_at = reg;
	said = val;
	lies = times;
}

static void no_more_lies(void)
{
	fabric_host(lab.f)->ops = real;
}

/* Where the guest's words trap is where the host's are written. */
static void test_a_table_that_moves(void **state)
{
	(void)state;
	lie_of(msix_at(CARD) + PCI_MSIX_TABLE, TABLE + 0x2000, UINT32_MAX);
	give(&lab.one, CARD);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 1);
	assert_hosts(hw_msix(CARD, 1));
	assert_int_equal(raise_irq(CARD, 1), 0);
	assert_came(&lab.one, 1, 1);
	no_more_lies();
}

/* Bound, the registers say what the host wants; or it is not there to bind. */
static void assert_bound(enum pci_vector_kind kind)
{
	int err = bind(CARD, kind, 0, 2);

	if (err) {
		assert_int_equal(err, -ENODEV);
		return;
	}
	assert_hosts(kind == MSI ? hw_msi(CARD) : hw_msix(CARD, 0));
	assert_int_equal(unbind(CARD, kind, 0, 2), 0);
}

/* What cannot be read is not programmed by what was no answer. */
static void add_again(unsigned int reg, unsigned int silent)
{
	int err;

	assert_int_equal(remove_dev(CARD, 0, 100 * MSEC), 0);
	lie_of(reg, UINT32_MAX, silent);
	err = pci_add_device(at(CARD));
	no_more_lies();
	if (err) {
		assert_int_equal(err, -EIO);
		assert_int_equal(pci_add_device(at(CARD)), 0);
	}
	switch_on(CARD);
	assert_bound(MSI);
	assert_bound(MSIX);
}

static void test_registers_that_do_not_answer_when_it_is_added(void **state)
{
	const unsigned int reg[] = { msi_at(CARD) + PCI_MSI_FLAGS,
				     msix_at(CARD) + PCI_MSIX_TABLE,
				     msix_at(CARD) + PCI_MSIX_PBA };
	unsigned int i, silent;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(reg); i++)
		for (silent = 1; silent < 8; silent++)
			add_again(reg[i], silent);
	assert_int_equal(bind(CARD, MSI, 0, 2), 0); /* in the end */
	assert_int_equal(unbind(CARD, MSI, 0, 2), 0);
}

/* Read-only: its guest's writes are dropped, and it has no interrupts. */
static void test_a_read_only_device(void **state)
{
	struct pci_dev *pdev = get(CARD);

	(void)state;
	give(&lab.one, CARD);
	pcidev_set_read_only(pdev, true);
	msi_on(&lab.one, 1);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msi_on(CARD));
	assert_int_equal(info_of(CARD).failed, 0);
	pcidev_set_read_only(pdev, false);
	pcidev_put(pdev);
	msi_on(&lab.one, 1);
	assert_int_equal(raise_irq(CARD, 0), 0);
	assert_came(&lab.one, 0, 1);
}

static int off_setup(void **state)
{
	const struct pci_irq_options off = { .off = true };

	(void)state;
	return lab_setup_options(&off, true);
}

static void test_switched_off_guests_have_none(void **state)
{
	(void)state;
	give(&lab.one, CARD);
	msi_on(&lab.one, 1);
	msix_flags(&lab.one, MSIX_ON);
	msix_entry(&lab.one, 1);
	assert_int_equal(vectors(), 0);
	assert_false(hw_msi_on(CARD) || hw_msix_on(CARD));
	assert_false(info_of(CARD).guest);
	assert_int_equal(info_of(CARD).failed, 0);
}

static void test_who_has_no_capability_has_no_vector(void **state)
{
	struct pci_irq_info info;

	(void)state;
	give(&lab.one, BARE);
	assert_false(info_of(BARE).guest);
	assert_int_equal(pci_irq_query(at("0000:1f:00.0"), &info), -ENODEV);
	assert_int_equal(pci_irq_query(at("0077:1f:00.0"), &info), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(test_msi_all_or_none),
		LAB(test_msi_grows_in_vain),
		LAB(test_msix_at_each_entry),
		LAB(test_msix_in_a_small_room),
		LAB(test_room_that_another_makes),
		LAB(test_a_table_that_does_not_answer),
		LAB(test_a_device_that_ignores_writes),
		LAB(test_a_device_that_is_dead),
		LAB(test_a_host_that_writes_no_more),
		LAB(test_a_table_that_moves),
		LAB(test_registers_that_do_not_answer_when_it_is_added),
		LAB(test_a_read_only_device),
		LAB(test_who_has_no_capability_has_no_vector),
		cmocka_unit_test_setup_teardown(
			test_switched_off_guests_have_none, off_setup,
			lab_teardown),
	};

	return cmocka_run_group_tests_name("irq: errors", tests, NULL, NULL);
}
