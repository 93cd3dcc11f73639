/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: pages with an owner. The lowest free ones are given out again first,
 * so that who still uses a page that it gave back meets its new owner.
 */
#include <string.h>

#include "machine.h"

static uint64_t number_of(uint64_t hpa)
{
	return (hpa - FABRIC_RAM_BASE) / FABRIC_PAGE;
}

struct fab_frame *fab_frame(struct fab_machine *m, uint64_t hpa)
{
	if (hpa < FABRIC_RAM_BASE || number_of(hpa) >= FABRIC_RAM_PAGES)
		return NULL;
	return m->ram ? &m->ram[number_of(hpa)] : NULL;
}

/* What nobody has reads zero and keeps nothing. */
void fab_frame_copy(struct fab_frame *frame, uint64_t hpa, void *buf,
		    size_t len, bool write)
{
	uint8_t *at = frame->data ? frame->data + (hpa & FAB_PAGE_MASK) : NULL;

	if (at && write)
		memcpy(at, buf, len);
	else if (at)
		memcpy(buf, at, len);
	else if (!write)
		memset(buf, 0, len);
}

static bool whole_pages(uint64_t hpa, uint64_t size)
{
	return size && !((hpa | size) & FAB_PAGE_MASK) &&
	       size / FABRIC_PAGE <= FABRIC_RAM_PAGES;
}

/* All of them somebody's. */
static bool all_owned(struct fab_machine *m, uint64_t hpa, uint64_t size)
{
	uint64_t end = hpa + size;

	if (end < hpa)
		return false;
	for (hpa &= ~FAB_PAGE_MASK; hpa < end; hpa += FABRIC_PAGE) {
		struct fab_frame *frame = fab_frame(m, hpa);

		if (!frame || !frame->data)
			return false;
	}
	return true;
}

static void give_back(struct fab_machine *m, struct fab_frame *frame)
{
	plat_free(frame->data);
	*frame = (struct fab_frame){ .owner = FABRIC_NOBODY };
	m->ram_used--;
}

static struct fab_frame *find_free(struct fab_machine *m, uint64_t n)
{
	uint64_t run = 0;

	if (!m->ram) {
		m->ram = plat_zalloc(FABRIC_RAM_PAGES * sizeof(*m->ram));
		for (unsigned int i = 0; m->ram && i < FABRIC_RAM_PAGES; i++)
			m->ram[i].owner = FABRIC_NOBODY;
	}
	for (unsigned int i = 0; m->ram && i < FABRIC_RAM_PAGES; i++) {
		run = m->ram[i].data ? 0 : run + 1;
		if (run == n)
			return &m->ram[i + 1 - n];
	}
	return NULL;
}

static int take(struct fab_machine *m, unsigned int domid, uint64_t n,
		uint64_t *hpa)
{
	struct fab_frame *first = find_free(m, n);

	if (!first)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		first[i].data = plat_zalloc(FABRIC_PAGE);
		if (!first[i].data) {
			while (i--)
				give_back(m, &first[i]);
			return -ENOMEM;
		}
		first[i].owner = domid;
		m->ram_used++;
	}
	*hpa = FABRIC_RAM_BASE + (uint64_t)(first - m->ram) * FABRIC_PAGE;
	return 0;
}

int fabric_ram_alloc(struct fabric *f, unsigned int domid, uint64_t size,
		     uint64_t *hpa)
{
	int rc;

	if (!size || size & FAB_PAGE_MASK)
		return -EINVAL;
	pthread_mutex_lock(&f->machine->lock);
	rc = take(f->machine, domid, size / FABRIC_PAGE, hpa);
	pthread_mutex_unlock(&f->machine->lock);
	return rc;
}

static int change(struct fabric *f, uint64_t hpa, uint64_t size,
		  const unsigned int *domid)
{
	struct fab_machine *m = f->machine;
	int rc = -EINVAL;

	pthread_mutex_lock(&m->lock);
	if (whole_pages(hpa, size) && all_owned(m, hpa, size)) {
		for (uint64_t at = hpa; at < hpa + size; at += FABRIC_PAGE) {
			if (domid)
				fab_frame(m, at)->owner = *domid;
			else
				give_back(m, fab_frame(m, at));
		}
		rc = 0;
	}
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int fabric_ram_free(struct fabric *f, uint64_t hpa, uint64_t size)
{
	return change(f, hpa, size, NULL);
}

int fabric_ram_give(struct fabric *f, uint64_t hpa, uint64_t size,
		    unsigned int domid)
{
	return change(f, hpa, size, &domid);
}

static int copy(struct fabric *f, uint64_t hpa, uint8_t *buf, size_t len,
		bool write)
{
	struct fab_machine *m = f->machine;
	int rc = -EINVAL;

	pthread_mutex_lock(&m->lock);
	if (all_owned(m, hpa, len)) {
		while (len) {
			size_t n = FABRIC_PAGE - (hpa & FAB_PAGE_MASK);

			n = n < len ? n : len;
			fab_frame_copy(fab_frame(m, hpa), hpa, buf, n, write);
			hpa += n;
			buf += n;
			len -= n;
		}
		rc = 0;
	}
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int fabric_ram_read(struct fabric *f, uint64_t hpa, void *buf, size_t len)
{
	return copy(f, hpa, buf, len, false);
}

int fabric_ram_write(struct fabric *f, uint64_t hpa, const void *buf,
		     size_t len)
{
	return copy(f, hpa, (void *)buf, len, true);
}

unsigned int fabric_ram_owner(struct fabric *f, uint64_t hpa)
{
	unsigned int owner = FABRIC_NOBODY;
	struct fab_frame *frame;

	pthread_mutex_lock(&f->machine->lock);
	frame = fab_frame(f->machine, hpa);
	if (frame)
		owner = frame->owner;
	pthread_mutex_unlock(&f->machine->lock);
	return owner;
}

void fab_ram_fini(struct fab_machine *m)
{
	for (unsigned int i = 0; m->ram && i < FABRIC_RAM_PAGES; i++)
		if (m->ram[i].data) /* few are; tests open many fabrics */
			plat_free(m->ram[i].data);
	plat_free(m->ram);
}
