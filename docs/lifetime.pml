/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol of core/device as a model for Spin: counter, sections, holds,
 * operation slot, removal with ask, force, cancel and retry, loss, parent and
 * child. tests/explore/spin.sh runs it in each configuration that pays, and the
 * mutants, which must fail. docs/lifetime.md says what is proved where.
 *
 * Kept true to: counter.h (tryget, put, drained is 2), object.c (put wakes
 * inside a section), hold.c (release against cut-off), removal.c, loss.c,
 * core/config/trap.c. Interleavings only, no memory orders.
 *
 * Who takes part:
 *	-DWORKERS=n   0 to 2: traps and lookups
 *	-DTURNS=n     so many of each worker
 *	-DHOLDER      takes a hold, and lets go, refuses, or does when asked
 *	-DTRIES=n     removals, one after the other, of the device and its child
 *	-DCANCELLER   cancels one of them
 *	-DLOSER       the device is pulled, with its child
 *	-DCHILD       device 1, a child of device 0
 *	-DNO_DEADLINE nothing ends by time: who is not woken waits for ever
 * Mutants:
 *	-DMUTANT_NO_GP            DRAINING, but no grace period
 *	-DMUTANT_DRAINED_3        one reference is overlooked
 *	-DMUTANT_PUT_NO_SECTION   put wakes after its section
 *	-DMUTANT_CLEAR_LATE       the event is cleared after the test
 *	-DMUTANT_NO_RECHECK       the mark is not tested again under the lock
 *	-DMUTANT_CUT_TWICE        a cut-off that does not look at `listed`
 *	-DMUTANT_EXPIRE_FINAL     a trap ends a drain that was committed
 *	-DMUTANT_ASK_NO_SECTION   a hold is asked outside of a section
 */
#ifndef TURNS
#define TURNS 2
#endif

mtype = { LIVE, DRAINING, GONE, LOST };
mtype = { NONE, REMOVE, LOSS };

#ifdef CHILD
#define D 2
#else
#define D 1
#endif
#define LAST (D - 1)		/* the device that workers and holder use */
#ifdef MUTANT_DRAINED_3
#define DRAINED(d) (count[d] <= 3)
#else
#define DRAINED(d) (count[d] == 2)
#endif
#define DEAD(d) (state[d] == GONE || state[d] == LOST)

/* The device: state and count are one word; the rest as in internal.h. */
mtype state[D] = LIVE;
byte count[D] = 1;		/* the registry's */
bool published[D] = true, marked[D], event[D], lk[D];
mtype op[D] = NONE;
byte holds[D];
bool pending[D], freed[D];	/* queued for, and done by, the reclaimer */
bool promised[D];		/* removed(): the hardware is nobody's */
bool final[D];			/* again_until is for ever */
byte drops[D];			/* of the registry's reference */
bool seglk;

/* The holder's hold on LAST; its memory is the holder's. */
bool listed, asked, refused, cut, told, hold_pending, hold_freed;

/* The removal. */
bool running, cancelled, committed, op_event;

/* Sections: of the workers, the holder, the removal, the loss. */
#define HOLDER_ID 2
#define REMOVER_ID 3
#define LOSER_ID 4
#define READERS 5
byte nesting[READERS], epoch[READERS];
byte ended;			/* processes */

inline lock(d) { atomic { !lk[d] -> lk[d] = true; assert(!freed[d]) } }
inline unlock(d) { atomic { assert(!freed[d]); lk[d] = false } }
inline lock_segment() { atomic { !seglk -> seglk = true } }
inline unlock_segment() { seglk = false }

inline enter(me) {
	atomic {
		if
		:: !nesting[me] -> epoch[me] = (epoch[me] + 1) % 8
		:: else
		fi;
		nesting[me]++
	}
}
inline leave(me) { nesting[me]-- }

/* Every section that is open when it is looked at has ended once. */
inline grace_period() {
	i = 0;
	do
	:: i < READERS ->
		e = epoch[i];
		(!nesting[i] || epoch[i] != e);
		i++
	:: else -> break
	od;
	i = 0; e = 0
}

inline touch_hardware(d) { atomic { assert(!freed[d]); assert(!promised[d]) } }
inline get(d) { atomic { assert(!freed[d]); assert(count[d] > 0); count[d]++ } }

inline put(d, me) {
#ifndef MUTANT_PUT_NO_SECTION
	enter(me);
#endif
	atomic {
		assert(!freed[d]);
		assert(count[d] > 0);
		count[d]--;
		left = (state[d] == DRAINING && count[d] == 2 -> 1 :
			(DEAD(d) && count[d] == 0 -> 2 : 0))
	};
	if
	:: left == 1 -> atomic { assert(!freed[d]); event[d] = true }
	:: left == 2 -> atomic { assert(!pending[d]); pending[d] = true }
	:: else
	fi;
#ifndef MUTANT_PUT_NO_SECTION
	leave(me);
#endif
	left = 0
}

/* pcidev_tryget(): the word, then the mark. In a section. */
inline tryget(d, me) {
	atomic {
		assert(!freed[d]);
		if
		:: state[d] == LIVE -> count[d]++; owns = true
		:: else
		fi
	};
	if
	:: owns && marked[d] -> put(d, me); owns = false
	:: else
	fi
}

/* pci_hold_unlink(), under the lock: once, whoever is faster. */
inline unlink_hold(mine, by_force) {
	atomic {
		mine = listed;
		listed = false;
		if
		:: mine -> holds[LAST]--; op_event = true; cut = by_force
		:: else
		fi
	}
}

/* A trap, told "again" for too long, ends the drain: pcidev_drain_expired(). */
inline expire(d) {
	lock(d);
	if
#ifdef MUTANT_EXPIRE_FINAL
	:: state[d] == DRAINING -> state[d] = LIVE; event[d] = true
#else
	:: state[d] == DRAINING && !final[d] -> state[d] = LIVE; event[d] = true
#endif
	:: else
	fi;
	unlock(d)
}

/* --- those who use it ------------------------------------------------------ */

proctype worker(byte me)
{
	byte n, left;
	bool owns;
	mtype seen;

	do
	:: n < TURNS ->
		n++;
		enter(me);
		if
		:: published[LAST] ->
			if
			:: atomic { assert(!freed[LAST]); seen = state[LAST] };
			   if		/* a trap */
			   :: seen == LIVE && !marked[LAST] ->
				touch_hardware(LAST)
#ifndef NO_DEADLINE
			   :: seen == DRAINING && !marked[LAST] ->
				expire(LAST)
#endif
			   :: else
			   fi;
			   seen = 0
			:: tryget(LAST, me)	/* a lookup */
			fi
		:: else
		fi;
		leave(me);
		if
		:: owns ->
			enter(me);
			if
			:: !marked[LAST] -> touch_hardware(LAST)
			:: else
			fi;
			leave(me);
			put(LAST, me);
			owns = false
		:: else
		fi
	:: else -> break
	od;
	ended++
}

proctype holder()
{
	byte left;
	bool owns, took, mine;

	enter(HOLDER_ID);
	if
	:: published[LAST] -> tryget(LAST, HOLDER_ID)
	:: else
	fi;
	leave(HOLDER_ID);
	if
	:: !owns -> goto over
	:: else
	fi;
	lock(LAST);
	if
	:: !DEAD(LAST) && !marked[LAST] && op[LAST] == NONE ->
		get(LAST);
		atomic { listed = true; holds[LAST]++; took = true }
	:: else
	fi;
	unlock(LAST);
	put(LAST, HOLDER_ID);
	if
	:: !took -> goto over
	:: else
	fi;
	if
	:: true				/* of its own will */
	:: asked || told		/* when it hears of it */
	:: asked ->			/* it will not, until it is cut off */
		enter(HOLDER_ID);
		if
		:: listed ->
			lock(LAST);
			atomic { refused = listed; op_event = true };
			unlock(LAST)
		:: else
		fi;
		leave(HOLDER_ID);
		(told || !running)
	fi;
	/* release: the section keeps the device that the hold names */
	enter(HOLDER_ID);
	if
	:: listed -> lock(LAST); unlink_hold(mine, false); unlock(LAST)
	:: else
	fi;
	leave(HOLDER_ID);
	assert(mine != cut);
	if
	:: mine -> put(LAST, HOLDER_ID)
	:: else
	fi;
	hold_pending = true;		/* pci_hold_free() */
over:
	ended++
}

/* --- removal ------------------------------------------------------------------ */

inline interrupted() {
	atomic {
		stop = (cancelled && !committed);
		stop = (member[0] && marked[0] -> true : stop);
		stop = (member[LAST] && marked[LAST] -> true : stop)
	}
}

/* Under a device's lock: the point of no return. */
inline commit() {
	atomic {
		ok = (committed || !cancelled);
		committed = ok
	}
}

/* In a section: the hold that was listed is there until it ends. */
inline ask_hold() {
#ifndef MUTANT_ASK_NO_SECTION
	enter(REMOVER_ID);
#endif
	lock(LAST);
	seen_hold = listed;
	unlock(LAST);
	if
	:: seen_hold -> atomic { assert(!hold_freed); asked = true }
	:: else
	fi;
#ifndef MUTANT_ASK_NO_SECTION
	leave(REMOVER_ID);
#endif
	skip
}

inline cut_hold(me) {
	enter(me);
	lock(LAST);
#ifdef MUTANT_CUT_TWICE
	mine = seen_hold;
	atomic { listed = false; holds[LAST] = 0; cut = mine };
#else
	unlink_hold(mine, true);
#endif
	unlock(LAST);
	if
	:: mine -> told = true; assert(!hold_freed)
	:: else
	fi;
	leave(me);
	if
	:: mine -> put(LAST, me); mine = false
	:: else
	fi
}

/* Segment lock held; out of the tables. The child's hold on its parent too. */
inline take_down(d, to) {
	atomic { state[d] = to; published[d] = false };
	unlock(d);
	if
	:: d == 1 -> lock(0); holds[0]--; unlock(0)
	:: else
	fi;
	unlock_segment()
}
inline put_parent(d, me) {
	if
	:: d == 1 -> put(0, me)
	:: else
	fi
}
inline drop_registry(d, me) {
	atomic { drops[d]++; assert(drops[d] == 1) };
	put(d, me)
}

proctype remover()
{
	byte d, i, e, left, tries;
	bool member[D], ok, stop, mine, ask, force, seen_hold;

	do
	:: tries < TRIES ->
		tries++;
		atomic {		/* how: refuse, ask, force, or both */
			if :: ask = true :: ask = false fi;
			if :: force = true :: force = false fi;
			committed = false; cancelled = false;
			asked = false; refused = false;
			op_event = false
		};
		/* start: all members, or none */
		lock_segment();
		ok = published[0];
		d = D;
		do
		:: d > 0 && ok ->
			d--;
			if
			:: published[d] ->
				lock(d);
				if
				:: op[d] == NONE && !DEAD(d) && !marked[d] ->
					op[d] = REMOVE;
					get(d);
					member[d] = true
				:: else -> ok = false
				fi;
				unlock(d)
			:: else
			fi
		:: else -> break
		od;
		running = ok;
		unlock_segment();
		if
		:: !ok -> goto let_go
		:: else
		fi;
asking:
		op_event = false;
		interrupted();
		if
		:: stop -> goto let_go
		:: else
		fi;
		if
		:: ask && !asked -> ask_hold()
		:: else
		fi;
		lock(LAST);
		atomic { seen_hold = listed; stop = refused };
		unlock(LAST);
		if
		:: !seen_hold
		:: seen_hold && force && (!ask || stop) ->
			commit();
			if
			:: !ok -> goto let_go
			:: else
			fi;
			cut_hold(REMOVER_ID);
			goto asking
		:: seen_hold && !force && (!ask || stop) -> goto let_go
		:: seen_hold && ask && !stop ->
			if
			:: op_event -> goto asking
#ifndef NO_DEADLINE
			:: true ->	/* the deadline */
				if
				:: force -> ask = false; goto asking
				:: else -> goto let_go
				fi
#endif
			fi
		fi;
		d = LAST;
drain:
		if
		:: d == 1 && !member[1] -> d = 0	/* it has no child */
		:: else
		fi;
		interrupted();
		if
		:: stop -> goto let_go
		:: else
		fi;
		lock(d);
		assert(holds[d] == 0);
		event[d] = false;
		final[d] = false;
		assert(state[d] == LIVE);
		state[d] = DRAINING;
		unlock(d);
#ifndef MUTANT_NO_GP
		grace_period();
#endif
counting:
#ifndef MUTANT_CLEAR_LATE
		event[d] = false;
#endif
		interrupted();
		if
		:: stop -> goto let_go
		:: else
		fi;
		lock(d);
		ok = false;
		if
		:: state[d] == DRAINING && DRAINED(d) && !marked[d] ->
			commit();
			final[d] = ok
		:: else
		fi;
		stop = (state[d] != DRAINING);
		unlock(d);
		if
		:: ok -> skip
		:: !ok && stop -> goto drain	/* by a trap: again */
		:: !ok && !stop ->
#ifdef MUTANT_CLEAR_LATE
			event[d] = false;
#endif
			if
			:: event[d] -> goto counting
#ifndef NO_DEADLINE
			:: true -> goto let_go
#endif
			fi
		fi;
		/* quiesce: the removal alone touches the hardware */
		enter(REMOVER_ID);
		if
		:: !marked[d] -> touch_hardware(d)
		:: else
		fi;
		leave(REMOVER_ID);
		lock_segment();
		lock(d);
		if
#ifndef MUTANT_NO_RECHECK
		:: marked[d] -> unlock(d); unlock_segment(); goto let_go
		:: !marked[d] ->
#else
		:: true ->
#endif
			assert(state[d] == DRAINING);
			assert(committed && count[d] == 2);
			take_down(d, GONE)
		fi;
		promised[d] = true;
		lock(d);
		op[d] = NONE;
		unlock(d);
		member[d] = false;
		assert(count[d] == 2);	/* pcidev_put_final() */
		drop_registry(d, REMOVER_ID);
		put(d, REMOVER_ID);
		put_parent(d, REMOVER_ID);
		if
		:: d == 1 -> d = 0; goto drain
		:: else
		fi;
let_go:
		d = D;
		do
		:: d > 0 ->
			d--;
			if
			:: member[d] ->
				lock(d);
				if
				:: state[d] == DRAINING && !marked[d] ->
					state[d] = LIVE
				:: else
				fi;
				op[d] = NONE;
				unlock(d);
				put(d, REMOVER_ID);
				member[d] = false
			:: else
			fi
		:: else -> break
		od;
		running = false
	:: else -> break
	od;
	ended++
}

proctype canceller()
{
	atomic {
		if
		:: running && !committed -> cancelled = true; op_event = true
		:: else
		fi
	};
	ended++			/* a drain under way notices at its next turn */
}

/* --- loss ------------------------------------------------------------------------ */

proctype loser()
{
	byte d, i, e, left;
	bool mine, seen_hold;

	d = D;			/* the marks: children first, no lock */
	enter(LOSER_ID);
	do
	:: d > 0 ->
		d--;
		if
		:: published[d] ->
			atomic { assert(!freed[d]); marked[d] = true }
		:: else
		fi
	:: else -> break
	od;
	leave(LOSER_ID);
	d = D;
	do
	:: d > 0 ->
		d--;
		lock_segment();
		if
		:: !published[d] -> unlock_segment(); goto next
		:: else
		fi;
		get(d);		/* published: the registry's is there */
		unlock_segment();
take_op:
		lock(d);
		if
		:: DEAD(d) -> unlock(d); put(d, LOSER_ID); goto next
		:: !DEAD(d) && op[d] == NONE -> op[d] = LOSS; unlock(d)
		:: !DEAD(d) && op[d] != NONE ->
			op_event = true;
			unlock(d);
			event[d] = true;
			op[d] == NONE;
			goto take_op
		fi;
		if
		:: d == LAST -> seen_hold = listed; cut_hold(LOSER_ID)
		:: else
		fi;
		lock_segment();
		lock(d);
		assert(!DEAD(d));
		take_down(d, LOST);
		lock(d);
		op[d] = NONE;
		unlock(d);
		grace_period();
		promised[d] = true;
		drop_registry(d, LOSER_ID);
		put(d, LOSER_ID);
		put_parent(d, LOSER_ID);
next:
		skip
	:: else -> break
	od;
	ended++
}

/* --- the end ------------------------------------------------------------------------ */

proctype reclaimer()
{
	byte i, e, d;

end:
	do
	:: pending[0] && !freed[0] -> grace_period(); freed[0] = true
	:: pending[LAST] && !freed[LAST] -> grace_period(); freed[LAST] = true
	:: hold_pending && !hold_freed -> grace_period(); hold_freed = true
	od
}

/* Everybody is done: nothing leaks, nothing is left over. */
proctype judge(byte processes)
{
	byte d;

	ended == processes;
	assert(!seglk);
	do
	:: d < D ->
		assert(!lk[d] && op[d] == NONE);
		if
		:: DEAD(d) ->
			assert(drops[d] == 1 && !published[d] && !holds[d]);
			freed[d];	/* or this waits for ever */
			assert(count[d] == 0)
		:: else ->
			assert(state[d] == LIVE && published[d] && !drops[d]);
			assert(!marked[d] && !promised[d]);
			assert(count[d] == 1 + holds[d])
		fi;
		d++
	:: else -> break
	od
}

init {
	byte n;

	atomic {
#ifdef CHILD
		count[0] = 2;	/* the child's hold on its parent */
		holds[0] = 1;
#endif
#if WORKERS > 0
		run worker(0); n++;
#endif
#if WORKERS > 1
		run worker(1); n++;
#endif
#ifdef HOLDER
		run holder(); n++;
#endif
#if TRIES > 0
		run remover(); n++;
#endif
#ifdef CANCELLER
		run canceller(); n++;
#endif
#ifdef LOSER
		run loser(); n++;
#endif
		run reclaimer();
		run judge(n)
	}
}
