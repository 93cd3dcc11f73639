/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/wait.h>
#include <unistd.h>

#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "support.h"

struct test_stage test_stage;
struct pci_removal_info report;

static int host_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	struct test_host *t = container_of(host, struct test_host, host);

	hf_fetch_add_relaxed(&t->reads, 1);
	if (t->on_read)
		t->on_read(sbdf);
	if (t->answer)
		return t->answer(sbdf, reg, size, val);
	*val = reg + size;
	return 0;
}

static int host_write(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		      uint8_t size, uint32_t val)
{
	struct test_host *t = container_of(host, struct test_host, host);

	(void)sbdf;
	(void)reg;
	(void)size;
	(void)val;
	hf_fetch_add_relaxed(&t->writes, 1);
	return 0;
}

static void host_removed(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct test_host *t = container_of(host, struct test_host, host);

	(void)sbdf;
	hf_fetch_add_relaxed(&t->removed, 1);
}

static const struct pci_host_ops host_ops = {
	.read = host_read,
	.write = host_write,
	.removed = host_removed,
};

struct test_host test_host = { .host = { .ops = &host_ops, .name = "test" } };

static int stage_attach(struct pci_dev *pdev)
{
	if (test_stage.attach_error)
		return test_stage.attach_error;
	test_stage.attached++;
	if (test_stage.on_attach)
		test_stage.on_attach(pcidev_sbdf(pdev));
	return 0;
}

static void stage_cut_off(struct pci_dev *pdev)
{
	test_stage.cut_off++;
	if (test_stage.on_cut_off)
		test_stage.on_cut_off(pcidev_sbdf(pdev));
}

static int stage_quiesce(struct pci_dev *pdev, uint64_t deadline,
			 const char **why)
{
	(void)deadline;
	test_stage.quiesced++;
	if (test_stage.on_quiesce)
		test_stage.on_quiesce(pcidev_sbdf(pdev));
	if (test_stage.quiesce_error == -EIO)
		*why = "the test says so";
	return test_stage.quiesce_error;
}

static void stage_restore(struct pci_dev *pdev)
{
	(void)pdev;
	test_stage.restored++;
}

static int stage_enter(struct pci_dev *pdev, struct domain *d)
{
	(void)d;
	if (test_stage.on_enter)
		test_stage.on_enter(pcidev_sbdf(pdev));
	return test_stage.enter_error;
}

static int stage_leave(struct pci_dev *pdev)
{
	return test_stage.on_leave ? test_stage.on_leave(pcidev_sbdf(pdev)) : 0;
}

static const char *stage_check(struct pci_dev *pdev)
{
	(void)pdev;
	return test_stage.check_says;
}

static void stage_detach(struct pci_dev *pdev)
{
	(void)pdev;
	test_stage.detached++;
}

static const struct pci_stage stage = {
	.name = "test",
	.attach = stage_attach,
	.cut_off = stage_cut_off,
	.quiesce = stage_quiesce,
	.restore = stage_restore,
	.enter = stage_enter,
	.leave = stage_leave,
	.check = stage_check,
	.detach = stage_detach,
};

int test_setup(void **state)
{
	(void)state;
	test_stage = (struct test_stage){ 0 };
	test_host.on_read = NULL;
	test_host.answer = NULL;
	hf_store_relaxed(&test_host.reads, 0);
	hf_store_relaxed(&test_host.removed, 0);
	if (pci_init() || pci_stage_register(&stage) || pci_vpci_init(NULL))
		return -1;
	return pci_segment_add(0, &test_host.host) ||
	       pci_segment_add(1, &test_host.host);
}

int test_teardown(void **state)
{
	struct pci_stats before, after;
	unsigned int broken = pci_check_invariants();

	(void)state;
	pci_get_stats(&before);
	pci_fini();
	if (pci_init())
		return -1;
	pci_get_stats(&after);
	pci_fini();
	if (broken || after.objects ||
	    test_stage.attached != test_stage.detached)
		print_error("%u invariants broken, %llu objects left, "
			    "%u attached, %u detached\n",
			    broken, (unsigned long long)after.objects,
			    test_stage.attached, test_stage.detached);
	return broken || after.objects ||
	       test_stage.attached != test_stage.detached;
}

int try_add(const char *sbdf, const char *parent, uint16_t device)
{
	struct pci_dev_desc desc = {
		.sbdf = at(sbdf),
		.parent = at(parent),
		.type = PCI_TYPE_ENDPOINT,
		.cfg_size = 4096,
		.is_vf = strcmp(sbdf, parent) != 0,
		.ident = { .vendor = 0x8086, .device = device },
	};

	return pci_register_device(&desc, NULL);
}

void add(const char *sbdf)
{
	assert_int_equal(try_add(sbdf, sbdf, 0x10fb), 0);
}

void add_child(const char *sbdf, const char *parent)
{
	assert_int_equal(try_add(sbdf, parent, 0x10ed), 0);
}

void add_bridge(const char *sbdf, const char *parent, uint8_t secondary)
{
	struct pci_dev_desc desc = {
		.sbdf = at(sbdf),
		.parent = at(parent),
		.type = PCI_TYPE_ROOT_PORT,
		.hdr_type = 1,
		.secondary = secondary,
		.subordinate = secondary,
	};

	assert_int_equal(pci_register_device(&desc, NULL), 0);
}

struct domain *guest(const char *name, const struct domain_ops *ops)
{
	struct domain *d = NULL;

	assert_int_equal(domain_create(0, name, ops, NULL, &d), 0);
	return d;
}

void assign(struct domain *d, const char *sbdf)
{
	pci_sbdf_t vsbdf = pci_sbdf_from(UINT32_MAX);

	assert_int_equal(pci_assign_device(d, at(sbdf), 0, &vsbdf, NULL), 0);
}

void end_of(struct domain *d)
{
	assert_int_equal(domain_destroy(d), 0);
	domain_put(d);
}

struct pci_dev *get(const char *sbdf)
{
	struct pci_dev *pdev = pci_get_pdev(NULL, at(sbdf));

	assert_non_null(pdev);
	return pdev;
}

struct pci_dev_info info_of(const char *sbdf)
{
	struct pci_dev_info info;

	assert_int_equal(pci_query(at(sbdf), &info), 0);
	return info;
}

uint32_t refs(const char *sbdf)
{
	return info_of(sbdf).refs;
}

bool is_there(const char *sbdf)
{
	struct pci_dev_info info;

	return !pci_query(at(sbdf), &info);
}

int remove_dev(const char *sbdf, unsigned int flags, uint64_t timeout)
{
	memset(&report, 0, sizeof(report));
	return pci_remove_device(at(sbdf), flags, timeout, &report);
}

/* --- our own mistakes ----------------------------------------------------------- */

static int told = -1; /* where a child says what it stopped for */

void __wrap_plat_bug(const char *fmt, ...) hf_printf_like(1, 2)
	__attribute__((noreturn));

void __wrap_plat_bug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vdprintf(told < 0 ? STDERR_FILENO : told, fmt, args) < 0)
		abort();
	va_end(args);
	if (told < 0)
		abort();
	exit(0); /* in order, so that what ran is counted (coverage) */
}

const char *stops(void (*fn)(void))
{
	static char text[200];
	int both[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(both), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		told = both[1];
		fn();
		exit(0);
	}
	close(both[1]);
	n = read(both[0], text, sizeof(text) - 1);
	close(both[0]);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return text;
}
