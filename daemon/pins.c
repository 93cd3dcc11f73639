/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pins.h. A pin that is cut off (a forced removal, a loss) is told inside
 * a read-side section; so only its number is posted, and the loop releases it
 * if it is still there.
 */
#include "pins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <holdfast/errno.h>

#include "loop.h"
#include "state.h"

struct pin {
	struct list_head entry;
	uintptr_t id;
	pci_sbdf_t sbdf;
	struct pci_ident ident;
	struct pci_hold *hold;
	char who[PCI_WHO_LEN];
};

struct cut {
	struct post post;
	uintptr_t id;
};

static uv_mutex_t lock; /* guards all below */
static struct list_head pins = { &pins, &pins };
static uintptr_t last_id;

void pins_init(void)
{
	uv_mutex_init(&lock);
}

/* Under lock. */
static void release(struct pin *pin)
{
	list_del(&pin->entry);
	(void)pci_hold_release(pin->hold);
	free(pin);
}

static void cut_arrived(struct post *post)
{
	struct cut *cut = container_of(post, struct cut, post);
	struct pin *pin;

	uv_mutex_lock(&lock);
	list_for_each(pin, &pins, struct pin, entry) {
		if (pin->id == cut->id) {
			release(pin);
			break;
		}
	}
	uv_mutex_unlock(&lock);
	free(cut);
	state_touch();
}

/*
 * In a section. Without memory the pin stays on our list without an effect;
 * an unpin ends it.
 */
static void cut_off(struct pci_hold *hold, void *data)
{
	struct cut *cut = malloc(sizeof(*cut));

	(void)hold;
	if (!cut)
		return;
	cut->id = (uintptr_t)data;
	cut->post.run = cut_arrived;
	loop_post(&cut->post);
}

static const struct pci_hold_ops pin_ops = { .cut_off = cut_off };

/* Under lock. */
static struct pin *find(pci_sbdf_t sbdf)
{
	struct pin *pin;

	list_for_each(pin, &pins, struct pin, entry)
		if (pin->sbdf.sbdf == sbdf.sbdf)
			return pin;
	return NULL;
}

/* Under lock; @pdev: the caller owns a reference. */
static int take(struct pci_dev *pdev, const char *who)
{
	struct pin *pin = calloc(1, sizeof(*pin));
	int err;

	if (!pin)
		return -ENOMEM;
	pin->id = ++last_id;
	pin->sbdf = pcidev_sbdf(pdev);
	pin->ident = pcidev_desc(pdev)->ident;
	snprintf(pin->who, sizeof(pin->who), "%s", who);
	err = pci_hold_take(pdev, PCI_HOLD_PIN, pin->who, &pin_ops,
			    (void *)pin->id, &pin->hold);
	if (err)
		free(pin);
	else
		list_add_tail(&pin->entry, &pins);
	return err;
}

int pin_add(pci_sbdf_t sbdf, const char *who)
{
	struct pci_dev *pdev;
	int err;

	err = pci_lookup(NULL, sbdf, &pdev);
	if (err)
		return err;
	uv_mutex_lock(&lock);
	err = find(sbdf) ? -EEXIST : take(pdev, who);
	uv_mutex_unlock(&lock);
	pcidev_put(pdev);
	return err;
}

int pin_remove(pci_sbdf_t sbdf)
{
	struct pin *pin;

	uv_mutex_lock(&lock);
	pin = find(sbdf);
	if (pin)
		release(pin);
	uv_mutex_unlock(&lock);
	return pin ? 0 : -ENOENT;
}

void pins_each(void (*fn)(pci_sbdf_t sbdf, const struct pci_ident *ident,
			  const char *who, void *data),
	       void *data)
{
	struct pin *pin;

	uv_mutex_lock(&lock);
	list_for_each(pin, &pins, struct pin, entry)
		fn(pin->sbdf, &pin->ident, pin->who, data);
	uv_mutex_unlock(&lock);
}

void pins_free(void)
{
	uv_mutex_lock(&lock);
	while (!list_empty(&pins))
		release(list_first(&pins, struct pin, entry));
	uv_mutex_unlock(&lock);
	uv_mutex_destroy(&lock);
}
