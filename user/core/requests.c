// SPDX-License-Identifier: MIT
/*
 * See requests.h. The order of a take: what the word says, a void word made full, the
 * standing raised and the owner looked at, the word changed.
 */
#include "core/requests.h"

#include "core/standing.h"

static __u64 *requests_word(const struct client_at *at, bool handshake)
{
	struct hatago_requests *gate =
		&at->side->gate[at->place < 0 ? (int)HATAGO_WAYS : at->place & TABLE_WAY];

	return handshake ? &gate->handshakes : &gate->requests;
}

static uint64_t word_debt_ns(uint64_t tat, uint64_t now_ns)
{
	int64_t debt = (int64_t)(tat - bucket_time(now_ns));

	return debt > 0 ? ((uint64_t)debt + (1 << HATAGO_TIME_SHIFT) - 1) >> HATAGO_TIME_SHIFT : 0;
}

/* What a word that was read counts as. The standing is read after it, as it is raised before. */
static uint64_t word_tat(const struct client_at *at, uint64_t seen, uint64_t now_ns)
{
	uint32_t standing = __atomic_load_n(&at->slot->standing, __ATOMIC_SEQ_CST);

	if (at->place >= 0 && word_debt_ns(seen, now_ns) > standing_left_ns(standing, now_ns))
		return bucket_time(now_ns);
	return seen;
}

uint64_t requests_tat(const struct client_at *at, bool handshake, uint64_t now_ns)
{
	uint64_t seen = __atomic_load_n(requests_word(at, handshake), __ATOMIC_SEQ_CST);

	return word_tat(at, seen, now_ns);
}

uint64_t requests_debt_ns(const struct client_at *at, uint64_t now_ns)
{
	uint64_t requests = word_debt_ns(requests_tat(at, false, now_ns), now_ns);
	uint64_t handshakes = word_debt_ns(requests_tat(at, true, now_ns), now_ns);

	return requests > handshakes ? requests : handshakes;
}

static void requests_left_set(const struct client_at *at, uint64_t tat,
			      const struct hatago_limit *limit, uint64_t tokens, uint64_t now_ns,
			      struct requests_left *ret)
{
	uint64_t now = bucket_time(now_ns), debt = word_debt_ns(tat, now_ns);
	uint64_t most = (limit->tau >> HATAGO_TIME_SHIFT) + 1;

	*ret = (struct requests_left){
		.tokens = bucket_tokens(tat, limit, now),
		.wait_ns = bucket_wait_ns(tat, limit, now, tokens),
		.debt_ns = debt < most ? debt : most,
		.shared = at->place < 0,
	};
}

static enum requests_answer take_once(const struct client_at *at, const struct hatago_limit *limit,
				      uint64_t tokens, bool handshake, uint64_t now_ns,
				      struct requests_left *ret)
{
	__u64 *word = requests_word(at, handshake), next;
	uint64_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST), now = bucket_time(now_ns);
	uint64_t tat = word_tat(at, seen, now_ns);
	uint32_t kept;

	requests_left_set(at, tat, limit, tokens, now_ns, ret);
	if (!bucket_offer(tat, limit, now, tokens, &next)) {
		bucket_settle(word, seen, limit, now);
		return REQUESTS_REFUSED;
	}
	if (!tokens)
		return REQUESTS_TAKEN;
	if (tat != seen && !__sync_bool_compare_and_swap(word, seen, tat))
		return REQUESTS_CONTENDED;
	kept = standing_for(HATAGO_KEPT, now_ns, word_debt_ns(next, now_ns));
	if (!standing_raise(at, kept, now_ns))
		return REQUESTS_CONTENDED;
	if (!__sync_bool_compare_and_swap(word, tat, next))
		return REQUESTS_CONTENDED;
	if (word_tat(at, next, now_ns) !=
	    next) /* an escalation came between, which replaced trust */
		standing_raise(at, kept, now_ns);
	requests_left_set(at, next, limit, tokens, now_ns, ret);
	return REQUESTS_TAKEN;
}

static uint64_t requests_cut(const struct hatago_limit *limit, uint64_t tokens)
{
	return tokens < limit->burst ? tokens : limit->burst;
}

enum requests_answer requests_take(const struct clients *clients, struct hatago_client_id id,
				   const struct hatago_limit *limit, uint64_t tokens,
				   bool handshake, uint64_t now_ns, struct requests_left *ret)
{
	enum requests_answer answer = REQUESTS_CONTENDED;

	tokens = requests_cut(limit, tokens);
	for (uint32_t i = 0; answer == REQUESTS_CONTENDED && i < REQUESTS_TRIES; i++) {
		struct client_at at;

		clients_place(clients, id, now_ns, &at);
		answer = take_once(&at, limit, tokens, handshake, now_ns, ret);
	}
	return answer;
}

void requests_peek(const struct clients *clients, struct hatago_client_id id,
		   const struct hatago_limit *limit, uint64_t tokens, bool handshake,
		   uint64_t now_ns, struct requests_left *ret)
{
	struct client_at at;
	uint64_t tat = bucket_time(now_ns);

	if (clients_find(clients, id, &at)) {
		tat = requests_tat(&at, handshake, now_ns);
	} else {
		at = clients_overflow(clients, id);
		if (clients_has_room(clients, id, now_ns))
			at.place = 0; /* it would get a slot */
		else
			tat = requests_tat(&at, handshake, now_ns);
	}
	requests_left_set(&at, tat, limit, requests_cut(limit, tokens), now_ns, ret);
}

void requests_refund(const struct clients *clients, struct hatago_client_id id,
		     const struct hatago_limit *limit, uint64_t tokens, bool handshake, bool shared,
		     uint64_t now_ns)
{
	uint64_t back = bucket_refund(limit, requests_cut(limit, tokens), HATAGO_INV_ONE);
	struct client_at at = clients_overflow(clients, id);

	if (!shared && !clients_find(clients, id, &at))
		return;
	for (uint32_t i = 0; i < REQUESTS_TRIES; i++) {
		__u64 *word = requests_word(&at, handshake);
		uint64_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);

		/* below now it is full: no more is given back than is owed */
		if (word_tat(&at, seen, now_ns) != seen ||
		    bucket_is_full(seen, bucket_time(now_ns)) ||
		    __sync_bool_compare_and_swap(word, seen, seen - back))
			return;
	}
}

/* true: it owed something. */
static bool word_forgive(const struct client_at *at, bool handshake, uint64_t now_ns)
{
	__u64 *word = requests_word(at, handshake);

	for (uint32_t i = 0; i < REQUESTS_TRIES; i++) {
		uint64_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST), now = bucket_time(now_ns);

		if (bucket_is_full(word_tat(at, seen, now_ns), now))
			return false;
		if (__sync_bool_compare_and_swap(word, seen, now))
			return true;
	}
	return false;
}

bool requests_forgive(const struct client_at *at, uint64_t now_ns)
{
	bool requests = word_forgive(at, false, now_ns);

	return word_forgive(at, true, now_ns) || requests;
}

static void word_carry(const struct client_at *from, const struct client_at *to, bool handshake,
		       uint64_t now_ns)
{
	uint64_t tat = requests_tat(from, handshake, now_ns);
	uint64_t there = requests_tat(to, handshake, now_ns);

	if (!bucket_is_full(tat, bucket_time(now_ns)) && (int64_t)(tat - there) > 0)
		*requests_word(to, handshake) = tat;
}

void requests_carry(const struct client_at *from, const struct client_at *to, uint64_t now_ns)
{
	word_carry(from, to, false, now_ns);
	word_carry(from, to, true, now_ns);
}
