/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any host's configuration space as text that `lspci -F` reads: the other
 * direction of dump.h, and without libpci.
 */
#ifndef HOST_DUMP_EXPORT_H
#define HOST_DUMP_EXPORT_H

#include <stdio.h>

#include <holdfast/host.h>

/*
 * Write one function, as many bytes of it as can be read, and an empty line.
 * 0; -ENODEV nobody there; -EIO it cannot be read; or what writing to @out
 * failed with. After an error part of the function may have been written.
 * May sleep if the host may.
 */
int dump_export_function(struct pci_host *host, pci_sbdf_t sbdf, FILE *out);

/*
 * The same for every function that the host knows of, in SBDF order; those
 * that vanish meanwhile are left out. -EOPNOTSUPP without ops->next.
 */
int dump_export(struct pci_host *host, FILE *out);

#endif
