/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of vendors, devices and classes, from pci.ids through libpci. */
#ifndef HOLDFAST_CLI_NAMES_H
#define HOLDFAST_CLI_NAMES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Where the names come from: a file, or NULL for the system's. Called at most
 * once, before the first name is asked for.
 */
void names_use(const char *path);

/* "Intel Corporation 82599ES …"; without a name, the numbers. @buf. */
const char *names_device(char *buf, size_t size, uint16_t vendor,
			 uint16_t device);

/* "Ethernet controller"; without a name, "Class 0200". @buf. */
const char *names_class(char *buf, size_t size, uint32_t class_rev);

#endif
