/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors that are promised and rare: of hosts that cannot be read or written,
 * of operations that others have begun, of memory, of groups and guests that
 * are full.
 */
#include <holdfast/pci_regs.h>

#include "lab.h"

#define MANY "0000:01:00.0" /* lab_setup_many(): the first of 256 */
#define LAST "0000:01:1f.7"

static unsigned int one(void)
{
	return domain_id(lab.one);
}

/* --- a host that does not do what it should -------------------------------------- */

static const struct pci_host_ops *real;
static struct pci_host_ops bad;
static pci_sbdf_t bad_at;

static int bad_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		    uint8_t size, uint32_t *val)
{
	if (sbdf.sbdf != bad_at.sbdf)
		return real->read(host, sbdf, reg, size, val);
	*val = UINT32_MAX;
	return -EIO;
}

static int bad_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t val)
{
	return sbdf.sbdf == bad_at.sbdf
		       ? -EIO
		       : real->write(host, sbdf, reg, size, val);
}

static void begin_bad(void)
{
	real = fabric_host(lab.f)->ops;
	bad = *real;
	fabric_host(lab.f)->ops = &bad;
}

static void cannot_be_read(const char *device)
{
	begin_bad();
	bad_at = at(device);
	bad.read = bad_read;
}

static void cannot_be_written(const char *device)
{
	begin_bad();
	bad_at = at(device);
	bad.write = bad_write;
}

static void is_good(void)
{
	fabric_host(lab.f)->ops = real;
}

/* --- on CARD ----------------------------------------------------------------------- */

/* Its argument, as far as it is of one device; a reset is an FLR. */
static void name_card(unsigned int cmd)
{
	struct physdev_manage_pci old = { .bus = at(CARD).bus };
	struct physdev_manage_pci_ext ext = { .bus = at(CARD).bus };
	struct pci_device_reset dev = { .dev = { .bus = at(CARD).bus } };

	if (cmd == PHYSDEVOP_pci_device_reset)
		dev.flags = PCI_DEVICE_RESET_FLR;
	memcpy(lab.page, &dev, sizeof(dev));
	if (cmd == PHYSDEVOP_manage_pci_add_ext)
		memcpy(lab.page, &ext, sizeof(ext));
	if (cmd == PHYSDEVOP_manage_pci_add ||
	    cmd == PHYSDEVOP_manage_pci_remove || cmd == PHYSDEVOP_restore_msi)
		memcpy(lab.page, &old, sizeof(old));
}

static int once(unsigned int cmd)
{
	name_card(cmd);
	return physdev_once(&lab.dom0, cmd);
}

static int to_the_end(unsigned int cmd)
{
	int ret;

	do
		ret = once(cmd);
	while (ret == -ERESTART);
	return ret;
}

static void gone(const char *device)
{
	assert_int_equal(on_device(PHYSDEVOP_pci_device_remove, device), 0);
}

static const unsigned int adds[] = { PHYSDEVOP_manage_pci_add,
				     PHYSDEVOP_manage_pci_add_ext,
				     PHYSDEVOP_pci_device_add };
static const unsigned int removes[] = { PHYSDEVOP_manage_pci_remove,
					PHYSDEVOP_pci_device_remove };
static const unsigned int restores[] = { PHYSDEVOP_restore_msi,
					 PHYSDEVOP_restore_msi_ext };

/* --- adding -------------------------------------------------------------------------- */

static void test_each_form_of_adding_says_why(void **state)
{
	struct fabric_fault retry = { .sbdf = at(CARD),
				      .kind = FABRIC_RETRY,
				      .arg = 1000 };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(adds); i++) {
		gone(CARD);
		assert_int_equal(fabric_fault_set(lab.f, &retry), 0);
		assert_int_equal(to_the_end(adds[i]), -EAGAIN);
		assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
		cannot_be_read(CARD);
		assert_int_equal(to_the_end(adds[i]), -EIO);
		is_good();
		lab.fail_in = 1;
		assert_int_equal(to_the_end(adds[i]), -ENOMEM);
		assert_false(is_there(CARD));
		assert_int_equal(to_the_end(adds[i]), 0);
		assert_true(is_there(CARD));
	}
}

/* Its bridge led nowhere; now it leads to it, and cannot be asked. */
static void test_what_is_behind_a_bridge_that_is_not_known(void **state)
{
	char port[PCI_SBDF_LEN];
	uint32_t buses;
	unsigned int i;

	(void)state;
	pci_sbdf_print(port, info_of(CARD).desc.parent);
	gone(CARD);
	buses = pci_conf_read(at(port), PCI_PRIMARY_BUS, 4);
	assert_int_equal(pci_conf_write(at(port), PCI_PRIMARY_BUS, 4, 0), 0);
	gone(port);
	assert_int_equal(add(port, 0, NULL, 0), 0);
	assert_int_equal(pci_conf_write(at(port), PCI_PRIMARY_BUS, 4, buses),
			 0);
	cannot_be_read(port);
	for (i = 0; i < ARRAY_SIZE(adds); i++)
		assert_int_equal(to_the_end(adds[i]), -ENXIO);
	is_good();
	assert_false(is_there(CARD));
	assert_int_equal(to_the_end(adds[0]), 0);
	assert_int_equal(info_of(CARD).desc.parent.sbdf, at(port).sbdf);
}

/* --- others ---------------------------------------------------------------------------- */

/* Each is told to come again, and in the end that it is busy. */
static void test_each_waits_for_another_operation(void **state)
{
	static const unsigned int cmds[] = { 15, 16, 19, 20, 25,
					     26, 27, 30, 31, 32 };
	struct half half;
	unsigned int i;

	(void)state;
	half_removed(&half, PHYSDEVOP_pci_device_remove);
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		assert_int_equal(once(cmds[i]), -ERESTART);
		lab.dom0.until = 1; /* its time is over */
		assert_int_equal(once(cmds[i]), -EBUSY);
	}
	give_up(&half);
}

static void test_each_form_of_removing_says_why(void **state)
{
	struct fabric_fault pending = { .sbdf = at(CARD),
					.kind = FABRIC_PENDING };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(removes); i++) {
		lab.fail_in = 1;
		assert_int_equal(to_the_end(removes[i]), -ENOMEM);
		assert_int_equal(fabric_fault_set(lab.f, &pending), 0);
		assert_int_equal(to_the_end(removes[i]), -EIO);
		assert_non_null(info_of(CARD).broken);
		assert_int_equal(fabric_fault_clear(lab.f, at(CARD)), 0);
		assert_int_equal(to_the_end(removes[i]), 0);
		assert_int_equal(to_the_end(PHYSDEVOP_pci_device_add), 0);
	}
}

static void test_each_form_of_restoring_says_why(void **state)
{
	struct physdev_map_pirq map = { .domid = DOMID_SELF,
					.type = MAP_PIRQ_TYPE_MSI_SEG,
					.index = -1,
					.pirq = -1,
					.bus = at(CARD).bus,
					.table_base = 1 };
	unsigned int i;

	(void)state;
	assert_int_equal(pci_conf_write(at(CARD), PCI_COMMAND, 2,
					PCI_COMMAND_MEMORY),
			 0);
	assert_int_equal(physdev(PHYSDEVOP_map_pirq, &map, sizeof(map)), 0);
	assert_int_equal(pci_conf_write(at(CARD), PCI_COMMAND, 2, 0), 0);
	for (i = 0; i < ARRAY_SIZE(restores); i++)
		assert_int_equal(to_the_end(restores[i]), -ENXIO);
}

static void test_with_msi_off_nothing_is_restored(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(restores); i++)
		assert_int_equal(to_the_end(restores[i]), -EOPNOTSUPP);
}

static void test_a_pirq_of_what_cannot_be_told(void **state)
{
	struct physdev_map_pirq map = { .domid = DOMID_SELF,
					.type = MAP_PIRQ_TYPE_MSI_SEG,
					.index = -1,
					.pirq = -1,
					.bus = at(CARD).bus };

	(void)state;
	cannot_be_written(CARD);
	assert_int_equal(physdev(PHYSDEVOP_map_pirq, &map, sizeof(map)), -EIO);
	is_good();
	assert_int_equal(pci_irq_vectors(), 0);
	assert_int_equal(physdev(PHYSDEVOP_map_pirq, &map, sizeof(map)), 0);
}

static void test_a_read_only_host(void **state)
{
	unsigned int i;

	(void)state;
	begin_bad();
	bad.read_only = true;
	for (i = 0; i < ARRAY_SIZE(removes); i++)
		assert_int_equal(to_the_end(removes[i]), -EOPNOTSUPP);
	assert_int_equal(to_the_end(PHYSDEVOP_pci_device_reset), -EOPNOTSUPP);
	assert_int_equal(assign_op(XEN_DOMCTL_test_assign_device, one(), CARD,
				   0),
			 -EOPNOTSUPP);
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, one(), CARD, 0),
			 -EOPNOTSUPP);
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, DOMID_IO, CARD, 0),
			 -EOPNOTSUPP);
	assert_int_equal(assign_op(XEN_DOMCTL_deassign_device, DOMID_IO, CARD,
				   0),
			 -EOPNOTSUPP);
	for (i = 0; i < ARRAY_SIZE(adds); i++) /* that only reads */
		assert_int_equal(to_the_end(adds[i]), 0);
	is_good();
}

/* --- the toolstack ------------------------------------------------------------------------ */

static void test_no_memory_to_ask_or_to_take_back(void **state)
{
	(void)state;
	lab.fail_in = 1;
	assert_int_equal(assign_op(XEN_DOMCTL_test_assign_device, one(), CARD,
				   0),
			 -ENOMEM);
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, one(), CARD, 0),
			 0);
	lab.fail_in = 1;
	assert_int_equal(assign_op(XEN_DOMCTL_deassign_device, one(), CARD, 0),
			 -ENOMEM);
	assert_int_equal(pci_owner(at(CARD)), one());
}

static int take_once(const char *device)
{
	struct xen_domctl op;
	int ret;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_DOMCTL_deassign_device;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = (domid_t)one();
	op.u.assign_device.u.pci.machine_sbdf = at(device).sbdf;
	memcpy(lab.page, &op, sizeof(op));
	ret = domctl_once(&lab.dom0, BASE);
	seen("deassign_device", ret);
	return ret;
}

static void test_taking_back_waits_no_longer(void **state)
{
	struct pci_removal *removal;

	(void)state;
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, one(), CARD, 0),
			 0);
	assert_int_equal(pci_removal_start(at(CARD), PCI_REMOVE_ASK,
					   PLAT_NSEC_PER_SEC, "a test", NULL,
					   NULL, &removal),
			 0);
	assert_int_equal(pci_removal_step(removal), -EINPROGRESS);
	assert_int_equal(take_once(CARD), -ERESTART);
	lab.dom0.until = 1; /* its time is over */
	assert_int_equal(take_once(CARD), -EBUSY);
	pci_removal_finish(removal);
}

static int ask_for_group(const char *device)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_DOMCTL_get_device_group;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.u.get_device_group.machine_sbdf = at(device).sbdf;
	return domctl(&op);
}

/* All 256 are one group, and with their bridge one too many. */
static void test_a_group_that_is_too_large(void **state)
{
	pci_sbdf_t sbdf = at(MANY);
	char name[PCI_SBDF_LEN];
	unsigned int i;
	int err = 0;

	(void)state;
	assert_int_equal(ask_for_group(MANY), -E2BIG);
	assert_int_equal(assign_op(XEN_DOMCTL_test_assign_device, one(), MANY,
				   0),
			 -E2BIG);
	assert_int_equal(assign_op(XEN_DOMCTL_assign_device, one(), MANY, 0),
			 -E2BIG);
	gone(LAST);
	assert_int_equal(ask_for_group(MANY), 0);
	for (; sbdf.sbdf < at(LAST).sbdf; sbdf.devfn++)
		assert_int_equal(assign_op(XEN_DOMCTL_assign_device, DOMID_IO,
					   pci_sbdf_print(name, sbdf), 0),
				 0);
	/* One after the other, until its bus is full. */
	sbdf = at(MANY);
	for (i = 0; !err; i++, sbdf.devfn++)
		err = assign_op(XEN_DOMCTL_assign_device, one(),
				pci_sbdf_print(name, sbdf), 0);
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(i, 32);
	assert_int_equal(domain_devices(lab.one), 31);
	assert_int_equal(add(LAST, 0, NULL, 0), 0);
	assert_int_equal(assign_op(XEN_DOMCTL_deassign_device, one(), MANY, 0),
			 -E2BIG);
	assert_int_equal(pci_owner(at(MANY)), one());
}

/* The version is looked at before the operation is. */
static void test_an_old_version_of_another(void **state)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_bind_pt_irq };
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_cputopoinfo };

	(void)state;
	assert_int_equal(domctl(&op), -EACCES);
	assert_int_equal(sysctl(&s), -EACCES);
	lab.end = 0;
	assert_int_equal(domctl(&op), -EFAULT);
	assert_int_equal(sysctl(&s), -EFAULT);
}

int run_errors(void)
{
	static const struct CMUnitTest tests[] = {
		LAB(test_each_form_of_adding_says_why),
		LAB(test_what_is_behind_a_bridge_that_is_not_known),
		LAB(test_each_waits_for_another_operation),
		LAB(test_each_form_of_removing_says_why),
		LAB(test_each_form_of_restoring_says_why),
		cmocka_unit_test_setup_teardown(
			test_with_msi_off_nothing_is_restored, lab_setup_no_msi,
			lab_teardown),
		LAB(test_a_pirq_of_what_cannot_be_told),
		LAB(test_a_read_only_host),
		LAB(test_no_memory_to_ask_or_to_take_back),
		LAB(test_taking_back_waits_no_longer),
		cmocka_unit_test_setup_teardown(test_a_group_that_is_too_large,
						lab_setup_many, lab_teardown),
		LAB(test_an_old_version_of_another),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
