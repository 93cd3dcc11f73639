/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors of one device, as the files of core/irq see them.
 *
 * A set is what one user has bound: the host with one pci_irq_bind(), or a
 * guest all of a kind that the device has, of which those have a host vector
 * that the guest wants now. All but what is fixed or atomic is under
 * pdev->lock. Sets are freed a grace period after they were closed, and with
 * them the reference on the domain: who found a descriptor in a section can
 * tell its receiver.
 */
#ifndef CORE_IRQ_INTERNAL_H
#define CORE_IRQ_INTERNAL_H

#include <holdfast/irq.h>

#include "config/internal.h"
#include "irq/guest.h"

enum { IRQ_KINDS = PCI_VECTOR_MSIX + 1 };

/* pci_irq.word; deliver.c has the rules. */
enum {
	IRQ_ON = 1 << 0,      /* it has a host vector, and is enabled */
	IRQ_HOST = 1 << 1,    /* masked by pci_irq_mask() */
	IRQ_GUEST = 1 << 2,   /* masked by the guest */
	IRQ_PENDING = 1 << 3, /* has come, and nobody was told yet */
	IRQ_CLOSED = 1 << 4,  /* for good: nobody is told any more */
	IRQ_MASKS = IRQ_HOST | IRQ_GUEST,
};

struct irq_set;

/*
 * One vector, and of MSI-X also one allocation; MSI's first one stands for all
 * of a set.
 */
struct pci_irq {
	struct irq_set *set; /* fixed */
	hf_atomic(uint32_t) word;
	uint16_t index;             /* fixed: in the device */
	uint16_t count;             /* host vectors allocated; 0: none */
	bool failed;                /* a guest's: there was none */
	struct msi_message message; /* while allocated */
};

struct irq_set {
	struct list_head entry;    /* pci_irqs.sets */
	struct pci_irqs *irqs;     /* fixed */
	enum pci_vector_kind kind; /* fixed */
	struct domain *domain;     /* fixed; owns a reference; NULL: the host */
	pci_irq_fn *fn;            /* fixed: the host's */
	void *data;                /* fixed */
	uint64_t table, pba;       /* fixed: MSI-X, host-physical */
	bool told;                 /* of a failure, since the last success */
	struct plat_rcu_head rcu;
	unsigned int n; /* fixed */
	struct pci_irq irq[];
};

/* pdev->irqs. Lives as long as the device, so longer than any section in which
 * a vector of it can come: those are given back before it is unpublished. */
struct pci_irqs {
	struct pci_dev *pdev;  /* fixed */
	uint16_t msi_flags;    /* fixed: what the capability has */
	bool usable;           /* fixed: its host has a controller */
	bool waits;            /* who owns op: for handlers to return */
	bool msi_on, msix_on;  /* in hardware, by us */
	bool prepared;         /* pci_prepare_msix() */
	bool refused;          /* the host did not write what it was told */
	uint32_t table, pba;   /* fixed: the registers of MSI-X */
	struct list_head sets; /* irq_set.entry */
	hf_atomic(struct irq_set *) guest[IRQ_KINDS]; /* listed, too; or NULL */
	struct pci_hold *hold;    /* kind IRQ; linked while guest_bound */
	unsigned int guest_bound; /* host vectors of these */
	plat_gp_t grace;          /* of .waits */
	hf_atomic(uint64_t) delivered, suppressed;
};

PCI_EACH_DEVICE(sizeof(struct pci_irqs), 96);

extern struct pci_irq_options irq_options; /* off without pci_irq_init() */

/* --- deliver.c ------------------------------------------------------------------ */

/*
 * Take @clear out of the word and put @set in. True: it can be delivered now
 * and something was pending: the caller tells, once.
 */
bool irq_change(struct pci_irq *v, uint32_t clear, uint32_t set) __must_check;
/* In a section; the lock may be held for a guest's. */
void irq_tell(struct pci_irq *v);

static inline uint32_t irq_word(struct pci_irq *v)
{
	return hf_load_acquire(&v->word);
}

/* --- hardware.c: what the device has been told; under pdev->lock, in a section ----
 * Nothing of a lost device is touched.
 */

/* Could the device send that? */
bool irq_hw_can_send(struct pci_irqs *irqs, enum pci_vector_kind kind,
		     const struct msi_message *message);
/* Address, data, masks, then enable. */
void irq_hw_msi_on(struct irq_set *set);
void irq_hw_msix_on(struct irq_set *set); /* every entry masked */
void irq_hw_off(struct pci_irqs *irqs, enum pci_vector_kind kind);
/* An entry of MSI-X that was masked: address, data, then its mask. */
void irq_hw_entry(struct pci_irq *v);
/* The mask bit follows the word, where there is one. */
void irq_hw_mask(struct pci_irq *v);
bool irq_hw_has_mask(const struct pci_irqs *irqs, enum pci_vector_kind kind);
/* As the device says in its pending bits of vectors @first to @first + 63. */
uint64_t irq_hw_pending(struct irq_set *set, unsigned int first);
/* Memory decode is off, and so the table cannot be reached. */
bool irq_hw_no_memory(struct pci_dev *pdev);
/*
 * Where table and PBA are, or for a @guest are put back by every reset; outside
 * locks. 0; -ENODATA in no memory BAR that is known; -ENODEV lost.
 */
int irq_hw_find_table(struct pci_irqs *irqs, bool guest, uint64_t *table,
		      uint64_t *pba);

/* --- set.c ------------------------------------------------------------------------ */

/* @d: whose, or NULL. Not listed. NULL: no memory. */
struct irq_set *irq_set_alloc(struct pci_irqs *irqs, enum pci_vector_kind kind,
			      unsigned int first, unsigned int n,
			      struct domain *d);
void irq_set_free(struct irq_set *set); /* never listed */

/* The rest: under pdev->lock, in a section. */

/* Host vectors for @v and, of MSI, the next. 0, -ENOSPC, -ENOMEM. */
int irq_get(struct pci_irq *v, unsigned int count) __must_check;
void irq_put(struct pci_irq *v); /* also of one that has none */
/*
 * All of a host's set, or none; then programmed and on. 0, -ENOSPC, -ENOMEM;
 * -EIO it cannot be programmed: a handler may have been called.
 */
int irq_set_start(struct irq_set *set) __must_check;
/* Off in hardware, and no host vector any more; it stays listed. */
void irq_set_stop(struct irq_set *set);
/* The same, unlisted, for good; freed a grace period later. */
void irq_set_close(struct irq_set *set);
/* Program anew all that is bound. */
void irq_program(struct pci_irqs *irqs);
/* The vector, if it is bound; or NULL. */
struct pci_irq *irq_find(struct pci_irqs *irqs, enum pci_vector_kind kind,
			 unsigned int index);
/* How many host vectors the device has of a kind. */
unsigned int irq_bound(struct pci_irqs *irqs, enum pci_vector_kind kind);
/* Of all devices. */
extern hf_atomic(uint64_t) irq_total;

/* --- guest.c ------------------------------------------------------------------------ */

/* The sets and the hold for @d; outside locks. 0, -ENOMEM. */
int irq_guest_enter(struct pci_irqs *irqs, struct domain *d) __must_check;
/* Take a guest's vectors (@d: if it is this one's). Any number of times. */
void irq_guest_take(struct pci_irqs *irqs, struct domain *d, bool cut);

#endif
