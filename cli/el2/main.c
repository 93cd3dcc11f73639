// SPDX-License-Identifier: BSD-2-Clause
/* Verbs and arguments. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../duration.h"
#include "door.h"
#include "say.h"

/* 75 is sysexits.h EX_TEMPFAIL: in use, try again. */
enum { EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_BUSY = 75 };

enum { MOST_DEVICES = 1024, POLL_MS = 20, ADD_MS = 5000 };

struct args {
	uint32_t sbdf;
	bool has_sbdf;
	uint32_t flags;
	uint64_t timeout_ms;
	bool no_wait, follow;
	const char *who;
};

struct verb {
	const char *name, *args, *what;
	bool device;
	int (*run)(const struct args *args);
};

static union mgmt_answer answer;

/* --- asking ----------------------------------------------------------------------- */

static int ask(enum mgmt_verb verb, const struct args *args, uint32_t index)
{
	struct mgmt_request request = {
		.sbdf = args->sbdf,
		.index = index,
		.flags = args->flags,
		.timeout_ms = (uint32_t)args->timeout_ms,
	};

	snprintf(request.who, sizeof(request.who), "%s", args->who);
	return door_ask(verb, &request, &answer);
}

static const char *meaning(int err)
{
	switch (-err) {
	case ENODEV:
		return "there is no such device";
	case ENOENT:
		return "there is none";
	case EALREADY:
		return "a removal runs already";
	case EINPROGRESS:
		return "it is past the point of no return, and goes on";
	case EBUSY:
		return "it is in use";
	case EEXIST:
		return "another device's BAR lies over its own";
	case EAGAIN:
		return "too much is under way; try again";
	case EPERM:
		return "not with this device";
	default:
		return strerror(-err);
	}
}

static int status_of(int err)
{
	if (!err)
		return EXIT_OK;
	return err == -EBUSY || err == -EALREADY || err == -EAGAIN ? EXIT_BUSY
								   : EXIT_ERROR;
}

static int fail(const struct args *args, int err)
{
	char name[SBDF_LEN];

	if (args->has_sbdf)
		fprintf(stderr, "holdfast-el2: %s: %s\n",
			say_sbdf(name, args->sbdf), meaning(err));
	else
		fprintf(stderr, "holdfast-el2: %s\n", meaning(err));
	return status_of(err);
}

/* A verb without an answer. */
static int do_plain(enum mgmt_verb verb, const struct args *args,
		    const char *done)
{
	int err = ask(verb, args, 0);
	char name[SBDF_LEN];

	if (err)
		return fail(args, err);
	printf("%s: %s\n", say_sbdf(name, args->sbdf), done);
	return EXIT_OK;
}

/* --- looking ------------------------------------------------------------------------ */

static int verb_list(const struct args *args)
{
	static struct mgmt_device device[MOST_DEVICES];
	struct args at = *args;
	unsigned int n = 0;

	while (n < MOST_DEVICES && !ask(MGMT_NEXT, &at, 0)) {
		device[n++] = answer.device;
		at.sbdf = answer.device.sbdf + 1;
		if (!at.sbdf)
			break;
	}
	say_devices(device, n);
	return EXIT_OK;
}

static int say_holds(enum mgmt_verb verb, const struct args *args,
		     const char *none)
{
	uint32_t i;
	int err;

	for (i = 0; !(err = ask(verb, args, i)); i++)
		say_hold(&answer.hold);
	if (err != -ENOENT)
		return fail(args, err);
	if (!i && none)
		puts(none);
	return EXIT_OK;
}

static int verb_show(const struct args *args)
{
	int err = ask(MGMT_SHOW, args, 0);

	if (err)
		return fail(args, err);
	say_device(&answer.device);
	return EXIT_OK;
}

static int verb_holders(const struct args *args)
{
	return say_holds(MGMT_HOLDER, args, "nobody holds it");
}

static int verb_stats(const struct args *args)
{
	int err = ask(MGMT_STATS, args, 0);

	if (err)
		return fail(args, err);
	say_stats(&answer.stats);
	return EXIT_OK;
}

static int verb_check(const struct args *args)
{
	int err = ask(MGMT_CHECK, args, 0);

	if (err)
		return fail(args, err);
	printf("%u rules are broken\n", (unsigned int)answer.stats.broken);
	return answer.stats.broken ? EXIT_ERROR : EXIT_OK;
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* What is in the ring, and, to follow, what comes. */
static int verb_events(const struct args *args)
{
	const volatile struct mgmt_ring *ring = door_ring();
	uint64_t next = ring->next, lost = 0;
	uint64_t n = next > MGMT_RING_ENTRIES ? next - MGMT_RING_ENTRIES : 1;
	struct mgmt_event event;

	for (;;) {
		switch (door_event(ring, n, &event)) {
		case 0:
			if (!args->follow)
				return EXIT_OK;
			fflush(stdout);
			pause_ms(POLL_MS);
			continue;
		case 1:
			if (lost)
				printf("%llu lost\n", (unsigned long long)lost);
			lost = 0;
			say_event(&event);
			break;
		default:
			lost++;
		}
		n++;
	}
}

/* --- removing ----------------------------------------------------------------------- */

static int say_result(const struct args *args, const struct mgmt_removal *r)
{
	say_removal(r);
	if (r->blockers && r->result && r->result != -EINPROGRESS)
		(void)say_holds(MGMT_BLOCKER, args, NULL);
	return status_of(r->result == -EINPROGRESS ? 0 : r->result);
}

static int verb_removal(const struct args *args)
{
	int err = ask(MGMT_REMOVAL, args, 0);
	struct mgmt_removal r = answer.removal;

	return err ? fail(args, err) : say_result(args, &r);
}

/* Each look lets the hypervisor take a step, too. */
static int verb_remove(const struct args *args)
{
	int err = ask(MGMT_REMOVE, args, 0);
	struct mgmt_removal r;

	while (!err && !args->no_wait &&
	       answer.removal.result == -EINPROGRESS) {
		pause_ms(POLL_MS);
		err = ask(MGMT_REMOVAL, args, 0);
	}
	r = answer.removal;
	return err ? fail(args, err) : say_result(args, &r);
}

static int verb_cancel(const struct args *args)
{
	return do_plain(MGMT_CANCEL, args, "the removal is cancelled");
}

static int verb_refuse(const struct args *args)
{
	return do_plain(MGMT_REFUSE, args, "refused");
}

/* --- the rest ------------------------------------------------------------------------- */

/* A driver takes a second or two to switch its slot off. */
static int verb_add(const struct args *args)
{
	unsigned int tries;
	int err = -EAGAIN;
	char name[SBDF_LEN];

	for (tries = 0; err == -EAGAIN && tries < ADD_MS / POLL_MS; tries++) {
		if (tries)
			pause_ms(POLL_MS);
		err = ask(MGMT_ADD, args, 0);
	}
	if (err)
		return fail(args, err);
	printf("%s: added\n", say_sbdf(name, args->sbdf));
	return EXIT_OK;
}

static int verb_lose(const struct args *args)
{
	return do_plain(MGMT_LOSE, args, "lost");
}

static int verb_quarantine(const struct args *args)
{
	return do_plain(MGMT_QUARANTINE, args, "in quarantine");
}

static int verb_release(const struct args *args)
{
	int status = do_plain(MGMT_RELEASE, args, "fit again");

	if (status && answer.text.text[0])
		fprintf(stderr, "  %.*s\n", MGMT_TEXT_LEN, answer.text.text);
	return status;
}

static int verb_pin(const struct args *args)
{
	return do_plain(MGMT_PIN, args, "pinned");
}

static int verb_unpin(const struct args *args)
{
	return do_plain(MGMT_UNPIN, args, "not pinned any more");
}

static int verb_guest(const struct args *args)
{
	int err = ask(MGMT_GUEST, args, 0);

	if (err)
		return fail(args, err);
	say_guest(&answer.guest);
	return EXIT_OK;
}

static int verb_guest_start(const struct args *args)
{
	int err = ask(MGMT_GUEST_START, args, 0);

	if (err == -EBUSY)
		(void)say_holds(MGMT_HOLDER, args, NULL);
	if (err)
		return fail(args, err);
	say_guest(&answer.guest);
	return EXIT_OK;
}

static int verb_guest_stop(const struct args *args)
{
	int err = ask(MGMT_GUEST_STOP, args, 0);

	if (err)
		return fail(args, err);
	say_guest(&answer.guest);
	return EXIT_OK;
}

static const struct verb verbs[] = {
	{ "list", "", "all devices", false, verb_list },
	{ "show", "DEV", "one device", true, verb_show },
	{ "holders", "DEV", "who holds it", true, verb_holders },
	{ "remove", "DEV [--ask] [--force] [--slot] [--timeout T] [--no-wait]",
	  "remove it; without an option, if nobody holds it", true,
	  verb_remove },
	{ "removal", "DEV", "how its removal goes, or went", true,
	  verb_removal },
	{ "cancel", "DEV", "cancel its removal", true, verb_cancel },
	{ "refuse", "DEV", "say no to a removal that asks", true, verb_refuse },
	{ "add", "DEV|PORT", "the card in the slot is there (again)", true,
	  verb_add },
	{ "lose", "DEV", "as if it had been pulled", true, verb_lose },
	{ "quarantine", "DEV", "block its DMA, and keep it", true,
	  verb_quarantine },
	{ "release", "DEV", "out of quarantine, if it is fit", true,
	  verb_release },
	{ "pin", "DEV [--who NAME]", "hold it", true, verb_pin },
	{ "unpin", "DEV [--who NAME]", "hold it no more", true, verb_unpin },
	{ "guest", "", "the second guest", false, verb_guest },
	{ "guest-start", "DEV", "start it, with this device", true,
	  verb_guest_start },
	{ "guest-stop", "", "end it", false, verb_guest_stop },
	{ "stats", "", "the hypervisor's counters", false, verb_stats },
	{ "events", "[--follow]", "what happened", false, verb_events },
	{ "check", "", "the hypervisor's rules about itself", false,
	  verb_check },
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

/* --- arguments -------------------------------------------------------------------------- */

static int usage(FILE *out)
{
	size_t i;

	fputs("holdfast-el2 [--door DIR] VERB …\n\n", out);
	for (i = 0; i < VERBS; i++)
		fprintf(out, "  %-10s %-s\n  %-10s     %s\n", verbs[i].name,
			verbs[i].args, "", verbs[i].what);
	return EXIT_USAGE;
}

static bool parse_sbdf(const char *text, uint32_t *sbdf)
{
	unsigned int seg = 0, bus, dev, fn;
	int end = -1;

	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &seg, &bus, &dev, &fn, &end) !=
		    4 ||
	    end < 0 || text[end]) {
		seg = 0;
		end = -1;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &dev, &fn, &end) != 3 ||
		    end < 0 || text[end])
			return false;
	}
	*sbdf = seg << 16 | bus << 8 | dev << 3 | fn;
	return dev < 32 && fn < 8;
}

/* An option, and how many words; 0: it is none. */
static int option(struct args *args, char **word)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flag[] = {
		{ "--ask", MGMT_REMOVE_ASK },
		{ "--force", MGMT_REMOVE_FORCE },
		{ "--slot", MGMT_REMOVE_SLOT },
	};
	size_t i;

	for (i = 0; i < sizeof(flag) / sizeof(*flag); i++)
		if (!strcmp(*word, flag[i].name)) {
			args->flags |= flag[i].flag;
			return 1;
		}
	if (!strcmp(*word, "--no-wait"))
		args->no_wait = true;
	else if (!strcmp(*word, "--follow"))
		args->follow = true;
	else if (!strcmp(*word, "--timeout") && word[1])
		return duration_parse(word[1], &args->timeout_ms) ? 0 : 2;
	else if (!strcmp(*word, "--who") && word[1])
		return (args->who = word[1], 2);
	else
		return 0;
	return 1;
}

static int wrong(const char *word)
{
	fprintf(stderr, "holdfast-el2: what is %s?\n", word);
	return EXIT_USAGE;
}

static int run(const struct verb *verb, char **word)
{
	/* An eject of Linux's takes some seconds: it waits for a second press. */
	struct args args = { .timeout_ms = 15000, .who = "root" };
	int n;

	for (; *word; word += n) {
		n = option(&args, word);
		if (n)
			continue;
		if (args.has_sbdf || !verb->device ||
		    !parse_sbdf(*word, &args.sbdf))
			return wrong(*word);
		args.has_sbdf = true;
		n = 1;
	}
	if (verb->device && !args.has_sbdf) {
		fprintf(stderr, "holdfast-el2 %s %s\n", verb->name, verb->args);
		return EXIT_USAGE;
	}
	return verb->run(&args);
}

int main(int argc, char **argv)
{
	char **word = argv + 1;
	size_t i;

	if (argc > 2 && !strcmp(*word, "--door")) {
		door_path = word[1];
		word += 2;
	}
	if (!*word)
		return usage(stderr);
	for (i = 0; i < VERBS; i++)
		if (!strcmp(*word, verbs[i].name))
			return run(&verbs[i], word + 1);
	return !strcmp(*word, "help") ? (usage(stdout), EXIT_OK)
				      : usage(stderr);
}
