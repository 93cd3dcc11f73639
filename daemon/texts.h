/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that stay, as pcidev_set_broken() needs them. */
#ifndef DAEMON_TEXTS_H
#define DAEMON_TEXTS_H

/* A copy of @text, the same one for the same text. NULL without memory. */
const char *text_keep(const char *text);

/* After pci_fini(). */
void texts_free(void);

#endif
