/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage "config", by removals and, where a removal would go on by itself,
 * by the one who owns the operation: a test that calls the stages directly.
 */
#include "fake_host.h"

static struct pci_removal_info report;

static int remove_it(struct fake_fn *fn)
{
	memset(&report, 0, sizeof(report));
	return pci_remove_device(fn->sbdf, 0, 1000 * MSEC, &report);
}

/* With all that can be on, on. */
static struct fake_fn *busy_card(void)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	fake_express(fn, 0x40, PCI_EXP_TYPE_ENDPOINT);
	fake_cap(fn, 0x80, PCI_CAP_ID_MSI);
	fake_cap(fn, 0xa0, PCI_CAP_ID_MSIX);
	fake_sriov(fn, 0, 8, 1);
	fake_ext_cap(fn, 0x300, PCI_EXT_CAP_ID_ATS);
	fake_put(fn, PCI_COMMAND, 2,
		 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	fake_put(fn, 0x80 + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 0x86);
	fake_put(fn, 0xa0 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | 0x3f);
	fake_put(fn, 0x300 + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE | 3);
	fake_put(fn, 0x200 + PCI_SRIOV_CTRL, 2,
		 PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	fake_allow(fn, 0x80 + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	fake_allow(fn, 0xa0 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	fake_allow(fn, 0x300 + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE | 0x1f);
	return fn;
}

static void assert_stopped(struct fake_fn *fn)
{
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2) & ~PCI_COMMAND_DECODE,
			 PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(fake_get(fn, 0x80 + PCI_MSI_FLAGS, 2), 0x86);
	assert_int_equal(fake_get(fn, 0xa0 + PCI_MSIX_FLAGS, 2), 0x3f);
	assert_int_equal(fake_get(fn, 0x300 + PCI_ATS_CTRL, 2), 3);
	assert_int_equal(fake_get(fn, 0x200 + PCI_SRIOV_CTRL, 2),
			 PCI_SRIOV_CTRL_MSE);
}

static void assert_quiet(struct fake_fn *fn)
{
	assert_stopped(fn);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2) & PCI_COMMAND_DECODE, 0);
}

static void test_rule6_a_removed_device_is_quiet(void **state)
{
	struct fake_fn *fn = busy_card();

	(void)state;
	add("00:03.0");
	assert_int_equal(remove_it(fn), 0);
	assert_quiet(fn);
	assert_false(fn->told);
}

static void test_rule7_a_refused_removal_changes_no_register(void **state)
{
	struct fake_fn *fn = busy_card();
	struct pci_dev *pdev;
	struct pci_hold *pin;
	uint8_t before[4096];

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0");
	assert_int_equal(
		pci_hold_take(pdev, PCI_HOLD_PIN, "test", NULL, NULL, &pin), 0);
	pcidev_put(pdev);
	memcpy(before, fn->reg, sizeof(before));
	assert_int_equal(remove_it(fn), -EBUSY);
	assert_memory_equal(before, fn->reg, sizeof(before));
	pci_hold_release(pin);
}

static void stuck(uint16_t reg, const char *reason)
{
	struct fake_fn *fn;

	fake.count = 0;
	fn = busy_card();
	add("00:03.0");
	fn->sticky = reg;
	assert_int_equal(remove_it(fn), -EIO);
	assert_string_equal(report.reason, reason);
	assert_string_equal(info_of("00:03.0").broken, reason);
	assert_int_equal(pci_device_lost(fn->sbdf), 0);
}

static void decode(struct fake_fn *fn, bool write, uint16_t reg)
{
	if (!write && reg == PCI_COMMAND)
		fake_put(fn, PCI_COMMAND, 2,
			 fake_get(fn, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY);
}

static void test_rule8_what_does_not_go_off_is_told(void **state)
{
	(void)state;
	fake.on_access = decode;
	stuck(0, "its BARs cannot be switched off");
	fake.on_access = NULL;
	stuck(PCI_COMMAND, "bus mastering cannot be switched off");
	stuck(0x80 + PCI_MSI_FLAGS, "MSI cannot be switched off");
	stuck(0xa0 + PCI_MSIX_FLAGS, "MSI-X cannot be switched off");
	stuck(0x300 + PCI_ATS_CTRL, "ATS cannot be switched off");
}

/* A device that needs some looks at its status to get ready. */
static unsigned int looks_left;

static void settle(struct fake_fn *fn, bool write, uint16_t reg)
{
	if (!write && reg == 0x40 + PCI_EXP_DEVSTA && looks_left &&
	    !--looks_left)
		fake_put(fn, 0x40 + PCI_EXP_DEVSTA, 2, 0);
}

static void test_pending_transactions_are_waited_for(void **state)
{
	struct fake_fn *fn = busy_card();

	(void)state;
	fake_put(fn, 0x40 + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	add("00:03.0");
	looks_left = 5;
	fake.on_access = settle;
	assert_int_equal(remove_it(fn), 0);
	assert_int_equal(looks_left, 0);
	assert_quiet(fn);
}

static void test_transactions_pending_for_ever_are_eio(void **state)
{
	struct fake_fn *fn = busy_card();

	(void)state;
	fake_put(fn, 0x40 + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	add("00:03.0");
	assert_int_equal(remove_it(fn), -EIO);
	assert_string_equal(report.reason, "transactions are still pending");
	assert_stopped(fn); /* broken, and its DMA stays off */
}

static void
test_conventional_devices_say_it_in_their_af_capability(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_cap(fn, 0x40, PCI_CAP_ID_AF);
	fake_put(fn, 0x40 + PCI_AF_STATUS, 1, PCI_AF_STATUS_TP);
	add("00:03.0");
	assert_int_equal(remove_it(fn), -EIO);
	assert_string_equal(report.reason, "transactions are still pending");
	fake_put(fn, 0x40 + PCI_AF_STATUS, 1, 0);
	assert_int_equal(remove_it(fn), 0);
}

static void test_one_that_does_not_answer_is_eio_and_not_written(void **state)
{
	struct fake_fn *fn = busy_card();
	unsigned int writes;

	(void)state;
	add("00:03.0");
	fn->absent = true;
	writes = fn->writes;
	assert_int_equal(remove_it(fn), -EIO);
	assert_string_equal(report.reason, "the device does not answer");
	assert_int_equal(fn->writes, writes);
}

/* It goes silent between two accesses of the stage. */
static unsigned int silent_in;

static void go_silent(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)write;
	(void)reg;
	if (silent_in && !--silent_in)
		fn->absent = true;
}

static void test_one_that_stops_answering_never_counts_as_quiet(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n < 40; n++) {
		struct fake_fn *fn;
		unsigned int before;
		int err;

		fake.count = 0;
		fake.on_access = NULL;
		fn = busy_card();
		add("00:03.0");
		before = fn->accesses;
		silent_in = n;
		fake.on_access = go_silent;
		err = remove_it(fn);
		if (!fn->absent) {
			assert_int_equal(err, 0);
			return;
		}
		assert_int_equal(err, -EIO);
		assert_string_equal(report.reason,
				    "the device does not answer");
		assert_true(fn->accesses > before);
		fake.on_access = NULL;
		assert_int_equal(pci_device_lost(fn->sbdf), 0);
	}
	fail_msg("the stage made 40 accesses");
}

static void pull(struct fake_fn *fn, bool write, uint16_t reg)
{
	(void)reg;
	if (!write || fn->absent)
		return;
	fn->absent = true;
	assert_int_equal(pci_mark_lost(fn->sbdf), 0);
}

static void test_rule10_one_pulled_meanwhile_is_lost_not_broken(void **state)
{
	struct fake_fn *fn = busy_card();
	struct pci_dev *pdev;
	unsigned int before;
	const char *why = NULL;
	unsigned int done = 0;

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0");
	fake.on_access = pull;
	assert_int_equal(pci_stages_quiesce(pdev, &done, 0, &why), 0);
	before = fn->accesses;
	/* From now on nothing touches it, to quieten or to restore. */
	done = 0;
	assert_int_equal(pci_stages_quiesce(pdev, &done, 0, &why), 0);
	pci_stages_restore(pdev);
	assert_int_equal(fn->accesses, before);
	pcidev_put(pdev);
}

/* An error of the host's is as good as no answer, whatever is read next. */
static void test_one_whose_access_fails_never_counts_as_quiet(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; n < 40; n++) {
		struct fake_fn *fn;
		int err;

		fake.count = 0;
		fn = busy_card();
		/* Nothing to wait for; Command has one bit to write. */
		fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		fake_put(fn, PCI_STATUS, 2, 0); /* no capabilities */
		add("00:03.0");
		fake.accesses = 0;
		fake.error_at = n;
		err = remove_it(fn);
		fake.error_at = 0;
		if (!err) {
			assert_true(fake.accesses < n);
			return;
		}
		assert_int_equal(err, -EIO);
		assert_string_equal(report.reason,
				    "the device does not answer");
		assert_int_equal(pci_device_lost(fn->sbdf), 0);
	}
	fail_msg("the stage made 40 accesses");
}

/* What is on again when the stage looks again goes off again, SR-IOV first. */
static void test_what_comes_on_meanwhile_goes_off_again(void **state)
{
	struct fake_fn *fn = busy_card();
	struct pci_dev *pdev;
	const char *why = NULL;
	unsigned int done = 0;

	(void)state;
	fake_put(fn, 0x40 + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	add("00:03.0");
	pdev = get("00:03.0");
	assert_int_equal(pci_stages_quiesce(pdev, &done, PLAT_FOREVER, &why),
			 -EINPROGRESS);
	assert_stopped(fn);
	fake_put(fn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	fake_put(fn, 0x200 + PCI_SRIOV_CTRL, 2,
		 PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	fake_put(fn, 0x40 + PCI_EXP_DEVSTA, 2, 0);
	assert_int_equal(pci_stages_quiesce(pdev, &done, PLAT_FOREVER, &why),
			 0);
	assert_quiet(fn);
	pci_stages_restore(pdev);
	pcidev_put(pdev);
}

static void test_restore_puts_back_what_was_saved(void **state)
{
	struct fake_fn *fn = busy_card();
	struct pci_dev *pdev;
	uint8_t before[4096];
	const char *why = NULL;
	unsigned int done = 0;

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0");
	memcpy(before, fn->reg, sizeof(before));
	assert_int_equal(pci_stages_quiesce(pdev, &done, 0, &why), 0);
	assert_quiet(fn);
	pci_stages_restore(pdev);
	assert_memory_equal(before, fn->reg, sizeof(before));
	/* Once: what comes later is not undone. */
	fake_put(fn, PCI_COMMAND, 2, 0);
	pci_stages_restore(pdev);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), 0);
	pcidev_put(pdev);
}

/* Its DMA has faulted too often meanwhile: no view is there to heed it, too. */
static void test_restore_heeds_the_fault_limit(void **state)
{
	struct fake_fn *fn = busy_card();
	struct pci_dev *pdev;
	const char *why = NULL;
	unsigned int done = 0;

	(void)state;
	add("00:03.0");
	pdev = get("00:03.0");
	assert_int_equal(pci_stages_quiesce(pdev, &done, 0, &why), 0);
	hf_fetch_or_acq_rel(&pdev->marks, PCI_MARK_NO_MASTER);
	pci_stages_restore(pdev);
	assert_int_equal(fake_get(fn, PCI_COMMAND, 2), PCI_COMMAND_DECODE);
	pcidev_put(pdev);
}

static void test_a_second_try_saves_not_the_quiet_state(void **state)
{
	struct fake_fn *fn = busy_card();
	struct pci_dev *pdev;
	uint8_t before[4096];
	const char *why = NULL;
	unsigned int done = 0;

	(void)state;
	fake_put(fn, 0x40 + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	add("00:03.0");
	pdev = get("00:03.0");
	memcpy(before, fn->reg, sizeof(before));
	assert_int_equal(pci_stages_quiesce(pdev, &done, PLAT_FOREVER, &why),
			 -EINPROGRESS);
	assert_int_equal(pci_stages_quiesce(pdev, &done, 0, &why), -EIO);
	assert_stopped(fn);
	pci_stages_restore(pdev);
	assert_memory_equal(before, fn->reg, sizeof(before));
	pcidev_put(pdev);
}

static bool vf_off;
static unsigned int looks_after;

/* --- what was not known when it was added ---------------------------------------- */

static struct {
	uint16_t reg;
	unsigned int times;
} no_answer_at;

static void no_answer(struct fake_fn *fn, bool write, uint16_t reg)
{
	fn->absent = !write && reg == no_answer_at.reg && no_answer_at.times &&
		     no_answer_at.times--;
}

/* The extended list at its head, and at SR-IOV, which makes it a defect. */
static void test_vfs_of_which_nobody_knows_end_with_their_pf(void **state)
{
	static const struct {
		uint16_t reg;
		const char *defect;
	} want[] = {
		{ PCI_EXT_CAP_START, "" },
		{ 0x200, "the extended capability list is broken" },
	};
	struct fake_fn *fn = busy_card();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		const char *broken;

		fake_put(fn, 0x200 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
		no_answer_at.reg = want[i].reg;
		no_answer_at.times = 1;
		fake.on_access = no_answer;
		add("00:03.0");
		assert_int_equal(no_answer_at.times, 0);
		assert_int_equal(info_of("00:03.0").desc.sriov, 0);
		broken = info_of("00:03.0").broken;
		assert_string_equal(broken ? broken : "", want[i].defect);
		assert_int_equal(remove_it(fn), 0);
		assert_int_equal(fake_get(fn, 0x200 + PCI_SRIOV_CTRL, 2), 0);
	}
}

/* Put back with the rest if it stays. */
static void test_vfs_of_which_nobody_knows_stay_with_their_pf(void **state)
{
	struct fake_fn *fn = busy_card();
	const char *why = NULL;
	unsigned int done = 0;
	struct pci_dev *pdev;

	(void)state;
	no_answer_at.reg = PCI_EXT_CAP_START;
	no_answer_at.times = 1;
	fake.on_access = no_answer;
	add("00:03.0");
	pdev = get("00:03.0");
	assert_int_equal(pci_stages_quiesce(pdev, &done,
					    plat_now() + 100 * MSEC, &why),
			 0);
	assert_int_equal(fake_get(fn, 0x200 + PCI_SRIOV_CTRL, 2),
			 PCI_SRIOV_CTRL_MSE);
	pci_stages_restore(pdev);
	assert_int_equal(fake_get(fn, 0x200 + PCI_SRIOV_CTRL, 2),
			 PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	pcidev_put(pdev);
}

/* A list that is broken for good ends, and nothing is written by its word. */
static void test_a_list_that_stays_broken(void **state)
{
	struct fake_fn *fn = busy_card();

	(void)state;
	fake_put(fn, 0x100, 4, 1u << 16 | PCI_EXT_CAP_ID_ERR | 0x100u << 20);
	fake_put(fn, 0x200 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	add("00:03.0");
	assert_int_equal(remove_it(fn), 0);
	assert_int_equal(fake_get(fn, 0x200 + PCI_SRIOV_CTRL, 2),
			 PCI_SRIOV_CTRL_VFE);
}

static void test_sr_iov_that_ends_outside_its_space(void **state)
{
	struct fake_fn *fn = fake_add("00:03.0", 0x10fb8086);

	(void)state;
	fake_ext_cap(fn, PCI_EXT_CAP_START, PCI_EXT_CAP_ID_ERR);
	fake_ext_cap(fn, 0xff0, PCI_EXT_CAP_ID_SRIOV);
	fake_put(fn, 0xff0 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	fake_allow(fn, 0xff0 + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE);
	add("00:03.0");
	assert_string_equal(info_of("00:03.0").broken,
			    "a capability ends outside its space");
	assert_int_equal(remove_it(fn), 0);
	assert_int_equal(fake_get(fn, 0xff0 + PCI_SRIOV_CTRL, 2),
			 PCI_SRIOV_CTRL_VFE);
}

static void watch_sriov(struct fake_fn *fn, bool write, uint16_t reg)
{
	if (reg < 0x200 || reg >= 0x240)
		return;
	if (write)
		vf_off = true;
	else if (vf_off)
		looks_after++;
	(void)fn;
}

static void test_sriov_is_not_read_after_vf_enable_went_off(void **state)
{
	struct fake_fn *fn = busy_card();

	(void)state;
	fake_put(fn, 0x40 + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_TRPND);
	add("00:03.0");
	vf_off = false;
	looks_after = 0;
	fake.on_access = watch_sriov;
	assert_int_equal(remove_it(fn), -EIO); /* looks more than once */
	assert_true(vf_off);
	assert_int_equal(looks_after, 0);
}

static void test_a_vf_is_quietened_by_its_own_registers(void **state)
{
	struct fake_fn *pf = fake_add("00:03.0", 0x10fb8086), *vf;

	(void)state;
	fake_sriov(pf, 1, 8, 1);
	fake_put(pf, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	vf = fake_at(at("00:04.0"));
	fake_put(vf, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	add("00:03.0");
	add("00:04.0");
	assert_int_equal(remove_it(vf), 0);
	assert_int_equal(fake_get(vf, PCI_COMMAND, 2),
			 PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(fake_get(pf, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_rule6_a_removed_device_is_quiet),
		CASE(test_rule7_a_refused_removal_changes_no_register),
		CASE(test_rule8_what_does_not_go_off_is_told),
		CASE(test_pending_transactions_are_waited_for),
		CASE(test_transactions_pending_for_ever_are_eio),
		CASE(test_conventional_devices_say_it_in_their_af_capability),
		CASE(test_one_that_does_not_answer_is_eio_and_not_written),
		CASE(test_one_that_stops_answering_never_counts_as_quiet),
		CASE(test_rule10_one_pulled_meanwhile_is_lost_not_broken),
		CASE(test_one_whose_access_fails_never_counts_as_quiet),
		CASE(test_what_comes_on_meanwhile_goes_off_again),
		CASE(test_restore_puts_back_what_was_saved),
		CASE(test_restore_heeds_the_fault_limit),
		CASE(test_a_second_try_saves_not_the_quiet_state),
		CASE(test_vfs_of_which_nobody_knows_end_with_their_pf),
		CASE(test_vfs_of_which_nobody_knows_stay_with_their_pf),
		CASE(test_a_list_that_stays_broken),
		CASE(test_sr_iov_that_ends_outside_its_space),
		CASE(test_sriov_is_not_read_after_vf_enable_went_off),
		CASE(test_a_vf_is_quietened_by_its_own_registers),
	};

	return cmocka_run_group_tests_name("config/quiesce", tests, NULL, NULL);
}
