/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: creating, finding, counting. Their death is here too; moving
 * devices between them is in owner.c.
 *
 * The list of domains has a leaf lock of its own. A listed domain has at least
 * the list's reference, so a reader under that lock may simply take one more;
 * a reader that came by pdev->owner in a section uses domain_tryget().
 */
#include "device/internal.h"

struct domain *hardware_domain, *dom_io, *dom_hidden;

static struct pci_lock list_lock; /* LOCK_LEAF; guards domains */
static struct list_head domains;  /* domain.entry, by ascending id */

static const struct domain_ops no_ops;

/* --- references ------------------------------------------------------------ */

void domain_get(struct domain *d)
{
	hf_fetch_add_relaxed(&d->refs, 1);
}

bool domain_tryget(struct domain *d)
{
	uint32_t refs = hf_load_relaxed(&d->refs);

	do {
		if (!refs)
			return false;
	} while (!hf_cas_acquire(&d->refs, &refs, refs + 1));
	return true;
}

static void domain_free(struct domain *d)
{
	pci_stages_domain_gone(d);
	pci_table_free(&d->table);
	plat_event_destroy(&d->event);
	pci_lock_destroy(&d->lock);
	plat_free(d);
}

static void free_after_grace(struct plat_rcu_head *head)
{
	struct domain *d = container_of(head, struct domain, rcu);

	if (d->ops->destroyed)
		d->ops->destroyed(d->data);
	domain_free(d);
}

void domain_put(struct domain *d)
{
	if (!d || hf_fetch_sub_release(&d->refs, 1) != 1)
		return;
	(void)hf_load_acquire(&d->refs);
	plat_rcu_call(&d->rcu, free_after_grace);
}

/* --- the list ---------------------------------------------------------------- */

static bool name_is_valid(const char *name)
{
	size_t n;

	for (n = 0; name[n]; n++)
		if (n == PCI_WHO_LEN - 1 || name[n] < '!' || name[n] > '~')
			return false;
	return n > 0;
}

static bool same_name(const struct domain *d, const char *name)
{
	size_t i;

	for (i = 0; d->name[i] && d->name[i] == name[i]; i++)
		;
	return d->name[i] == name[i];
}

static struct domain *domain_alloc(const char *name,
				   const struct domain_ops *ops, void *data)
{
	struct domain *d = plat_zalloc(sizeof(*d));
	size_t i;

	if (!d)
		return NULL;
	for (i = 0; name[i]; i++)
		d->name[i] = name[i];
	d->ops = ops ? ops : &no_ops;
	d->data = data;
	hf_init(&d->refs, 1); /* the list's */
	list_init(&d->devices);
	plat_event_init(&d->event);
	return d;
}

/*
 * Under list_lock: the place before which @id (0: the lowest free one, which
 * becomes *@id) belongs; NULL if id or name is taken, or no id below the
 * special domains' is free.
 */
static struct list_head *find_place(unsigned int *id, const char *name)
{
	unsigned int free_id = DOMID_FIRST_GUEST;
	struct list_head *place = NULL;
	struct domain *d;

	list_for_each(d, &domains, struct domain, entry) {
		if (same_name(d, name) || (*id && d->id == *id))
			return NULL;
		if (*id ? d->id > *id : d->id > free_id) {
			if (!place)
				place = &d->entry;
		} else if (d->id == free_id) {
			free_id++;
		}
	}
	if (!*id)
		*id = free_id;
	return place;
}

static int domain_insert(struct domain *d, unsigned int id)
{
	struct list_head *place;

	pci_lock(&list_lock);
	place = find_place(&id, d->name);
	if (place) {
		d->id = id;
		pci_lock_init(&d->lock, LOCK_DOMAIN, "domain", id);
		list_add_tail(&d->entry, place);
		domain_get(d); /* the caller's */
	}
	pci_unlock(&list_lock);
	return place ? 0 : -EEXIST;
}

static void tell(const struct domain *d, const char *what)
{
	char text[PCI_WHO_LEN + 16];
	size_t n = 0;
	const char *s;

	for (s = d->name; *s; s++)
		text[n++] = *s;
	for (s = what; *s; s++)
		text[n++] = *s;
	text[n] = '\0';
	pci_event_post(PCI_EVENT_DOMAIN, pci_sbdf_from(0), 0, text);
}

int domain_create(unsigned int id, const char *name,
		  const struct domain_ops *ops, void *data, struct domain **out)
{
	struct domain *d;
	int err;

	if (id >= DOMID_IO || !name || !name_is_valid(name))
		return -EINVAL;
	d = domain_alloc(name, ops, data);
	if (!d)
		return -ENOMEM;
	err = domain_insert(d, id);
	if (err) {
		plat_event_destroy(&d->event);
		plat_free(d);
		return err;
	}
	tell(d, " created");
	*out = d;
	return 0;
}

struct domain *domain_next(unsigned int *id)
{
	struct domain *d, *found = NULL;

	pci_lock(&list_lock);
	list_for_each(d, &domains, struct domain, entry) {
		if (d->id > *id) {
			found = d;
			domain_get(d);
			break;
		}
	}
	pci_unlock(&list_lock);
	if (found)
		*id = found->id;
	return found;
}

struct domain *domain_get_by_id(unsigned int id)
{
	struct domain *d, *found = NULL;

	pci_lock(&list_lock);
	list_for_each(d, &domains, struct domain, entry) {
		if (d->id == id) {
			found = d;
			domain_get(d);
			break;
		}
	}
	pci_unlock(&list_lock);
	return found;
}

struct domain *domain_get_by_name(const char *name)
{
	struct domain *d, *found = NULL;

	pci_lock(&list_lock);
	list_for_each(d, &domains, struct domain, entry) {
		if (same_name(d, name)) {
			found = d;
			domain_get(d);
			break;
		}
	}
	pci_unlock(&list_lock);
	return found;
}

unsigned int domain_id(const struct domain *d)
{
	return d->id;
}

const char *domain_name(const struct domain *d)
{
	return d->name;
}

void *domain_data(const struct domain *d)
{
	return d->data;
}

bool domain_is_special(const struct domain *d)
{
	return d == hardware_domain || d == dom_io || d == dom_hidden;
}

bool domain_is_dying(struct domain *d)
{
	return hf_load_acquire(&d->dying);
}

unsigned int domain_devices(struct domain *d)
{
	unsigned int n;

	pci_lock(&d->lock);
	n = d->ndevices;
	pci_unlock(&d->lock);
	return n;
}

/* --- death ---------------------------------------------------------------------- */

/* Any device of @d, counted; NULL: it has none. */
static struct pci_dev *any_device(struct domain *d)
{
	struct pci_dev *pdev = NULL;

	pci_lock(&d->lock);
	if (!list_empty(&d->devices)) {
		pdev = list_first(&d->devices, struct pci_dev, domain_entry);
		/* On the list, so the registry's reference is there: one more. */
		pcidev_get(pdev);
	}
	pci_unlock(&d->lock);
	return pdev;
}

/*
 * Until none is left: at once what no operation keeps, so that a bad device
 * never keeps the others; then wait for the operations. The event is cleared
 * before the tests; a device that leaves and an operation that ends both set
 * it.
 */
static void take_devices(struct domain *d)
{
	struct pci_dev *pdev;

	plat_event_clear(&d->event);
	for (pcidev_take_idle(d); (pdev = any_device(d)); pcidev_take_idle(d)) {
		int err = -EAGAIN;

		if (pcidev_is_lost(pdev))
			err = pci_instance_lost(pdev->desc.sbdf,
						pdev->instance);
		pcidev_put(pdev);
		if (err == -EAGAIN || err == -EALREADY) {
			plat_event_wait(&d->event, PLAT_FOREVER);
			plat_event_clear(&d->event);
		}
	}
}

int domain_destroy(struct domain *d)
{
	bool dying;

	if (domain_is_special(d))
		return -EINVAL;
	pci_lock(&d->lock);
	dying = hf_load_relaxed(&d->dying);
	hf_store_release(&d->dying, 1);
	pci_unlock(&d->lock);
	if (dying)
		return -EALREADY;
	pci_stages_domain_dying(d);
	take_devices(d);
	pci_stages_domain_empty(d);
	pci_lock(&list_lock);
	list_del(&d->entry);
	pci_unlock(&list_lock);
	tell(d, " destroyed");
	domain_put(d); /* the list's */
	return 0;
}

/* --- start and end ---------------------------------------------------------------- */

static struct domain *special(unsigned int id, const char *name)
{
	struct domain *d = domain_alloc(name, NULL, NULL);

	if (!d)
		return NULL;
	d->id = id;
	pci_lock_init(&d->lock, LOCK_DOMAIN, name, id);
	list_add_tail(&d->entry, &domains);
	return d;
}

void pci_hardware_domain_ops(const struct domain_ops *ops)
{
	hardware_domain->ops = ops;
}

int pci_domains_init(void)
{
	list_init(&domains);
	pci_lock_init(&list_lock, LOCK_LEAF, "domain list", 0);
	hardware_domain = special(DOMID_HARDWARE, "hardware");
	dom_io = special(DOMID_IO, "quarantine");
	dom_hidden = special(DOMID_HIDDEN, "hidden");
	if (hardware_domain && dom_io && dom_hidden)
		return 0;
	pci_domains_free();
	return -ENOMEM;
}

void pci_domains_free(void)
{
	while (!list_empty(&domains)) {
		struct domain *d = list_first(&domains, struct domain, entry);

		list_del(&d->entry);
		domain_put(d);
	}
	pci_lock_destroy(&list_lock);
	hardware_domain = dom_io = dom_hidden = NULL;
}
