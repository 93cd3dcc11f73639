/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rcu.c as a model for Spin: two CPUs that enter, read in sections and leave,
 * one updater that unpublishes, draws a period, polls and frees. What a CPU
 * stores to `seen` stays in its store buffer until it has passed a barrier, or
 * some time before that: the one reordering that the entry's barrier is for.
 * tests/platform_el2/spin.sh runs it, and the mutants, which must fail:
 *
 *	-DMUTANT_NO_BARRIER   an entry without its barrier
 *	-DMUTANT_STALE        a CPU that entered before the draw is let pass
 *	-DMUTANT_OPEN         a quiescent state in the middle of a section
 *	-DMUTANT_UNSEEN       the word is stored before `drawn` is read
 */
#define CPUS 2
#define ENTRIES 2

byte drawn = 1;
byte seen[CPUS];
bool buffered[CPUS];
byte buffer[CPUS]; /* if buffered: what seen will be */
bool unpublished, freed;

/* In order: one waits until the one before it is out. */
inline store_seen(val)
{
	!buffered[me];
	d_step {
		buffer[me] = val;
		buffered[me] = true
	}
}

inline full_barrier()
{
	!buffered[me]
}

proctype drain(byte me)
{
end:	do
	:: d_step {
		buffered[me] ->
		seen[me] = buffer[me];
		buffered[me] = false
	}
	od
}

inline section()
{
	found = !unpublished;
	if
	:: found ->
#ifdef MUTANT_OPEN
		store_seen(drawn);
#endif
		assert(!freed)
	:: else
	fi;
	found = false
}

inline pass()
{
	d = drawn;
#ifdef MUTANT_UNSEEN
	d = d + 1;
#endif
	store_seen(d)
}

proctype cpu(byte me)
{
	byte n, d;
	bool found;

	do
	:: n == ENTRIES -> break
	:: else ->
		n++;
		pass();
#ifndef MUTANT_NO_BARRIER
		full_barrier();
#endif
		section();
		if
		:: pass();
		   section()
		:: true
		fi;
		store_seen(0)
	od
}

proctype updater()
{
	byte k, i;

	unpublished = true;
	d_step {
		drawn++;
		k = drawn
	}
	do
	:: i == CPUS -> break
	:: else ->
#ifdef MUTANT_STALE
		(!seen[i] || seen[i] + 1 >= k);
#else
		(!seen[i] || seen[i] >= k);
#endif
		i++
	od;
	freed = true
}

init
{
	atomic {
		run drain(0);
		run drain(1);
		run cpu(0);
		run cpu(1);
		run updater()
	}
}
