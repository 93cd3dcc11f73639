/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See trap.h. A vCPU lives as long as one write: what it would forget, a view
 * remembers, and the next write to that view finds it.
 */
#include "trap.h"

#include <time.h>

#include <holdfast/errno.h>
#include <holdfast/platform.h>

#define PAUSE PLAT_NSEC_PER_MSEC

static uint64_t patience(void)
{
	return plat_now() + TRAP_PATIENCE_MS * PLAT_NSEC_PER_MSEC;
}

/* Until @when, at least a moment; false: @deadline is over. */
static bool doze(uint64_t when, uint64_t deadline)
{
	uint64_t now = plat_now(), left = PAUSE;
	struct timespec ts;

	if (now >= deadline)
		return false;
	if (when > now + PAUSE)
		left = when - now;
	if (left > deadline - now)
		left = deadline - now;
	ts.tv_sec = (time_t)(left / PLAT_NSEC_PER_SEC);
	ts.tv_nsec = (long)(left % PLAT_NSEC_PER_SEC);
	nanosleep(&ts, NULL);
	return true;
}

int trap_read(struct domain *d, pci_sbdf_t at, uint16_t reg, uint8_t size,
	      uint32_t *val)
{
	uint64_t got, deadline = patience();

	while (vpci_read(d, at, reg, size, &got) == PCI_AGAIN)
		if (!doze(0, deadline))
			return -EBUSY;
	*val = (uint32_t)got;
	return 0;
}

/* What the vCPU's writes have set going, to its end. */
static bool finish(struct vpci_vcpu *vcpu, uint64_t deadline)
{
	uint64_t when = 0;

	while (vpci_process_pending(vcpu, &when) == PCI_AGAIN) {
		uint64_t now = plat_now();

		if (now >= deadline)
			return false;
		if (when > now)
			doze(when, deadline);
		when = 0;
	}
	return true;
}

int trap_write(struct domain *d, pci_sbdf_t at, uint16_t reg, uint8_t size,
	       uint32_t val)
{
	uint64_t deadline = patience();
	struct vpci_vcpu vcpu;
	int err = 0;

	vpci_vcpu_init(&vcpu, d);
	while (!err && vpci_write(&vcpu, at, reg, size, val) == PCI_AGAIN)
		if (!finish(&vcpu, deadline) || !doze(0, deadline))
			err = -EBUSY;
	if (!err && !finish(&vcpu, deadline))
		err = -EINPROGRESS;
	vpci_vcpu_fini(&vcpu);
	return err;
}

static int host_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	struct trap_host *th = container_of(host, struct trap_host, host);

	return trap_read(th->d, sbdf, reg, size, val);
}

void trap_host_init(struct trap_host *th, struct domain *d)
{
	static const struct pci_host_ops ops = { .read = host_read,
						 .may_block = true,
						 .read_only = true };

	*th = (struct trap_host){ .host = { .ops = &ops, .name = "view" },
				  .d = d };
}
