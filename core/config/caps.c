/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking the two capability lists (PCI 3.0 §6.7, PCIe 6.0 §7.6).
 *
 * The lists are written by the device, so they may lie. A walk ends because
 * each dword is visited once at most, and no list can be longer than what
 * fits between its first possible place and the end of its space.
 */
#include "config/internal.h"

enum {
	MAX_CAPS = (PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF) / 4,
	MAX_EXT_CAPS = (PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 8,
};

void cap_begin(struct cap_iter *it, struct conf *c, uint16_t size)
{
	uint8_t type = conf_read(c, PCI_HEADER_TYPE, 1) & PCI_HEADER_TYPE_MASK;
	uint8_t first = type == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST
							: PCI_CAPABILITY_LIST;

	*it = (struct cap_iter){ .c = c, .size = size, .left = MAX_CAPS };
	if (size < PCI_CFG_SPACE_SIZE || type > PCI_HEADER_TYPE_CARDBUS)
		return;
	if (conf_read(c, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST)
		it->pos = conf_read(c, first, 1) & PCI_CAP_NEXT_MASK;
}

/* Go to it->pos: true, unless it was visited or is below @lowest. */
static bool visit(struct cap_iter *it, uint16_t lowest)
{
	unsigned int dword = it->pos / 4;
	uint32_t bit = 1u << dword % 32;

	if (it->pos < lowest || !it->left || it->seen[dword / 32] & bit)
		return false;
	it->seen[dword / 32] |= bit;
	it->left--;
	return true;
}

static int next_standard(struct cap_iter *it, struct pci_cap *cap)
{
	uint32_t head;

	if (!it->pos)
		return 0;
	if (!visit(it, PCI_STD_HEADER_SIZEOF))
		return -EIO;
	head = conf_read(it->c, it->pos, 2);
	if (head == conf_ones(2))
		return -EIO;
	*cap = (struct pci_cap){ .pos = it->pos, .id = head & 0xff };
	it->pos = (head >> 8) & PCI_CAP_NEXT_MASK;
	return 1;
}

static int next_extended(struct cap_iter *it, struct pci_cap *cap)
{
	uint32_t head;

	if (!it->pos)
		return 0;
	if (!visit(it, PCI_EXT_CAP_START))
		return -EIO;
	head = conf_read(it->c, it->pos, 4);
	if (head == UINT32_MAX)
		return -EIO;
	/* No capability at all: ID 0 or all-ones, and no next (§7.6.1). */
	if (!head || head == PCI_VENDOR_ID_NONE) {
		it->pos = 0;
		return 0;
	}
	*cap = (struct pci_cap){ .pos = it->pos,
				 .id = PCI_EXT_CAP_ID(head),
				 .version = PCI_EXT_CAP_VER(head),
				 .extended = true };
	it->pos = PCI_EXT_CAP_NEXT(head);
	return 1;
}

int cap_next(struct cap_iter *it, struct pci_cap *cap)
{
	int ret = it->extended ? next_extended(it, cap)
			       : next_standard(it, cap);

	if (!ret && !it->extended && it->size > PCI_CFG_SPACE_SIZE) {
		it->extended = true;
		it->pos = PCI_EXT_CAP_START;
		it->left = MAX_EXT_CAPS;
		ret = next_extended(it, cap);
	}
	if (ret < 0)
		it->pos = 0;
	return ret;
}

int pci_caps(pci_sbdf_t sbdf, struct pci_cap *cap, unsigned int max,
	     unsigned int *count)
{
	struct cap_iter it;
	struct pci_cap one;
	struct conf c;
	int ret;

	*count = 0;
	ret = conf_open(&c, sbdf);
	if (ret)
		return ret;
	if (conf_absent(&c)) {
		ret = c.err ? c.err : -ENODEV;
		goto out;
	}
	cap_begin(&it, &c, conf_size(&c));
	if (it.size < PCI_CFG_SPACE_SIZE) {
		ret = -ENODATA;
		goto out;
	}
	while ((ret = cap_next(&it, &one)) > 0) {
		if (*count < max)
			cap[*count] = one;
		++*count;
	}
	if (!ret)
		ret = c.err ? c.err : (int)*count;
out:
	conf_close(&c);
	return ret;
}

static uint16_t find(pci_sbdf_t sbdf, bool extended, uint16_t id)
{
	struct cap_iter it;
	struct pci_cap cap;
	uint16_t pos = 0;
	struct conf c;
	int ret;

	if (conf_open(&c, sbdf))
		return 0;
	cap_begin(&it, &c, conf_size(&c));
	do {
		ret = cap_next(&it, &cap);
		if (ret > 0 && cap.extended == extended && cap.id == id)
			pos = cap.pos;
		/* A broken list is passed over if it is not the one. */
	} while (!pos && ret);
	conf_close(&c);
	return pos;
}

uint16_t pci_find_cap(pci_sbdf_t sbdf, uint8_t id)
{
	return find(sbdf, false, id);
}

uint16_t pci_find_ext_cap(pci_sbdf_t sbdf, uint16_t id)
{
	return find(sbdf, true, id);
}
