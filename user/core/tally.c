// SPDX-License-Identifier: MIT
/*
 * Adds up what the workers count, and has the words for it; see tally.h. Every word is read in one
 * piece while its worker may be writing it; two words of a tally need not be of the same instant.
 */
#include "core/tally.h"

#define WORD_BYTES	    sizeof(uint64_t)
#define WORDS_BEFORE(field) (offsetof(struct tally, field) / WORD_BYTES)

/* All members are words, and none can be forgotten here, but the three histograms. */
_Static_assert(offsetof(struct tally, turn) ==
		       offsetof(struct tally, response) + 2 * sizeof(struct histogram),
	       "the histograms stand side by side");
_Static_assert(sizeof(struct tally) % WORD_BYTES == 0, "a tally is words");

#define FIRST_WORD_AFTER (WORDS_BEFORE(turn) + sizeof(struct histogram) / WORD_BYTES)

static const struct {
	const char *label, *help;
} outcomes[] = {
#define OUTCOME_WORDS(name, label, help) {label, help},
	TALLY_OUTCOMES(OUTCOME_WORDS)
#undef OUTCOME_WORDS
};

bool tally_is_refusal(enum tally_outcome outcome)
{
	switch (outcome) {
	case TALLY_RATE_LIMITED:
	case TALLY_OVERLOADED:
	case TALLY_QUEUE_TIMEOUT:
	case TALLY_BREAKER_OPEN:
	case TALLY_DRAINING:
	case TALLY_STREAMS:
	case TALLY_BAD_REQUEST:
		return true;
	default:
		return false;
	}
}

bool tally_is_failure(enum tally_outcome outcome)
{
	return outcome == TALLY_UPSTREAM_FAILED || outcome == TALLY_UPSTREAM_TIMEOUT;
}

const char *tally_outcome_label(enum tally_outcome outcome)
{
	return outcomes[outcome].label;
}

const char *tally_outcome_help(enum tally_outcome outcome)
{
	return outcomes[outcome].help;
}

/* Signed members come along: they add in two's complement like the others. */
static void add_words(uint64_t *to, const uint64_t *from, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void tally_add(struct tally *to, const struct tally *from)
{
	uint64_t *to_words = (uint64_t *)to;
	const uint64_t *from_words = (const uint64_t *)from;

	add_words(to_words, from_words, 0, WORDS_BEFORE(response));
	histogram_add(&to->response, &from->response);
	histogram_add(&to->queue_wait, &from->queue_wait);
	histogram_add(&to->turn, &from->turn);
	add_words(to_words, from_words, FIRST_WORD_AFTER, sizeof(struct tally) / WORD_BYTES);
}
