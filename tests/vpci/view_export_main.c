/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view_export HOST [SBDF]: what the hardware domain sees of all that is on
 * HOST ("fabric:server", or a file that lspci printed); or what a guest sees of
 * one function, at its address in the guest. As text for lspci -F.
 */
#include <stdio.h>
#include <string.h>

#include <holdfast/config.h>
#include <holdfast/errno.h>
#include <holdfast/iommu.h>
#include <holdfast/vpci.h>

#include "dump.h"
#include "export.h"
#include "fabric.h"
#include "segments.h"

/* A host whose configuration space is what a domain sees. */
struct seen {
	struct pci_host host;
	struct pci_host *real;
	struct domain *domain;
	pci_sbdf_t sbdf; /* host address; of one guest's device */
	pci_sbdf_t vsbdf;
};

static int seen_read(struct pci_host *host, pci_sbdf_t sbdf, uint16_t reg,
		     uint8_t size, uint32_t *val)
{
	struct seen *seen = container_of(host, struct seen, host);
	uint64_t wide;

	if (vpci_read(seen->domain, sbdf, reg, size, &wide) != PCI_DONE)
		return -EIO;
	*val = (uint32_t)wide;
	return 0;
}

static int seen_next(struct pci_host *host, pci_sbdf_t *sbdf)
{
	struct seen *seen = container_of(host, struct seen, host);

	return seen->real->ops->next(seen->real, sbdf);
}

static uint16_t seen_size(struct pci_host *host, pci_sbdf_t sbdf)
{
	struct seen *seen = container_of(host, struct seen, host);

	if (seen->domain != hardware_domain)
		sbdf = seen->sbdf;
	return seen->real->ops->config_size(seen->real, sbdf);
}

static struct pci_host_ops seen_ops = {
	.read = seen_read,
	.next = seen_next,
};

static int add_all(struct pci_host *host)
{
	const struct vpci_options options = { .hardware_views = true };
	unsigned int n = host_segments(host, NULL, 0);
	uint16_t seg[n ? n : 1];
	struct pci_scan scan;
	int err = pci_init();

	if (!err)
		err = pci_config_init();
	if (!err)
		err = pci_vpci_init(&options);
	host_segments(host, seg, n);
	for (unsigned int i = 0; i < n && !err; i++) {
		err = pci_segment_add(seg[i], host);
		if (!err)
			err = pci_scan_segment(seg[i], &scan);
		if (!err)
			err = scan.error;
	}
	return err;
}

static int export_guest(struct seen *seen, const char *where)
{
	int err = pci_sbdf_parse(where, &seen->sbdf);

	seen->vsbdf.sbdf = UINT32_MAX;
	if (!err)
		err = domain_create(1, "guest", NULL, NULL, &seen->domain);
	if (err)
		return err;
	err = pci_assign_device(seen->domain, seen->sbdf, 0, &seen->vsbdf,
				NULL);
	if (!err)
		err = dump_export_function(&seen->host, seen->vsbdf, stdout);
	if (domain_destroy(seen->domain))
		err = -EIO;
	domain_put(seen->domain);
	return err;
}

int main(int argc, char **argv)
{
	struct seen seen = { .host = { .ops = &seen_ops, .name = "view" } };
	struct fabric *fabric = NULL;
	char why[256] = "";
	int err;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: %s HOST [SBDF]\n", argv[0]);
		return 2;
	}
	if (!strncmp(argv[1], "fabric:", 7)) {
		fabric = fabric_open(argv[1] + 7, why, sizeof(why));
		seen.real = fabric ? fabric_host(fabric) : NULL;
	} else {
		seen.real = dump_open(argv[1], why, sizeof(why));
	}
	if (!seen.real) {
		fprintf(stderr, "%s: %s\n", argv[1], why);
		return 1;
	}
	if (seen.real->ops->config_size)
		seen_ops.config_size = seen_size;
	err = add_all(seen.real);
	seen.domain = hardware_domain;
	if (!err)
		err = argc == 3 ? export_guest(&seen, argv[2])
				: dump_export(&seen.host, stdout);
	if (err)
		fprintf(stderr, "%s: error %d\n", argv[1], err);
	pci_fini();
	if (fabric)
		fabric_close(fabric);
	else
		dump_close(seen.real);
	return err || fflush(stdout) ? 1 : 0;
}
