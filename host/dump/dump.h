/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host made from the text that `lspci -xxx` or `lspci -xxxx` prints.
 *
 * What the text does not say is unknown, not absent: bytes beyond a function's
 * length are -EIO, BARs without "[size=…]" have no size. Writes go to a copy
 * in memory and are read back as written; no register has a meaning of its
 * own. Accesses take no lock.
 */
#ifndef HOST_DUMP_H
#define HOST_DUMP_H

#include <stddef.h>

#include <holdfast/host.h>

/*
 * Read @path (a pipe will do). NULL and a sentence in @err: it cannot be read,
 * or it is not what lspci prints ("line 12: …"); then nothing is kept.
 * The caller owns the host until dump_close(). May sleep; any thread.
 */
struct pci_host *dump_open(const char *path, char *err, size_t errlen);
void dump_close(struct pci_host *host); /* NULL is fine */

#endif
