/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every pair of public operations on one device: the table of ops.h, each with
 * each and with itself, "pairs/A+B". They run in the guest's world if both do
 * something there, else in the host's; where one is of use only in a world in
 * which the other is not, in the guest's: one of them waits for the other.
 *
 * After each schedule: each answer is 0 or excused by what the other does; the
 * card is where one of them left it, or where it was; what it had of a former
 * owner is gone; the invariants hold; the witness has seen nothing; nobody has
 * waited for a deadline. And each has come to its end at least once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/list.h>
#include <holdfast/pci_regs.h>

#include "pairs.h"

#define NOPS 64

struct pair {
	struct explore_scenario scenario;
	const struct op *op[2];
	bool guest; /* which world, */
	unsigned int modules;
	char name[48], rule[256];
};

static const struct op *table[NOPS];
static unsigned int nops;
static struct actor actors[2];
static uint64_t first; /* the card's instance at the beginning */

/* --- for the operations --------------------------------------------------------- */

static const struct pair *running(void)
{
	return container_of(explore_scenario(), const struct pair, scenario);
}

bool op_in_guest(void)
{
	return running()->guest;
}

bool op_other_card(const struct pci_dev_info *info)
{
	return info->instance != first;
}

struct domain *op_owner(void)
{
	return op_in_guest() ? guest_one : hardware_domain;
}

pci_sbdf_t op_address(void)
{
	return op_in_guest() ? GUEST_SLOT : CARD;
}

bool op_may(const struct actor *me, unsigned int does)
{
	return me->other->op->does & does;
}

bool op_done(const struct actor *me, unsigned int does)
{
	return me->other->ended && !me->other->result && op_may(me, does);
}

bool op_is_over(const struct actor *me)
{
	unsigned int own = op_in_guest() ? LEFT_ONE : LEFT_HOST;
	const struct actor *other = me->other;

	return other->ended && !other->result && other->left &&
	       !(other->left & own) && !op_may(me, ADDS);
}

int op_left(struct actor *me, int err, unsigned int left)
{
	if (!err)
		me->left |= left;
	else if (err == -EIO)
		me->left |= LEFT_IO;
	return err;
}

/* R21: nobody reaches the card for an owner that has lost it. */
static void witness(void)
{
	const struct actor *me = &actors[explore_self() & 1];

	if (explore_self() < 2 && me->op->traps && op_is_over(me))
		explore_fail("%s reaches the card after %s", me->op->name,
			     me->other->op->name);
}

/* --- one schedule ------------------------------------------------------------------ */

static void setup(void)
{
	const struct pair *pair = running();
	struct pci_dev_info info;
	unsigned int i;

	world_with(pair->modules);
	if (pair->guest)
		world_assigned();
	else
		world_guests();
	ensure(!pci_query(CARD, &info));
	first = info.instance;
	for (i = 0; i < 2; i++) {
		actors[i] = (struct actor){ .op = pair->op[i],
					    .other = &actors[!i],
					    .self = i };
		vpci_vcpu_init(&actors[i].vcpu, op_owner());
	}
	for (i = 0; i < 2; i++)
		if (pair->op[i]->prepare)
			pair->op[i]->prepare(&actors[i]);
	world_witness = witness;
}

static void run(void)
{
	struct actor *me = &actors[explore_self()];

	me->result = me->op->run(me);
	me->ended = true;
	if (!me->result || me->worked)
		explore_count(me->self);
}

static void check_answer(const struct actor *me)
{
	unsigned int reasons = ALWAYS | me->other->op->does, i;
	const struct excuse *excuse = me->op->excuse;

	if (op_in_guest())
		reasons |= IN_GUEST;
	for (i = 0; me->result && i < ARRAY_SIZE(me->op->excuse); i++)
		if (excuse[i].answer == me->result &&
		    excuse[i].because & reasons)
			return;
	if (me->result)
		explore_fail("%s answers %d, which %s does not excuse",
			     me->op->name, me->result, me->other->op->name);
}

static unsigned int owner_now(void)
{
	struct pci_dev_info info;

	if (pci_query(CARD, &info))
		return LEFT_NOBODY;
	ensure(info.op == PCI_OP_NONE);
	if (info.lost) { /* marked: the other half of it */
		ensure((actors[0].op->does | actors[1].op->does) & MARKS);
		ensure(!pci_device_lost(CARD));
		return LEFT_NOBODY;
	}
	ensure(info.state == PCI_STATE_LIVE);
	switch (info.owner) {
	case DOMID_HARDWARE:
		return LEFT_HOST;
	case DOMID_IO:
		return LEFT_IO;
	case DOMID_HIDDEN:
		return LEFT_HIDDEN;
	default:
		return info.owner == 1 ? LEFT_ONE : LEFT_TWO;
	}
}

/* Where one of them left it; nothing of it is with whom it is not. */
static void check_owner(void)
{
	unsigned int allowed = actors[0].left | actors[1].left;
	unsigned int is = owner_now();
	struct pci_iommu_info info;

	if (!allowed)
		allowed = op_in_guest() ? LEFT_ONE : LEFT_HOST;
	if (!(is & allowed))
		explore_fail("the card is with %#x, and was left with %#x", is,
			     allowed);
	ensure(domain_devices(guest_one) == (is == LEFT_ONE));
	ensure(domain_devices(guest_two) == (is == LEFT_TWO));
	if (is != LEFT_ONE)
		ensure(!world_mapped_at() && unit_dma() != UNIT_GUEST);
	if (is != LEFT_ONE && is != LEFT_TWO)
		ensure(!unit_vectors());
	if (is != LEFT_NOBODY && !pci_iommu_query(CARD, &info))
		ensure(!info.fault.master_off || !world_masters());
}

static void finish(void)
{
	unsigned int does = actors[0].op->does | actors[1].op->does;
	unsigned int i;

	world_witness = NULL;
	for (i = 0; i < 2; i++)
		check_answer(&actors[i]);
	/* A reset takes its time; of a mark alone nobody is told. */
	if (!(running()->modules & WORLD_RESET) && !(does & MARKS))
		world_in_time();
	for (i = 0; i < 2; i++)
		if (actors[i].op->undo)
			actors[i].op->undo(&actors[i]);
	check_owner();
	for (i = 0; i < 2; i++)
		vpci_vcpu_fini(&actors[i].vcpu);
	world_end();
}

/* --- the scenarios ------------------------------------------------------------------- */

static const struct op *const modules[] = { ops_device, ops_guest, ops_units };

static void collect(void)
{
	const struct op *op;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modules); i++)
		for (op = modules[i]; op->name; op++) {
			if (nops == NOPS) {
				fprintf(stderr,
					"explore: more than %d "
					"operations\n",
					NOPS);
				exit(2);
			}
			table[nops++] = op;
		}
}

static void make(struct pair *pair, const struct op *a, const struct op *b)
{
	unsigned int both = a->worlds & b->worlds;

	pair->op[0] = a;
	pair->op[1] = b;
	pair->guest = both != HOST;
	pair->modules = a->modules | b->modules;
	if (!pair->modules && (a->moves || b->moves))
		pair->modules = WORLD_IOMMU;
	snprintf(pair->name, sizeof(pair->name), "pairs/%s+%s", a->name,
		 b->name);
	snprintf(pair->rule, sizeof(pair->rule), "%s; %s", a->rule,
		 a == b ? "twice" : b->rule);
	pair->scenario = (struct explore_scenario){
		.name = pair->name,
		.rule = pair->rule,
		.setup = setup,
		.finish = finish,
		.thread = { { a->name, run },
			    { a == b ? "the_other" : b->name, run } },
	};
}

unsigned int pairs_count(void)
{
	if (!nops)
		collect();
	return nops * (nops + 1) / 2;
}

void pairs_scenarios(const struct explore_scenario **out)
{
	struct pair *pair = calloc(pairs_count(), sizeof(*pair));
	unsigned int i, j;

	if (!pair) {
		perror("explore: pairs");
		exit(2);
	}
	for (i = 0; i < nops; i++)
		for (j = i; j < nops; j++, pair++) {
			make(pair, table[i], table[j]);
			*out++ = &pair->scenario;
		}
}

/* --- the matrix ---------------------------------------------------------------------- */

/* How many digits its schedules have; or what is wrong with it. */
static char cell(const struct explore_result *r)
{
	char digits = '0';
	uint64_t n;

	if (!r->fine)
		return 'F';
	if (!r->count[0] || !r->count[1])
		return '-';
	for (n = r->schedules; n; n /= 10)
		digits++;
	return digits;
}

/* Two that have a world in common have both come to their end there. */
static bool idle(const struct explore_scenario *scenario,
		 const struct explore_result *r)
{
	const struct pair *pair =
		container_of(scenario, const struct pair, scenario);

	return r->fine && (!r->count[0] || !r->count[1]) &&
	       pair->op[0]->worlds & pair->op[1]->worlds;
}

static void print_head(void)
{
	unsigned int i;

	printf("\nPairs of operations: digits of the number of schedules that "
	       "both passed;\n- one was refused in all of them, F failed or "
	       "unfinished\n%20s",
	       "");
	for (i = 0; i < nops; i++)
		printf("%3u", i + 1);
	printf("\n");
}

static bool print_matrix(const struct explore_scenario *const *scenario,
			 const struct explore_result *r)
{
	bool good = true;
	unsigned int i, j;

	print_head();
	for (i = 0; i < nops; i++) {
		printf("%3u %-16s%*s", i + 1, table[i]->name, (int)(3 * i), "");
		for (j = i; j < nops; j++, r++, scenario++) {
			printf("%3c", cell(r));
			good &= !idle(*scenario, r);
		}
		printf("\n");
	}
	return good;
}

static void print_idle(const struct explore_scenario *const *scenario,
		       const struct explore_result *r)
{
	unsigned int i;

	for (i = 0; i < pairs_count(); i++)
		if (idle(scenario[i], &r[i]))
			printf("%s: one of them does nothing: FAILED\n",
			       scenario[i]->name);
}

bool pairs_summary(const struct explore_scenario *const *scenario,
		   const struct explore_result *r)
{
	unsigned int i;

	for (i = 0; i < pairs_count(); i++)
		if (!r[i].ran)
			return true;
	if (print_matrix(scenario, r)) {
		printf("\n");
		return true;
	}
	print_idle(scenario, r);
	return false;
}
