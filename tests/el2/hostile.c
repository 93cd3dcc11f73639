/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel that means no good, in Linux's place: at EL1, without a driver or a
 * manner. It does what only a kernel can (calls, system registers, tables that
 * lie in the hypervisor's memory) and says what came of it.
 */
#include <stddef.h>
#include <stdint.h>

#include "hostile.h"
#include "mgmt_abi.h"

#define HYPERVISOR 0x40200000ul /* not the guest's */
#define CONFIG 0x4010010000ul   /* of a port */

#define RUNS -114ul /* EALREADY: a removal */
#define PSCI_SYSTEM_OFF 0x84000008u

static uint64_t smc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	__asm__ volatile("smc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 :
			 : "memory");
	return x0;
}

static uint64_t got; /* x1 after the last of them */

static uint64_t hvc(uint64_t fn, uint64_t a, uint64_t b)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;

	__asm__ volatile("hvc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2)
			 :
			 : "x3", "memory");
	got = x1;
	return x0;
}

static uint64_t state = 88172645463325252ull;

static uint64_t random(void) /* xorshift64 */
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void memory(void)
{
	TRY("load", "ldr x0, [%0]", "r"(HYPERVISOR));
	TRY("store", "str xzr, [%0]", "r"(HYPERVISOR));
	TRY("fetch", "blr %0", "r"(HYPERVISOR));
	TRY("fetch config", "blr %0", "r"(CONFIG));
	TRY("pair", "ldp x0, x1, [%0]", "r"(CONFIG));
	TRY("clean", "dc civac, %0", "r"(CONFIG));
	TRY("zero", "dc zva, %0", "r"(CONFIG));
	TRY("exclusive", "ldaxr x0, [%0]", "r"(CONFIG));
	TRY("swap", "swp x0, x1, [%0]", "r"(CONFIG));
	TRY("translate", "at s12e1r, %0", "r"(CONFIG));
}

/* 39 bits: devices, RAM, and a table where the hypervisor is. */
static uint64_t level1[512] __attribute__((aligned(4096)));

static void tables(void)
{
	const uint64_t block = 1 | 1 << 10, normal = 1 << 2 | 3 << 8;

	level1[0] = block;
	level1[1] = 0x40000000ul | block | normal;
	level1[2] = HYPERVISOR | 3;
	__asm__ volatile("msr mair_el1, %0\n\tmsr tcr_el1, %1\n\t"
			 "msr ttbr0_el1, %2\n\tdsb sy\n\ttlbi vmalle1\n\t"
			 "dsb sy\n\tisb\n\tmrs x0, sctlr_el1\n\t"
			 "orr x0, x0, #1\n\tmsr sctlr_el1, x0\n\tisb"
			 :
			 : "r"(0xff00ul), "r"(25ul | 1ul << 23 | 2ul << 32),
			   "r"(level1)
			 : "x0", "memory");
	TRY("walk", "ldr x0, [%0]", "r"(2ul << 30));
	TRY("walk to fetch", "blr %0", "r"(2ul << 30));
	__asm__ volatile("mrs x0, sctlr_el1\n\tbic x0, x0, #1\n\t"
			 "msr sctlr_el1, x0\n\tisb"
			 :
			 :
			 : "x0", "memory");
}

static void registers(void)
{
	TRY("hcr_el2", "msr hcr_el2, xzr", "r"(0));
	TRY("vttbr_el2", "mrs x0, vttbr_el2", "r"(0));
	TRY("elr_el2", "msr elr_el2, xzr", "r"(0));
	TRY("spe", "mrs x0, s3_0_c9_c9_0", "r"(0));
}

static void calls(void)
{
	unsigned int i;

	say_value("hvc", hvc(random(), random(), random()));
	say_value("suspend", smc(0xc4000001, 1ul << 16, HYPERVISOR, 0));
	say_value("on itself", smc(0xc4000003, 0, HYPERVISOR, 0));
	say_value("on nobody", smc(0xc4000003, 77, HYPERVISOR, 0));
	say_value("on at the hypervisor", smc(0xc4000003, 1, HYPERVISOR, 0));
	for (i = 0; i < 20000; i++) {
		uint32_t fn = 0x84000000u | (random() & 0x4000001fu);

		if ((fn & 0x1f) == 2 || (fn & 0x1f) == 8 || (fn & 0x1f) == 9)
			continue; /* off */
		smc(fn, random() & 0x81000003u, random(), random());
		smc(random() | 1u << 6, random(), random(), random());
		hvc(random(), random(), random());
	}
}

static uint64_t get(uint64_t offset)
{
	hvc(MGMT_HVC_GET, offset, 0);
	return got;
}

static uint64_t ask(uint32_t verb, uint64_t version, uint64_t sbdf)
{
	unsigned int word;

	hvc(MGMT_HVC_PUT, 0, version | sbdf << 32);
	for (word = 1; word < 10; word++)
		hvc(MGMT_HVC_PUT, 8 * word, 0);
	return hvc(MGMT_HVC_CALL, verb, 0);
}

/* Offsets that are none write nothing and read 0. */
static void window(void)
{
	static const uint64_t none[] = { 377,  380,       384,
					 4096, 1ul << 32, 1ul << 63,
					 -8ul, -7ul,      (1ul << 32) + 376 };
	uint64_t read = 0;
	unsigned int i;

	hvc(MGMT_HVC_PUT, 0, 1);
	hvc(MGMT_HVC_PUT, 376, 0x5a5a);
	for (i = 0; i < sizeof(none) / sizeof(*none); i++) {
		hvc(MGMT_HVC_PUT, none[i], -1ul);
		read |= get(none[i]);
	}
	say_value("beyond the window", read);
	say_value("its ends", get(0) << 16 | get(376));
	hvc(MGMT_HVC_PUT, 3, 0x123456789abcdef0);
	say_value("misaligned", get(3));
}

static void questions(void)
{
	const uint64_t sbdf = offsetof(struct mgmt_device, sbdf);
	uint64_t at = 0, devices = 0;

	for (; !ask(MGMT_NEXT, MGMT_VERSION, at); devices++)
		at = (uint32_t)get(sbdf) + 1;
	say_value("devices", devices);
	say_value("the disk", ask(MGMT_SHOW, MGMT_VERSION, 0x100));
	say_value("… is",
		  get(offsetof(struct mgmt_device, vendor)) & UINT32_MAX);
	say_value("nobody", ask(MGMT_SHOW, MGMT_VERSION, 0x1234567));
	say_value("no verb", ask(MGMT_VERBS, MGMT_VERSION, 0x100));
	say_value("another version", ask(MGMT_SHOW, MGMT_VERSION + 1, 0x100));
	say_value("no call", hvc(MGMT_HVC_GET + 1, 0, 0));
}

/* Management: any verb of any device, well formed and not (mgmt_abi.h). */
static void management(void)
{
	static const uint16_t bdf[] = { 0x10, 0x18, 0x28, 0xf8, 0x100, 0x200 };
	unsigned int i, word, good = 0;
	uint64_t status;

	for (i = 0; i < 1000; i++) {
		uint64_t sbdf = bdf[random() % 6];

		hvc(MGMT_HVC_PUT, 0, MGMT_VERSION | sbdf << 32);
		hvc(MGMT_HVC_PUT, 8, random() & 0x700000003);
		hvc(MGMT_HVC_PUT, 16, random() & 0x6100000003f);
		for (word = 3; word < 10; word++)
			hvc(MGMT_HVC_PUT, 8 * word,
			    random() % 8 ? 0 : random());
		good += !hvc(MGMT_HVC_CALL, random() & 31, 0);
	}
	say_value("verbs done", good);
	do /* until the last removal is over */
		status = ask(MGMT_CHECK, MGMT_VERSION, 0);
	while (status == RUNS);
	say_value("check", status);
	say_value("rules broken", get(offsetof(struct mgmt_stats, broken)));
	for (i = 0; i < 1000; i++)
		hvc(MGMT_HVC_PUT + (random() & 3), random() & 0x1ff, random());
}

/* Anywhere below 40 bits, but where reading does something. */
static void reads(void)
{
	unsigned int i, aborts = 0;

	for (i = 0; i < 20000; i++) {
		uint64_t at = random() & 0xfffffffff8ul;

		__asm__ volatile("ldr x0, [%0]" : : "r"(at) : "x0", "memory");
		aborts += taken != 0;
		taken = 0;
	}
	say_value("aborts", aborts);
}

void hostile(void)
{
	memory();
	tables();
	registers();
	calls();
	window();
	questions();
	management();
	reads();
	put("story: done\n");
	smc(PSCI_SYSTEM_OFF, 0, 0, 0);
}
