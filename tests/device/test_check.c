/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_check_invariants(): each rule broken by hand, found, and named. What the
 * other tests end with would prove nothing if this did not fail.
 */
#include "support.h"

/* --- what is logged (--wrap=plat_log) ------------------------------------------- */

static char logged[1000];

void __wrap_plat_log(enum plat_level level, const char *fmt, ...)
	hf_printf_like(2, 3);

void __wrap_plat_log(enum plat_level level, const char *fmt, ...)
{
	size_t n = strlen(logged);
	va_list args;

	(void)level;
	va_start(args, fmt);
	vsnprintf(logged + n, sizeof(logged) - n, fmt, args);
	va_end(args);
}

/* --- a world, and how it was ----------------------------------------------------- */

static struct pci_dev *pf, *vf, *lone, *given;
static struct domain *owner;
static struct pci_hold *pin;

static struct {
	struct pci_dev pf, vf, lone, given;
	struct domain owner, host;
	struct pci_hold pin, child;
} was;

static void save(void)
{
	was.pf = *pf;
	was.vf = *vf;
	was.lone = *lone;
	was.given = *given;
	was.owner = *owner;
	was.host = *hardware_domain;
	was.pin = *pin;
	was.child = *vf->parent_hold;
}

static void put_back(void)
{
	*pf = was.pf;
	*vf = was.vf;
	*lone = was.lone;
	*given = was.given;
	*owner = was.owner;
	*hardware_domain = was.host;
	*pin = was.pin;
	*vf->parent_hold = was.child;
	pci_table_set(&lone->pseg->table, pci_sbdf(0, 2, 0, 0), lone);
	list_init(&lone->pseg->revoking);
	hf_store_relaxed(&lone->pseg->unknown, 0);
	test_stage.check_says = NULL;
}

/* --- the breaches ------------------------------------------------------------------ */

static struct list_head elsewhere;

static void hold_unlisted(void)
{
	pin->listed = false;
}

static void hold_of_another(void)
{
	hf_store_relaxed(&pin->pdev, lone);
}

static void child_of_another(void)
{
	vf->parent = lone;
}

static void child_unpublished(void)
{
	vf->parent_hold->child = given;
	given->parent = pf;
	given->desc.sbdf.devfn = 0xf8;
}

static void holds_miscounted(void)
{
	pf->nholds++;
}

static void children_miscounted(void)
{
	pf->nchildren--;
}

static void assigned_by_another_hold(void)
{
	pin->kind = PCI_HOLD_ASSIGNED;
}

static void assigned_twice(void)
{
	lone->assigned = pin;
}

static void guests_without_a_hold(void)
{
	given->assigned = NULL;
}

static void too_few_references(void)
{
	hf_store_relaxed(&pf->life.word, life_word(PCI_STATE_LIVE, 2));
}

static void nobodys(void)
{
	hf_store_relaxed(&lone->owner, NULL);
}

static void view_left_over(void)
{
	hf_store_relaxed(&lone->view, hf_load_relaxed(&given->view));
}

static void elsewhere_in_the_guest(void)
{
	given->vsbdf.devfn ^= 8;
}

static void still_returning(void)
{
	lone->returning = PCI_RETURN_BEGUN;
}

static void at_another_address(void)
{
	lone->desc.sbdf.devfn = 1;
}

static void in_another_segment(void)
{
	lone->desc.sbdf.seg = 1;
}

static void of_another_segment(void)
{
	static struct pci_segment other;

	other.table = lone->pseg->table;
	lone->pseg = &other;
}

static void not_live(void)
{
	hf_store_relaxed(&lone->life.word, life_word(PCI_STATE_DRAINING, 2));
}

static void operation_left_over(void)
{
	lone->op = PCI_OP_RESET;
}

static void removal_left_over(void)
{
	lone->removal = (struct pci_removal *)&elsewhere;
}

static void in_a_removal(void)
{
	list_add_tail(&lone->removal_entry, &elsewhere);
}

static void in_a_revocation(void)
{
	list_add_tail(&lone->revoking_entry, &elsewhere);
}

static void slot_in_revocation(void)
{
	list_add_tail(&elsewhere, &lone->pseg->revoking);
}

static void rule_of_a_stage(void)
{
	test_stage.check_says = "a rule of the test";
}

static void on_another_list(void)
{
	hf_store_relaxed(&lone->owner, dom_io);
}

static void unpublished(void)
{
	pci_table_set(&lone->pseg->table, pci_sbdf(0, 2, 0, 0), NULL);
}

static void domain_miscounts(void)
{
	owner->ndevices++;
}

static void on_no_list(void)
{
	list_del(&lone->domain_entry);
	hardware_domain->ndevices--;
}

static void below_no_bridge(void)
{
	pf->desc.buses_unknown = true;
	hf_store_relaxed(&pf->pseg->unknown, 1);
}

static const struct {
	void (*breach)(void);
	unsigned int broken;
	const char *says;
} rule[] = {
	{ hold_unlisted, 1, "a hold that is not its own" },
	{ hold_of_another, 1, "a hold that is not its own" },
	{ child_of_another, 1, "a child that is not there" },
	{ child_unpublished, 3, "a child that is not there" },
	{ holds_miscounted, 1, "0000:01:00.0: holds miscounted" },
	{ children_miscounted, 1, "holds miscounted" },
	{ assigned_by_another_hold, 1, "assigned more or less than once" },
	{ assigned_twice, 2, "assigned more or less than once" },
	{ guests_without_a_hold, 2, "a guest's without a hold" },
	{ too_few_references, 1, "fewer references than holds" },
	{ nobodys, 2, "0000:02:00.0: nobody's" },
	{ view_left_over, 1, "a guest's view is left over" },
	{ elsewhere_in_the_guest, 1, "not where its owner sees it" },
	{ still_returning, 1, "left in quarantine by a removal" },
	{ at_another_address, 2, "at another's address" },
	{ in_another_segment, 1, "at another's address" },
	{ of_another_segment, 1, "at another's address" },
	{ not_live, 1, "published and not live" },
	{ operation_left_over, 1, "an operation is left over" },
	{ removal_left_over, 1, "an operation is left over" },
	{ in_a_removal, 1, "on a list of the departing" },
	{ in_a_revocation, 1, "on a list of the departing" },
	{ slot_in_revocation, 1, "slots are still being revoked" },
	{ rule_of_a_stage, 4, "a rule of the test" },
	{ on_another_list, 1, "on a list that is not its owner's" },
	{ unpublished, 2, "on a list and not published" },
	{ domain_miscounts, 1, "domain vm1: 1 devices, not 2" },
	{ on_no_list, 1, "4 devices, 3 listed" },
	{ below_no_bridge, 2, "0000:02:00.0: behind a bridge, on its own" },
};

static void test_every_breach_is_found_and_named(void **state)
{
	unsigned int i;

	(void)state;
	add("0:1:0.0");
	add_child("0:1:0.1", "0:1:0.0");
	add("0:2:0.0");
	add("0:3:0.0");
	owner = guest("vm1", NULL);
	assign(owner, "0:3:0.0");
	pf = get("0:1:0.0");
	vf = get("0:1:0.1");
	lone = get("0:2:0.0");
	given = get("0:3:0.0");
	assert_int_equal(pci_hold_take(pf, PCI_HOLD_PIN, "p", NULL, NULL, &pin),
			 0);
	assert_int_equal(pci_check_invariants(), 0);
	for (i = 0; i < ARRAY_SIZE(rule); i++) {
		unsigned int broken;

		list_init(&elsewhere);
		memset(logged, 0, sizeof(logged));
		save();
		rule[i].breach();
		broken = pci_check_invariants();
		put_back();
		if (broken != rule[i].broken || !strstr(logged, rule[i].says))
			fail_msg("%u broken, of which %s: %s", broken,
				 rule[i].says, logged);
		assert_int_equal(pci_check_invariants(), 0);
	}
	assert_true(pci_hold_release(pin));
	pcidev_put(pf);
	pcidev_put(vf);
	pcidev_put(lone);
	pcidev_put(given);
	end_of(owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_every_breach_is_found_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
