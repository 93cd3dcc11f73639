/* SPDX-License-Identifier: BSD-2-Clause */
/* Resizable BARs: which sizes pass, when, and for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <holdfast/iommu.h>

#include <cmocka.h>

#include "fabric.h"
#include "vpci/internal.h"

#define PORT pci_sbdf(0, 0, 1, 0)
#define DEV pci_sbdf(0, 1, 0, 0)
#define MIB(n) (1ull << 20 << (n)) /* BAR Size is log2 of MiB */

/*
 * BAR 0 has 256 MiB (8) or 1 GiB (10), BAR 2 2 MiB (1) or 8 MiB (3). %s: how
 * the hardware lies.
 */
static const char machine[] =
	"{ \"segments\": [ { \"buses\": [ { \"devices\": ["
	"{ \"at\": \"01.0\", \"kind\": \"root-port\", \"id\": \"8086:a190\","
	"  \"slot\": { \"number\": 1, \"hotplug\": true }, \"below\": ["
	"{ \"at\": \"00.0\", \"kind\": \"endpoint\", \"id\": \"1002:73bf\","
	"  \"class\": \"0x030000\", %s"
	"  \"bars\": [ { \"bar\": 0, \"type\": \"mem64\", \"size\": \"256M\","
	"                \"prefetch\": true },"
	"              { \"bar\": 2, \"type\": \"mem32\", \"size\": \"2M\" },"
	"              { \"type\": \"rom\", \"size\": \"64K\" } ],"
	"  \"rebar\": [ { \"bar\": 0, \"sizes\": [\"256M\", \"1G\"] },"
	"               { \"bar\": 2, \"sizes\": [\"2M\", \"8M\"] } ] }"
	"] } ] } ] } ] }";

static struct fabric *fabric;
static struct vpci_vcpu vcpu; /* of the hardware domain */
static uint16_t rebar;        /* where the capability is */

static void open_machine(const char *lie)
{
	char path[] = "/tmp/rebar-test-XXXXXX", err[200];
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	fprintf(file, machine, lie);
	fclose(file);
	fabric = fabric_open(path, err, sizeof(err));
	unlink(path);
	if (!fabric)
		fail_msg("%s", err);
}

/* What reaches BAR Size registers. */
static struct {
	struct pci_host_ops ops;
	const struct pci_host_ops *real;
	unsigned int count;
	uint32_t val;
} spy;

static bool dropped; /* and nothing happens */

static int spy_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t val)
{
	if (sbdf.sbdf == DEV.sbdf && reg >= rebar && reg < rebar + 20) {
		spy.count++;
		spy.val = val;
		if (dropped)
			return 0;
	}
	return spy.real->write(host, sbdf, reg, size, val);
}

static uint32_t lie_upper; /* sizes that BAR 0 says it has */

static int spy_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		    uint8_t size, uint32_t *val)
{
	int err = spy.real->read(host, sbdf, reg, size, val);

	if (sbdf.sbdf == DEV.sbdf && rebar && reg == rebar + 8)
		*val |= lie_upper;
	return err;
}

static void start_spy(void)
{
	struct pci_host *host = fabric_host(fabric);

	spy.real = host->ops;
	spy.ops = *host->ops;
	spy.ops.write = spy_write;
	spy.ops.read = spy_read;
	host->ops = &spy.ops;
}

/* Does the hardware domain have a map? */
static void begin(const char *lie, const struct domain_ops *ops)
{
	const struct vpci_options options = { .hardware_views = true };

	open_machine(lie);
	start_spy();
	assert_int_equal(pci_init(), 0);
	if (ops)
		hardware_domain->ops = ops;
	assert_int_equal(pci_config_init(), 0);
	assert_int_equal(pci_vpci_init(&options), 0);
	assert_int_equal(pci_segment_add(0, fabric_host(fabric)), 0);
	assert_int_equal(pci_add_device(PORT), 0);
	assert_int_equal(pci_add_device(DEV), 0);
	rebar = pci_find_ext_cap(DEV, PCI_EXT_CAP_ID_REBAR);
	assert_int_not_equal(rebar, 0);
	vpci_vcpu_init(&vcpu, hardware_domain);
}

static void end(void)
{
	struct fabric_witness seen;

	vpci_vcpu_fini(&vcpu);
	assert_int_equal(pci_check_invariants(), 0);
	fabric_witness(fabric, &seen);
	assert_int_equal(seen.violations, 0);
	pci_fini();
	fabric_close(fabric);
}

static int set_up(void **state)
{
	(void)state;
	begin("", NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static uint32_t hw(unsigned int reg, uint8_t size)
{
	struct pci_host *host = fabric_host(fabric);
	uint32_t val;

	assert_int_equal(host->ops->read(host, DEV, (uint16_t)reg, size, &val),
			 0);
	return val;
}

static uint32_t rd(unsigned int reg, uint8_t size)
{
	uint64_t val;

	assert_int_equal(vpci_read(hardware_domain, DEV, (uint16_t)reg, size,
				   &val),
			 PCI_DONE);
	return (uint32_t)val;
}

static void wr(unsigned int reg, uint8_t size, uint32_t val)
{
	assert_int_equal(vpci_write(&vcpu, DEV, (uint16_t)reg, size, val),
			 PCI_DONE);
}

static void finish(void)
{
	while (vpci_process_pending(&vcpu, NULL) == PCI_AGAIN)
		;
}

static void decode(bool on)
{
	wr(PCI_COMMAND, 2, on ? PCI_COMMAND_MEMORY : 0);
	finish();
}

static unsigned int control(unsigned int pair)
{
	return rebar + PCI_REBAR_CTRL + 8 * pair;
}

static unsigned int size_now(unsigned int pair)
{
	return (hw(control(pair), 4) & PCI_REBAR_CTRL_BAR_SIZE) >>
	       PCI_REBAR_CTRL_BAR_SHIFT;
}

static void resize(unsigned int pair, unsigned int n)
{
	wr(control(pair), 4, n << PCI_REBAR_CTRL_BAR_SHIFT);
}

static void test_a_supported_size_goes_to_hardware(void **state)
{
	uint32_t before = hw(control(0), 4);

	(void)state;
	decode(false);
	resize(0, 10);
	assert_int_equal(size_now(0), 10);
	/* nothing but the size has changed, and it reads back */
	assert_int_equal(hw(control(0), 4) & ~PCI_REBAR_CTRL_BAR_SIZE,
			 before & ~PCI_REBAR_CTRL_BAR_SIZE);
	assert_int_equal(rd(control(0), 4), hw(control(0), 4));
	assert_int_equal(size_now(1), 1);
	resize(1, 3);
	assert_int_equal(size_now(1), 3);
	/* its byte alone, too */
	wr(control(1) + 1, 1, 1);
	assert_int_equal(size_now(1), 1);
}

static void test_not_while_memory_is_decoded(void **state)
{
	(void)state;
	decode(true);
	resize(0, 10);
	assert_int_equal(size_now(0), 8);
	decode(false);
	resize(0, 10);
	assert_int_equal(size_now(0), 10);
}

static void test_a_size_that_is_not_supported_is_dropped(void **state)
{
	unsigned int n;

	(void)state;
	decode(false);
	for (n = 0; n < 64; n++) {
		resize(0, n);
		assert_int_equal(size_now(0), n == 10 ? 10 : n < 10 ? 8 : 10);
	}
}

static void test_what_is_dropped_does_not_reach_hardware(void **state)
{
	char lie[100];

	(void)state;
	end();
	/* BAR 2 says that it can be 4 GiB large: not with 32 bits */
	snprintf(lie, sizeof(lie),
		 "\"poke\": [ { \"reg\": %u, \"value\": 1 } ],",
		 control(1) - 2);
	begin(lie, NULL);
	assert_int_not_equal(hw(control(1) - 4, 4) & 1 << (12 + 4), 0);
	decode(false);
	spy.count = 0;
	resize(1, 2);
	resize(1, 12);
	resize(1, 28);
	resize(1, 63);
	decode(true);
	resize(1, 3);
	assert_int_equal(spy.count, 0);
	/* what does, does with its own index and number of BARs */
	decode(false);
	wr(control(0), 4, UINT32_MAX & ~(53u << PCI_REBAR_CTRL_BAR_SHIFT));
	assert_int_equal(spy.count, 1);
	assert_int_equal(spy.val, hw(control(0), 4));
	assert_int_equal(size_now(0), 10);
}

static uint16_t seen_at(uint16_t id)
{
	unsigned int pos = PCI_EXT_CAP_START;

	while (pos && PCI_EXT_CAP_ID(rd(pos, 4)) != id)
		pos = PCI_EXT_CAP_NEXT(rd(pos, 4));
	return (uint16_t)pos;
}

static void assert_hidden(unsigned int reg, unsigned int value)
{
	char lie[200];

	end();
	snprintf(lie, sizeof(lie),
		 "\"poke\": [ { \"reg\": %u, \"value\": %u } ],", reg, value);
	begin(lie, NULL);
	assert_int_equal(hw(reg, 1), value);
	assert_int_equal(seen_at(PCI_EXT_CAP_ID_REBAR), 0);
	assert_int_equal(rd(PCI_VENDOR_ID, 2), 0x1002);
	decode(true);
}

static void test_a_capability_that_lies_is_hidden(void **state)
{
	(void)state;
	assert_int_equal(seen_at(PCI_EXT_CAP_ID_REBAR), rebar);
	assert_hidden(control(0), 2u << 5 | 6); /* the ROM */
	assert_hidden(control(1), 7);           /* no BAR at all */
	assert_hidden(control(1), 1);           /* an upper half */
	assert_hidden(control(1), 4);           /* not there */
	assert_hidden(control(0), 0u << 5);     /* of none */
	assert_hidden(control(0), 7u << 5);     /* of seven */
}

/* --- a hardware domain whose BARs are mapped --------------------------------------- */

static int map(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	(void)m;
	return 0;
}

static void (*during_unmap)(void); /* of BAR 0 */

static void unmap(struct domain *d, const struct pci_mapping *m)
{
	(void)d;
	if (during_unmap && !m->bar)
		during_unmap();
}

static const struct domain_ops mapped = { .map = map, .unmap = unmap };

static struct vpci_bar_info bar(unsigned int i)
{
	struct vpci_info info;

	assert_int_equal(vpci_query(DEV, &info), 0);
	return info.bar[i];
}

static void test_the_view_follows_the_size(void **state)
{
	(void)state;
	end();
	begin("", &mapped);
	decode(false);
	wr(PCI_BASE_ADDRESS_0, 4, 0x30000000); /* 256 MiB below a whole GiB */
	wr(PCI_BASE_ADDRESS_0 + 4, 4, 4);
	assert_int_equal(bar(0).guest, 0x430000000);
	assert_int_equal(bar(0).size, MIB(8));
	resize(0, 10);
	assert_int_equal(bar(0).size, MIB(10));
	assert_int_equal(hw(PCI_BASE_ADDRESS_0, 4) & ~15u, 0);
	assert_int_equal(bar(0).guest, 0x400000000);
	resize(0, 9); /* not supported */
	assert_int_equal(bar(0).size, MIB(10));
	decode(true);
	assert_int_equal(bar(0).mapped, MIB(10));
	decode(false);
}

static void grow(void)
{
	resize(0, 10);
}

static void test_not_before_the_last_page_is_unmapped(void **state)
{
	(void)state;
	end();
	begin("", &mapped);
	decode(true);
	assert_int_equal(bar(0).mapped, MIB(8));
	wr(PCI_COMMAND, 2, 0);
	resize(0, 10); /* another vCPU, say */
	assert_int_equal(size_now(0), 8);
	during_unmap = grow;
	finish();
	during_unmap = NULL;
	assert_int_equal(size_now(0), 8);
	resize(0, 10);
	assert_int_equal(size_now(0), 10);
}

/* What hardware does not take, the view does not have. */
static void test_the_view_follows_hardware_and_not_the_write(void **state)
{
	(void)state;
	end();
	begin("", &mapped);
	decode(false);
	dropped = true;
	resize(0, 10);
	dropped = false;
	assert_int_equal(size_now(0), 8);
	assert_int_equal(bar(0).size, MIB(8));
}

/* 256 TiB and more: the control register itself says whether it can. */
static void test_the_largest_sizes_are_in_the_upper_half(void **state)
{
	(void)state;
	decode(false);
	assert_int_equal(size_now(0), 8);
	spy.count = 0;
	resize(0, 28);
	resize(0, 43);
	resize(0, 44);
	assert_int_equal(size_now(0), 8);
	lie_upper = 1u << 16 | 1u << 31; /* 28 and 43 */
	resize(0, 44);
	resize(0, 29);
	assert_int_equal(spy.count, 0);
	resize(0, 28);
	assert_int_equal(spy.count, 1);
	assert_int_equal(spy.val & PCI_REBAR_CTRL_BAR_SIZE, 28 << 8);
	resize(0, 43);
	assert_int_equal(spy.count, 2);
	lie_upper = 0;
}

static void test_a_guest_does_not_see_it(void **state)
{
	pci_sbdf_t vsbdf = pci_sbdf(0, 0, 1, 0);
	struct vpci_vcpu of_guest;
	struct domain *d;
	unsigned int reg;
	uint64_t val;

	(void)state;
	assert_int_equal(domain_create(0, "web1", NULL, NULL, &d), 0);
	assert_int_equal(pci_assign_device(d, DEV, 0, &vsbdf, NULL), 0);
	vpci_vcpu_init(&of_guest, d);
	for (reg = rebar; reg < rebar + 20u; reg += 4) {
		vpci_write(&of_guest, vsbdf, (uint16_t)reg, 4,
			   10 << PCI_REBAR_CTRL_BAR_SHIFT);
		vpci_read(d, vsbdf, (uint16_t)reg, 4, &val);
		assert_int_equal(val, 0);
	}
	assert_int_equal(size_now(0), 8);
	vpci_vcpu_fini(&of_guest);
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_supported_size_goes_to_hardware),
		CASE(test_not_while_memory_is_decoded),
		CASE(test_a_size_that_is_not_supported_is_dropped),
		CASE(test_what_is_dropped_does_not_reach_hardware),
		CASE(test_a_capability_that_lies_is_hidden),
		CASE(test_the_view_follows_the_size),
		CASE(test_not_before_the_last_page_is_unmapped),
		CASE(test_the_view_follows_hardware_and_not_the_write),
		CASE(test_the_largest_sizes_are_in_the_upper_half),
		CASE(test_a_guest_does_not_see_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
