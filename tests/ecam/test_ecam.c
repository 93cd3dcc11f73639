/* SPDX-License-Identifier: BSD-2-Clause */
/* The host "ecam" over plain memory: what is read and written, and how wide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <holdfast/config.h>
#include <holdfast/domain.h>
#include <holdfast/pci_regs.h>

#include "ecam.h"

#define FIRST_BUS 0x10
#define BUSES 2
#define MEM 0x8000000000ull

static unsigned char *config; /* two buses */
static unsigned char mem[2][4096] __attribute__((aligned(8)));
static const struct ecam_window window[] = {
	{ MEM, 4096, (volatile char *)mem[0] },
	{ 0x10000000, 4096, (volatile char *)mem[1] },
};
static struct ecam_host ecam = {
	.seg = 3,
	.first_bus = FIRST_BUS,
	.last_bus = FIRST_BUS + BUSES - 1,
	.window = window,
	.windows = ARRAY_SIZE(window),
};

static int set_up(void **state)
{
	(void)state;
	free(config);
	config = malloc(BUSES << 20);
	if (!config)
		return -1;
	memset(config, 0xff, BUSES << 20);
	memset(mem, 0, sizeof(mem));
	ecam.config = (volatile char *)config;
	ecam_host_init(&ecam);
	return 0;
}

static uint32_t read_conf(pci_sbdf_t sbdf, uint16_t reg, uint8_t size)
{
	uint32_t val = 0x5a5a5a5a;

	assert_int_equal(ecam.host.ops->read(&ecam.host, sbdf, reg, size, &val),
			 0);
	return val;
}

static void write_conf(pci_sbdf_t sbdf, uint16_t reg, uint8_t size,
		       uint32_t val)
{
	assert_int_equal(ecam.host.ops->write(&ecam.host, sbdf, reg, size, val),
			 0);
}

/* PCIe 6.0 §7.2.2: bus 27:20, device 19:15, function 14:12, register 11:0. */
static void test_address_of_a_register(void **state)
{
	pci_sbdf_t sbdf = pci_sbdf(3, FIRST_BUS + 1, 0x1f, 5);

	(void)state;
	write_conf(sbdf, 0xffc, 4, 0x11223344);
	assert_memory_equal(config + 0x1fdffc, "\x44\x33\x22\x11", 4);
	assert_int_equal(read_conf(sbdf, 0xffc, 4), 0x11223344);
}

static void test_access_is_of_its_size_and_no_wider(void **state)
{
	static const uint8_t sizes[] = { 1, 2, 4 };
	pci_sbdf_t sbdf = pci_sbdf(3, FIRST_BUS, 0, 0);
	unsigned char want[8];
	uint16_t reg;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (reg = 0; reg < 8; reg = (uint16_t)(reg + sizes[i])) {
			memset(config, 0xff, 8);
			memset(want, 0xff, 8);
			write_conf(sbdf, reg, sizes[i], 0x12345678);
			memcpy(want + reg, "\x78\x56\x34\x12", sizes[i]);
			assert_memory_equal(config, want, 8);
			assert_int_equal(read_conf(sbdf, reg, sizes[i]),
					 0x12345678u &
						 UINT32_MAX >>
							 (32 - 8 * sizes[i]));
		}
	}
}

static void test_beyond_the_window_is_nobody(void **state)
{
	static const uint8_t sizes[] = { 1, 2, 4 };
	size_t i;

	(void)state;
	memset(config, 0, BUSES << 20);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t ones = UINT32_MAX >> (32 - 8 * sizes[i]);

		assert_int_equal(read_conf(pci_sbdf(3, FIRST_BUS - 1, 0, 0), 0,
					   sizes[i]),
				 ones);
		assert_int_equal(read_conf(pci_sbdf(3, FIRST_BUS + BUSES, 0, 0),
					   0, sizes[i]),
				 ones);
		assert_int_equal(read_conf(pci_sbdf(2, FIRST_BUS, 0, 0), 0,
					   sizes[i]),
				 ones);
	}
	write_conf(pci_sbdf(3, FIRST_BUS + BUSES, 0, 0), 0, 4, 1);
	write_conf(pci_sbdf(2, FIRST_BUS, 0, 0), 0, 4, 1);
	assert_int_equal(config[0], 0);
}

static void test_accesses_are_counted(void **state)
{
	static struct ecam_count count[256];
	pci_sbdf_t at = pci_sbdf(3, FIRST_BUS, 1, 2);

	(void)state;
	ecam.count = count;
	ecam.counted = ARRAY_SIZE(count);
	write_conf(at, 4, 2, 0);
	read_conf(at, 0, 4);
	read_conf(at, 1, 1);
	read_conf(pci_sbdf(3, FIRST_BUS + 1, 0, 0), 0, 4); /* too far */
	read_conf(pci_sbdf(2, FIRST_BUS, 1, 2), 0, 4);     /* nobody's */
	assert_int_equal(count[PCI_DEVFN(1, 2)].reads, 2);
	assert_int_equal(count[PCI_DEVFN(1, 2)].writes, 1);
	assert_int_equal(count[0].reads, 0);
	ecam.count = NULL;
}

static void test_memory_space_by_window_and_size(void **state)
{
	static const uint8_t sizes[] = { 1, 2, 4, 8 };
	const struct pci_host_ops *ops = ecam.host.ops;
	uint64_t val;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t ones = UINT64_MAX >> (64 - 8 * sizes[i]);

		memset(mem, 0, sizeof(mem));
		ops->mem_write(&ecam.host, MEM + 4088, sizes[i],
			       0x1122334455667788);
		assert_memory_equal(mem[0] + 4088,
				    "\x88\x77\x66\x55\x44\x33\x22\x11",
				    sizes[i]);
		assert_int_equal(mem[0][4088 + sizes[i] % 8],
				 sizes[i] == 8 ? 0x88 : 0);
		ops->mem_read(&ecam.host, MEM + 4088, sizes[i], &val);
		assert_int_equal(val, 0x1122334455667788 & ones);
		ops->mem_write(&ecam.host, 0x10000010, sizes[i], 0x77);
		assert_int_equal(mem[1][0x10], 0x77);
		val = 0;
		ops->mem_read(&ecam.host, MEM + 4096, sizes[i], &val);
		assert_int_equal(val, ones);
		ops->mem_write(&ecam.host, MEM - 8, sizes[i], 1);
	}
}

/* The core finds what is there: an endpoint, and one behind a root port. */
static void test_the_core_scans_it(void **state)
{
	pci_sbdf_t port = pci_sbdf(3, FIRST_BUS, 1, 0);
	pci_sbdf_t card = pci_sbdf(3, FIRST_BUS + 1, 0, 0);
	struct pci_scan scan;
	struct pci_dev_info info;
	unsigned char *at;

	(void)state;
	at = config + (1 << 15); /* the root port */
	memset(at, 0, 4096);
	memcpy(at, "\x36\x1b\x0c\x00", 4);
	at[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	at[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	at[PCI_CLASS_REVISION + 2] = 4;
	at[PCI_CLASS_REVISION + 3] = 6;
	at[PCI_PRIMARY_BUS] = FIRST_BUS;
	at[PCI_SECONDARY_BUS] = FIRST_BUS + 1;
	at[PCI_SUBORDINATE_BUS] = FIRST_BUS + 1;
	at[PCI_CAPABILITY_LIST] = 0x40;
	at[0x40] = PCI_CAP_ID_EXP;
	at[0x42] = 0x42;         /* version 2, root port */
	at = config + (1 << 20); /* the card */
	memset(at, 0, 4096);
	memcpy(at, "\x36\x1b\x10\x00", 4);

	assert_int_equal(pci_init(), 0);
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_segment_add(3, &ecam.host), 0);
	assert_int_equal(pci_scan_segment(3, &scan), 0);
	assert_int_equal(scan.found, 0); /* bus 0 is not this machine's */
	assert_int_equal(pci_scan_slot(port, &scan), 0);
	assert_int_equal(scan.added, 2);
	assert_int_equal(pci_query(card, &info), 0);
	assert_int_equal(info.desc.parent.sbdf, port.sbdf);
	assert_int_equal(pci_check_invariants(), 0);
	pci_fini();
}

static pci_sbdf_t told;

static void tell(pci_sbdf_t sbdf)
{
	told = sbdf;
}

static void test_who_wants_is_told_of_what_comes(void **state)
{
	const pci_sbdf_t at = pci_sbdf(3, FIRST_BUS, 7, 0);

	(void)state;
	ecam.host.ops->adding(&ecam.host, at); /* nobody wants to */
	ecam.adding = tell;
	ecam.host.ops->adding(&ecam.host, at);
	ecam.adding = NULL;
	assert_int_equal(told.sbdf, at.sbdf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(test_##name, set_up)
		T(address_of_a_register),
		T(access_is_of_its_size_and_no_wider),
		T(beyond_the_window_is_nobody),
		T(accesses_are_counted),
		T(memory_space_by_window_and_size),
		T(who_wants_is_told_of_what_comes),
		T(the_core_scans_it),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(config);
	return failed;
}
