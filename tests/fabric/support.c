/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static char error[256];

struct fabric *open_spec(const char *spec)
{
	struct fabric *f = fabric_open(spec, error, sizeof(error));

	if (!f)
		fail_msg("%s", error);
	return f;
}

static struct fabric *try_text(const char *text)
{
	char path[] = "/tmp/fabric-test-XXXXXX";
	int fd = mkstemp(path);
	struct fabric *f;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	error[0] = '\0';
	f = fabric_open(path, error, sizeof(error));
	unlink(path);
	return f;
}

struct fabric *open_text(const char *text)
{
	struct fabric *f = try_text(text);

	if (!f)
		fail_msg("%s", error);
	return f;
}

const char *open_error(const char *text)
{
	struct fabric *f = try_text(text);

	if (f) {
		fabric_close(f);
		fail_msg("opened: %s", text);
	}
	return error;
}

struct fabric *open_card(const char *functions)
{
	static const char frame[] =
		"{ \"segments\": [ { \"buses\": [ { \"devices\": ["
		"{ \"at\": \"01.0\", \"kind\": \"root-port\","
		"  \"id\": \"8086:a190\", \"slot\": { \"number\": 1,"
		"  \"hotplug\": true }, \"below\": [ %s ] } ] } ] } ] }";
	char *text = NULL;
	struct fabric *f;

	assert_true(asprintf(&text, frame, functions) > 0);
	f = open_text(text);
	free(text);
	return f;
}

uint32_t rd(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg, uint8_t size)
{
	struct pci_host *host = fabric_host(f);
	uint32_t val;

	assert_int_equal(host->ops->read(host, sbdf, (uint16_t)reg, size, &val),
			 0);
	return val;
}

void wr(struct fabric *f, pci_sbdf_t sbdf, unsigned int reg, uint8_t size,
	uint32_t val)
{
	struct pci_host *host = fabric_host(f);

	assert_int_equal(host->ops->write(host, sbdf, (uint16_t)reg, size, val),
			 0);
}

/* A VF has no vendor; its header type is not all-ones, though. */
bool there(struct fabric *f, pci_sbdf_t sbdf)
{
	return rd(f, sbdf, PCI_HEADER_TYPE, 1) != 0xff;
}

unsigned int cap(struct fabric *f, pci_sbdf_t sbdf, uint8_t id)
{
	unsigned int pos = rd(f, sbdf, PCI_CAPABILITY_LIST, 1);

	while (pos && rd(f, sbdf, pos, 1) != id)
		pos = rd(f, sbdf, pos + PCI_CAP_LIST_NEXT, 1);
	if (!pos)
		fail_msg("no capability %x", id);
	return pos;
}

unsigned int ext(struct fabric *f, pci_sbdf_t sbdf, uint16_t id)
{
	unsigned int pos = PCI_EXT_CAP_START;

	while (pos && PCI_EXT_CAP_ID(rd(f, sbdf, pos, 4)) != id)
		pos = PCI_EXT_CAP_NEXT(rd(f, sbdf, pos, 4));
	if (!pos)
		fail_msg("no extended capability %x", id);
	return pos;
}

void core_adding(struct fabric *f, pci_sbdf_t sbdf)
{
	struct pci_host *host = fabric_host(f);

	host->ops->adding(host, sbdf);
}

void core_removed(struct fabric *f, pci_sbdf_t sbdf)
{
	struct pci_host *host = fabric_host(f);

	host->ops->removed(host, sbdf);
}

uint64_t violations(struct fabric *f)
{
	struct fabric_witness w;

	fabric_witness(f, &w);
	return w.violations;
}
