/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest threads. They hold no reference on any device between accesses: what
 * they know of one is the address at which the guest saw it, as a guest does.
 *
 * The list of devices grows under the lock and is read without it, as far as
 * count says; entries stay. Each device is written by one thread only, so
 * that a value read back is the one written.
 */
#include <stdio.h>
#include <time.h>

#include <holdfast/vpci.h>

#include "internal.h"
#include "traffic.h"

#define LOOK_EVERY (5 * PLAT_NSEC_PER_MSEC)
#define AGAIN_PAUSE 50000 /* nanoseconds */

struct counts {
	hf_atomic(uint64_t) reads, writes, again, all_ones, violations, last;
};

struct device {
	uint32_t guest; /* fixed */
	hf_atomic(uint32_t) sbdf;
	hf_atomic(uint64_t) instance;
	hf_atomic(uint32_t) is_vf;
	struct counts counts;
};

struct worker {
	struct fabric_traffic *traffic;
	unsigned int index;
	pthread_t thread;
	struct vpci_vcpu vcpu;
	uint8_t value; /* the last one written */
	struct counts counts;
};

struct fabric_traffic {
	struct fabric *fabric;
	struct domain *domain; /* owns a reference */
	unsigned int threads, rate;
	uint64_t started;
	hf_atomic(uint32_t) stop;
	pthread_mutex_t lock;      /* who adds devices */
	uint64_t looked;           /* under lock */
	hf_atomic(uint32_t) count; /* of device[] */
	struct device device[FABRIC_TRAFFIC_MAX_DEVICES];
	struct worker worker[FABRIC_TRAFFIC_MAX_THREADS];
};

static void doze(uint64_t nanoseconds)
{
	struct timespec ts = {
		.tv_sec = (time_t)(nanoseconds / PLAT_NSEC_PER_SEC),
		.tv_nsec = (long)(nanoseconds % PLAT_NSEC_PER_SEC),
	};

	nanosleep(&ts, NULL);
}

/* --- which devices -------------------------------------------------------- */

static void remember(struct fabric_traffic *t, const struct pci_dev_info *info)
{
	pci_sbdf_t guest = info->has_vsbdf ? info->vsbdf : info->desc.sbdf;
	uint32_t n = hf_load_relaxed(&t->count), i = 0;
	struct device *dev;

	while (i < n && t->device[i].guest != guest.sbdf)
		i++;
	if (i == FABRIC_TRAFFIC_MAX_DEVICES)
		return;
	dev = &t->device[i];
	if (i == n)
		dev->guest = guest.sbdf;
	hf_store_relaxed(&dev->sbdf, info->desc.sbdf.sbdf);
	hf_store_relaxed(&dev->is_vf, info->desc.is_vf);
	hf_store_release(&dev->instance, info->instance);
	if (i == n)
		hf_store_release(&t->count, n + 1);
}

static void look_around(struct fabric_traffic *t)
{
	struct pci_dev *pdev = NULL;
	struct pci_dev_info info;

	if (pthread_mutex_trylock(&t->lock))
		return; /* somebody else is at it */
	if (plat_now() - t->looked > LOOK_EVERY) {
		while ((pdev = domain_next_pdev(t->domain, pdev))) {
			pcidev_query(pdev, &info);
			if (info.owner == domain_id(t->domain))
				remember(t, &info);
		}
		t->looked = plat_now();
	}
	pthread_mutex_unlock(&t->lock);
}

/* --- judging -------------------------------------------------------------- */

/* What was true before an access. */
struct before {
	uint64_t epoch, time, instance;
	pci_sbdf_t sbdf;
};

static struct before note(struct fabric_traffic *t, struct device *dev)
{
	return (struct before){
		.epoch = fabric_epoch(t->fabric),
		.time = plat_now(),
		.instance = hf_load_acquire(&dev->instance),
		.sbdf = pci_sbdf_from(hf_load_relaxed(&dev->sbdf)),
	};
}

/* Has the domain had it, without a break, since then? */
static bool assigned_since(pci_sbdf_t sbdf, uint64_t time)
{
	struct pci_hold_info hold[8];
	int n = pci_holds_query(sbdf, hold, ARRAY_SIZE(hold));

	for (int i = 0; i < n && i < (int)ARRAY_SIZE(hold); i++)
		if (hold[i].kind == PCI_HOLD_ASSIGNED)
			return hold[i].since <= time;
	return false;
}

/* Should the device have answered as ever? */
static bool was_there(struct fabric_traffic *t, struct device *dev,
		      const struct before *b)
{
	unsigned int id = domain_id(t->domain);
	struct pci_dev_info info;

	if (!fabric_sound(t->fabric, b->sbdf) || pci_query(b->sbdf, &info))
		return false;
	if (info.instance != b->instance || info.owner != id || info.lost ||
	    (info.state != PCI_STATE_LIVE && info.state != PCI_STATE_DRAINING))
		return false;
	if (id != DOMID_HARDWARE &&
	    (!info.has_vsbdf || info.vsbdf.sbdf != dev->guest ||
	     !assigned_since(b->sbdf, b->time)))
		return false;
	return fabric_epoch(t->fabric) == b->epoch;
}

static void judge(struct worker *w, struct device *dev, const struct before *b,
		  const char *what)
{
	struct fabric_traffic *t = w->traffic;
	char guest[PCI_SBDF_LEN];

	if (!was_there(t, dev, b))
		return;
	hf_fetch_add_relaxed(&w->counts.violations, 1);
	hf_fetch_add_relaxed(&dev->counts.violations, 1);
	fabric_violation(t->fabric, b->sbdf, "%s for domain %s at %s", what,
			 domain_name(t->domain),
			 pci_sbdf_print(guest, pci_sbdf_from(dev->guest)));
}

/* --- accesses ------------------------------------------------------------- */

static bool stopped(struct fabric_traffic *t)
{
	return hf_load_acquire(&t->stop);
}

static void again(struct worker *w, struct device *dev)
{
	hf_fetch_add_relaxed(&w->counts.again, 1);
	hf_fetch_add_relaxed(&dev->counts.again, 1);
	doze(AGAIN_PAUSE);
}

/* False: told to retry to the end. */
static bool guest_read(struct worker *w, struct device *dev, uint16_t reg,
		       uint8_t size, uint64_t *val)
{
	struct fabric_traffic *t = w->traffic;
	uint64_t now;

	while (vpci_read(t->domain, pci_sbdf_from(dev->guest), reg, size,
			 val) == PCI_AGAIN) {
		again(w, dev);
		if (stopped(t))
			return false;
	}
	now = plat_now();
	hf_fetch_add_relaxed(&w->counts.reads, 1);
	hf_fetch_add_relaxed(&dev->counts.reads, 1);
	hf_store_relaxed(&w->counts.last, now);
	hf_store_relaxed(&dev->counts.last, now);
	return true;
}

static bool guest_write(struct worker *w, struct device *dev, uint16_t reg,
			uint8_t size, uint32_t val)
{
	struct fabric_traffic *t = w->traffic;

	while (vpci_write(&w->vcpu, pci_sbdf_from(dev->guest), reg, size,
			  val) == PCI_AGAIN ||
	       vpci_process_pending(&w->vcpu, NULL) == PCI_AGAIN) {
		again(w, dev);
		if (stopped(t))
			return false;
	}
	hf_fetch_add_relaxed(&w->counts.writes, 1);
	hf_fetch_add_relaxed(&dev->counts.writes, 1);
	return true;
}

/* None of these is all-ones in a device; the last one not even in a VF. */
static const struct {
	uint16_t reg;
	uint8_t size;
} looks[] = {
	{ PCI_VENDOR_ID, 2 },
	{ PCI_STATUS, 2 },
	{ PCI_HEADER_TYPE, 1 },
	{ PCI_CLASS_REVISION, 4 },
};

static void read_one(struct worker *w, struct device *dev, uint64_t round)
{
	struct before b = note(w->traffic, dev);
	unsigned int i = hf_load_relaxed(&dev->is_vf)
				 ? ARRAY_SIZE(looks) - 1
				 : (unsigned int)(round % ARRAY_SIZE(looks));
	uint32_t ones = UINT32_MAX >> (32 - looks[i].size * 8);
	uint64_t val;

	if (!guest_read(w, dev, looks[i].reg, looks[i].size, &val) ||
	    val != ones)
		return;
	hf_fetch_add_relaxed(&w->counts.all_ones, 1);
	hf_fetch_add_relaxed(&dev->counts.all_ones, 1);
	judge(w, dev, &b, "all-ones");
}

/* A VF has no Interrupt Line: nothing to read back there. */
static void write_one(struct worker *w, struct device *dev)
{
	struct before b = note(w->traffic, dev);
	uint64_t val;

	w->value = (w->value + 1) & 0x7f;
	if (!guest_write(w, dev, PCI_INTERRUPT_LINE, 1, w->value) ||
	    !guest_read(w, dev, PCI_INTERRUPT_LINE, 1, &val) ||
	    hf_load_relaxed(&dev->is_vf))
		return;
	if (val == 0xff) {
		hf_fetch_add_relaxed(&w->counts.all_ones, 1);
		hf_fetch_add_relaxed(&dev->counts.all_ones, 1);
	}
	if (val != w->value)
		judge(w, dev, &b, "lost write");
}

/* --- the threads ---------------------------------------------------------- */

/* What a driver does, and what the device does for it. */
static void work_on(struct worker *w, unsigned int i, uint64_t round)
{
	struct fabric_traffic *t = w->traffic;
	struct device *dev = &t->device[i];
	pci_sbdf_t sbdf = pci_sbdf_from(hf_load_relaxed(&dev->sbdf));

	read_one(w, dev, round);
	if (i % t->threads != w->index || round % 4)
		return;
	if (domain_id(t->domain) != DOMID_HARDWARE)
		guest_write(w, dev, PCI_COMMAND, 2,
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	write_one(w, dev);
	(void)fabric_dma(t->fabric, sbdf);
	(void)fabric_interrupt(t->fabric, sbdf, 0);
}

static void *run(void *data)
{
	struct worker *w = data;
	struct fabric_traffic *t = w->traffic;
	unsigned int batch = t->rate / 1000 ? t->rate / 1000 : 1;
	uint64_t pause = batch * PLAT_NSEC_PER_SEC / t->rate, round = 0;

	while (!stopped(t)) {
		uint32_t n = hf_load_acquire(&t->count);

		if (round % batch == 0) {
			look_around(t);
			doze(pause);
		}
		if (n)
			work_on(w, (unsigned int)(round % n), round / n);
		round++;
	}
	return NULL;
}

static int start_threads(struct fabric_traffic *t, unsigned int threads)
{
	for (unsigned int i = 0; i < threads; i++) {
		struct worker *w = &t->worker[i];

		if (pthread_create(&w->thread, NULL, run, w)) {
			hf_store_release(&t->stop, 1);
			while (i--)
				pthread_join(t->worker[i].thread, NULL);
			return -ENOMEM;
		}
	}
	return 0;
}

int fabric_traffic_start(struct fabric *f, struct domain *d,
			 unsigned int threads, unsigned int rate,
			 struct fabric_traffic **out)
{
	struct fabric_traffic *t;

	if (threads > FABRIC_TRAFFIC_MAX_THREADS)
		return -EINVAL;
	t = plat_zalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	domain_get(d);
	t->fabric = f;
	t->domain = d;
	t->threads = threads ? threads : FABRIC_TRAFFIC_THREADS;
	t->rate = rate ? rate : FABRIC_TRAFFIC_RATE;
	t->started = plat_now();
	pthread_mutex_init(&t->lock, NULL);
	for (unsigned int i = 0; i < t->threads; i++) {
		t->worker[i].traffic = t;
		t->worker[i].index = i;
		vpci_vcpu_init(&t->worker[i].vcpu, d);
	}
	if (start_threads(t, t->threads)) {
		fabric_traffic_free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void fabric_traffic_stop(struct fabric_traffic *t)
{
	if (stopped(t))
		return;
	hf_store_release(&t->stop, 1);
	for (unsigned int i = 0; i < t->threads; i++)
		pthread_join(t->worker[i].thread, NULL);
}

void fabric_traffic_free(struct fabric_traffic *t)
{
	if (!t)
		return;
	fabric_traffic_stop(t);
	for (unsigned int i = 0; i < t->threads; i++)
		vpci_vcpu_fini(&t->worker[i].vcpu);
	domain_put(t->domain);
	pthread_mutex_destroy(&t->lock);
	plat_free(t);
}

/* --- the report ----------------------------------------------------------- */

struct domain *fabric_traffic_domain(struct fabric_traffic *t)
{
	return t->domain;
}

static struct fabric_traffic_counts snapshot(const struct counts *c)
{
	struct counts *counts = (struct counts *)c;

	return (struct fabric_traffic_counts){
		.reads = hf_load_relaxed(&counts->reads),
		.writes = hf_load_relaxed(&counts->writes),
		.again = hf_load_relaxed(&counts->again),
		.all_ones = hf_load_relaxed(&counts->all_ones),
		.violations = hf_load_relaxed(&counts->violations),
		.last_read = hf_load_relaxed(&counts->last),
	};
}

void fabric_traffic_query(struct fabric_traffic *t,
			  struct fabric_traffic_info *out)
{
	*out = (struct fabric_traffic_info){
		.threads = t->threads,
		.devices = hf_load_acquire(&t->count),
		.rate = t->rate,
		.running = !stopped(t),
		.started = t->started,
	};
	for (unsigned int i = 0; i < t->threads; i++) {
		struct fabric_traffic_counts c = snapshot(&t->worker[i].counts);

		out->thread[i] = c;
		out->total.reads += c.reads;
		out->total.writes += c.writes;
		out->total.again += c.again;
		out->total.all_ones += c.all_ones;
		out->total.violations += c.violations;
		if (c.last_read > out->total.last_read)
			out->total.last_read = c.last_read;
	}
}

unsigned int fabric_traffic_devices(struct fabric_traffic *t,
				    struct fabric_traffic_device *out,
				    unsigned int max)
{
	unsigned int n = hf_load_acquire(&t->count);

	for (unsigned int i = 0; i < n && i < max; i++) {
		struct device *dev = &t->device[i];

		out[i] = (struct fabric_traffic_device){
			.guest = pci_sbdf_from(dev->guest),
			.sbdf = pci_sbdf_from(hf_load_relaxed(&dev->sbdf)),
			.instance = hf_load_acquire(&dev->instance),
			.counts = snapshot(&dev->counts),
		};
	}
	return n;
}
