/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one door to libpci, which knows nothing of threads, and whose way to
 * report an error is to end the process: calls are made one at a time, an
 * error comes back as -EIO with libpci's sentence, warnings go to plat_log().
 *
 * Do not include <holdfast/device.h> in the same file: libpci has a struct
 * pci_dev of its own.
 */
#ifndef HOST_LIBPCI_GUARD_H
#define HOST_LIBPCI_GUARD_H

#include <stddef.h>

#include <pci/pci.h>
#undef PCI_DEVFN /* sbdf.h has the one that is meant */

#include <holdfast/sbdf.h>

/*
 * Call @fn(@arg) while nobody else uses libpci. Returns what it returns, or
 * -EIO if libpci reported an error, which then lies in @err (NULL: logged
 * only). In that case @fn was left in the middle, by a jump out of libpci:
 * what it has opened or allocated must be reachable through @arg; what libpci
 * itself had open just then is lost. Calls do not nest. May sleep.
 */
int libpci_run(int (*fn)(void *arg), void *arg, char *err, size_t errlen);

/*
 * A new access with the hooks in place, not yet initialised; NULL without
 * memory. Inside libpci_run() only, as every call to libpci.
 */
struct pci_access *libpci_alloc(void);

#endif
