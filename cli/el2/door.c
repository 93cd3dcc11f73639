// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mailbox by pread and pwrite on `config`, four bytes a time as the kernel
 * does them; the ring by mapping `resource0`. The lock keeps two of us apart;
 * it goes with the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "door.h"

const char *door_path = "/sys/bus/pci/devices/0000:00:1f.0";

static void die(const char *what)
{
	fprintf(stderr, "holdfast-el2: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_file(const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", door_path, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void get(int fd, void *to, size_t size, off_t at)
{
	if (pread(fd, to, size, at) != (ssize_t)size)
		die("the management function cannot be read");
}

static void put(int fd, const void *from, size_t size, off_t at)
{
	if (pwrite(fd, from, size, at) != (ssize_t)size)
		die("the management function cannot be written");
}

/* Once: the door, if it is ours. */
static int door(void)
{
	static int fd = -1;
	uint32_t id, header;

	if (fd >= 0)
		return fd;
	fd = open_file("config", O_RDWR);
	get(fd, &id, sizeof(id), 0);
	if (id != (MGMT_VENDOR | MGMT_DEVICE << 16)) {
		fprintf(stderr, "holdfast-el2: %s is another device\n",
			door_path);
		exit(1);
	}
	get(fd, &header, sizeof(header), MGMT_VSEC + 4);
	if ((header >> 16 & 0xf) != MGMT_VERSION) {
		fprintf(stderr,
			"holdfast-el2: the hypervisor speaks version "
			"%u, this program %u\n",
			header >> 16 & 0xf, MGMT_VERSION);
		exit(1);
	}
	return fd;
}

int door_ask(enum mgmt_verb verb, struct mgmt_request *request,
	     union mgmt_answer *answer)
{
	uint32_t word = verb;
	int32_t status;
	int fd = door();

	request->version = MGMT_VERSION;
	if (flock(fd, LOCK_EX))
		die("flock");
	put(fd, request, sizeof(*request), MGMT_BOX);
	put(fd, &word, sizeof(word), MGMT_DOOR);
	get(fd, &status, sizeof(status), MGMT_STATUS);
	get(fd, answer, sizeof(*answer), MGMT_BOX);
	flock(fd, LOCK_UN);
	return status;
}

const volatile struct mgmt_ring *door_ring(void)
{
	int fd = open_file("enable", O_WRONLY);
	const volatile struct mgmt_ring *ring;

	/* Without a driver nobody has switched its memory on. */
	if (write(fd, "1", 1) != 1)
		die("the management function cannot be enabled");
	close(fd);
	fd = open_file("resource0", O_RDWR);
	ring = mmap(NULL, sizeof(*ring), PROT_READ, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		die("the event ring cannot be mapped");
	close(fd);
	if (ring->magic != MGMT_RING_MAGIC || ring->version != MGMT_VERSION) {
		fprintf(stderr, "holdfast-el2: there is no event ring\n");
		exit(1);
	}
	return ring;
}

/* Aligned words: it is a device's memory, where nothing else is allowed. */
static void copy(struct mgmt_event *to, const volatile struct mgmt_event *from)
{
	const volatile uint64_t *word = (const volatile uint64_t *)from;
	uint64_t *out = (uint64_t *)to;
	size_t i;

	for (i = 0; i < sizeof(*to) / sizeof(*out); i++)
		out[i] = word[i];
}

int door_event(const volatile struct mgmt_ring *ring, uint64_t n,
	       struct mgmt_event *out)
{
	const volatile struct mgmt_event *entry =
		&ring->event[n % MGMT_RING_ENTRIES];
	uint64_t seq;

	if (n >= ring->next)
		return 0;
	__sync_synchronize();
	copy(out, entry);
	__sync_synchronize();
	seq = entry->seq;
	out->name[sizeof(out->name) - 1] = '\0';
	out->detail[sizeof(out->detail) - 1] = '\0';
	return seq == n && out->seq == n ? 1 : -1;
}
