/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hardware does, and what fails. */
#include "world.h"

static uint64_t address_of(const struct step *s)
{
	/* never a guest's own: the host's devices are trusted not to go there */
	switch (s->a % 4) {
	case 0:
		return world.ram;
	case 1:
		return FABRIC_MSI_BASE + s->b * 4u;
	default:
		return DMA + FABRIC_PAGE * (s->b % PAGES);
	}
}

static int dma(const struct step *s)
{
	uint64_t word = s->c;
	int err;

	if (s->dom & 0x80)
		err = fabric_dma_read(world.f, device_of(s), address_of(s),
				      &word, sizeof(word));
	else
		err = fabric_dma_write(world.f, device_of(s), address_of(s),
				       &word, sizeof(word));
	return err;
}

/* As its own firmware; with RUN it goes on at each turn. */
static int tester(const struct step *s)
{
	pci_sbdf_t at = device_of(s);

	(void)fabric_tester_set(world.f, at, FABRIC_TESTER_SOURCE,
				address_of(s));
	(void)fabric_tester_set(world.f, at, FABRIC_TESTER_DESTINATION,
				DMA + FABRIC_PAGE * (s->c % PAGES));
	(void)fabric_tester_set(world.f, at, FABRIC_TESTER_LENGTH, 4);
	(void)fabric_tester_set(world.f, at, FABRIC_TESTER_PHANTOM, s->c & 4);
	(void)fabric_tester_set(world.f, at, FABRIC_TESTER_COMMAND,
				s->c % FABRIC_TESTER_COMMANDS |
					(s->dom & 0x80 ? FABRIC_TESTER_RUN
						       : 0));
	(void)fabric_turn(world.f);
	return 0;
}

static int interrupt(const struct step *s)
{
	return fabric_interrupt(world.f, device_of(s), s->a & 7);
}

static int fault(const struct step *s)
{
	struct fabric_fault fault = {
		.sbdf = device_of(s),
		.kind = (enum fabric_fault_kind)(s->a % FABRIC_FAULTS),
		.arg = (uint64_t)s->b << (s->c & 31),
	};

	if (s->dom & 0x80)
		(void)fabric_fault_clear(world.f, fault.sbdf);
	else
		(void)fabric_fault_set(world.f, &fault);
	return 0;
}

static int fail(const struct step *s)
{
	unsigned int call = s->a % (FABRIC_CALLS + 1);

	if (call == FABRIC_CALLS)
		serial_fail_alloc = s->b;
	else
		fabric_fail(world.f, (enum fabric_call)call, s->b);
	return 0;
}

static int flush(const struct step *s)
{
	static const uint64_t delay[] = { 0, MSEC, 99 * MSEC, 150 * MSEC,
					  PLAT_FOREVER };

	switch (s->a % 4) {
	case 0:
		fabric_flush_finish(world.f);
		break;
	case 1:
		fabric_flush_depth(world.f, s->b);
		break;
	default:
		fabric_flush_delay(world.f, delay[s->b % ARRAY_SIZE(delay)]);
	}
	return 0;
}

static int room(const struct step *s)
{
	fabric_irq_room(world.f, s->a);
	return 0;
}

static int plug(const struct step *s)
{
	static const char *const card[] = { "tester", "tester-pm",
					    "tester-plain", "phantom", "nic" };
	char why[160];

	(void)fabric_plug(world.f, device_of(s), card[s->a % ARRAY_SIZE(card)],
			  why, sizeof(why));
	return 0;
}

static int unplug(const struct step *s)
{
	(void)fabric_unplug(world.f, device_of(s), NULL);
	return 0;
}

static int pass(const struct step *s)
{
	serial_pass((uint64_t)s->a * MSEC);
	return 0;
}

static int rest(const struct step *s)
{
	(void)s;
	serial_settle();
	return 0;
}

static int faults(const struct step *s)
{
	struct pci_iommu_info info;
	int err = s->a & 1 ? pci_faults_clear(device_of(s))
			   : pci_iommu_query(device_of(s), &info);

	return err;
}

const struct operation hardware_operations[] = {
	{ "dma", dma, { -ENODEV, -EPERM, -EFAULT } },
	{ "tester", tester, { 0 } },
	{ "interrupt", interrupt, { -ENODEV, -EPERM, -EFAULT } },
	{ "fault", fault, { 0 } },
	{ "fail", fail, { 0 } },
	{ "flush", flush, { 0 } },
	{ "room", room, { 0 } },
	{ "plug", plug, { 0 } },
	{ "unplug", unplug, { 0 } },
	{ "pass", pass, { 0 } },
	{ "rest", rest, { 0 } },
	{ "faults", faults, { -ENODEV, -EBUSY } },
	{ NULL }
};
