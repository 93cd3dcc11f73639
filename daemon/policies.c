/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See policies.h. The core uses a policy until another replaces it or the
 * device is unlisted; so an entry names the device by its instance, and one
 * whose device is gone is freed when the list is used next.
 */
#include "policies.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <holdfast/errno.h>
#include <holdfast/list.h>

#include "policy_file.h"

struct loaded {
	struct list_head entry;
	pci_sbdf_t sbdf;
	uint64_t instance;
	struct policy_file *file; /* owned */
};

static uv_mutex_t lock;
/* In SBDF order, one a device; guarded by lock. */
static struct list_head all = { &all, &all };

static void drop(struct loaded *l)
{
	list_del(&l->entry);
	policy_file_free(l->file);
	free(l);
}

/* Under lock. 0: nobody is there. */
static uint64_t instance_at(pci_sbdf_t sbdf)
{
	struct pci_dev_info info;

	return pci_query(sbdf, &info) ? 0 : info.instance;
}

/* Under lock. The first at or after @from whose device is there still. */
static struct loaded *find(pci_sbdf_t from)
{
	struct loaded *l = list_first(&all, struct loaded, entry);

	while (&l->entry != &all) {
		struct loaded *next =
			list_first(&l->entry, struct loaded, entry);

		if (instance_at(l->sbdf) != l->instance)
			drop(l);
		else if (l->sbdf.sbdf >= from.sbdf)
			return l;
		l = next;
	}
	return NULL;
}

/* Under lock. In its place, and instead of the one that was there. */
static void put(struct loaded *l)
{
	struct loaded *after = find(l->sbdf);

	if (!after) {
		list_add_tail(&l->entry, &all);
		return;
	}
	list_add_tail(&l->entry, &after->entry);
	if (after->sbdf.sbdf == l->sbdf.sbdf)
		drop(after);
}

/* Under lock. Takes over @l. */
static int set(pci_sbdf_t sbdf, struct loaded *l)
{
	uint64_t before = instance_at(sbdf);
	int err = vpci_policy_set(sbdf, policy_file_policy(l->file));

	l->sbdf = sbdf;
	l->instance = err ? 0 : instance_at(sbdf);
	if (!l->instance) {
		list_init(&l->entry);
		drop(l);
		return err ? err : -ENODEV;
	}
	put(l);
	/* Another came meanwhile: who knows which has it? Keep it for the later. */
	return l->instance == before ? 0 : -EAGAIN;
}

static int reset(pci_sbdf_t sbdf)
{
	struct loaded *l;
	int err;

	uv_mutex_lock(&lock);
	err = vpci_policy_set(sbdf, NULL);
	l = err ? NULL : find(sbdf);
	if (l && l->sbdf.sbdf == sbdf.sbdf)
		drop(l);
	uv_mutex_unlock(&lock);
	return err;
}

int policies_set(pci_sbdf_t sbdf, struct policy_file *file)
{
	struct loaded *l;
	int err;

	if (!file)
		return reset(sbdf);
	l = calloc(1, sizeof(*l));
	if (!l) {
		policy_file_free(file);
		return -ENOMEM;
	}
	l->file = file;
	uv_mutex_lock(&lock);
	err = set(sbdf, l);
	uv_mutex_unlock(&lock);
	return err;
}

bool policies_next(pci_sbdf_t from, pci_sbdf_t *sbdf, policies_fn fn,
		   void *data)
{
	struct loaded *l;

	uv_mutex_lock(&lock);
	l = find(from);
	if (l) {
		*sbdf = l->sbdf;
		fn(policy_file_policy(l->file), data);
	}
	uv_mutex_unlock(&lock);
	return l;
}

void policies_name(pci_sbdf_t sbdf, char name[PCI_WHO_LEN])
{
	const struct vpci_policy *policy = &vpci_policy_guest;
	struct loaded *l;

	uv_mutex_lock(&lock);
	l = find(sbdf);
	if (l && l->sbdf.sbdf == sbdf.sbdf)
		policy = policy_file_policy(l->file);
	snprintf(name, PCI_WHO_LEN, "%s", policy->name);
	uv_mutex_unlock(&lock);
}

void policies_init(void)
{
	uv_mutex_init(&lock);
}

void policies_free(void)
{
	while (!list_empty(&all))
		drop(list_first(&all, struct loaded, entry));
}
