// SPDX-License-Identifier: MIT
/*
 * See siphash.h. Words are read in the machine's order, which must be the little-endian
 * one (bpf/parse.h insists on it too).
 */
#include "base/siphash.h"

#include <string.h>

struct siphash {
	uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void siphash_rounds(struct siphash *s, int count)
{
	while (count-- > 0) {
		s->a += s->b;
		s->b = rotate(s->b, 13) ^ s->a;
		s->a = rotate(s->a, 32);
		s->c += s->d;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a += s->d;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c += s->b;
		s->b = rotate(s->b, 17) ^ s->c;
		s->c = rotate(s->c, 32);
	}
}

static void siphash_word(struct siphash *s, uint64_t word)
{
	s->d ^= word;
	siphash_rounds(s, 2);
	s->a ^= word;
}

void siphash_128(const void *data, size_t size, const uint64_t key[2], uint64_t ret[2])
{
	struct siphash s = {
		.a = key[0] ^ 0x736f6d6570736575ULL,
		.b = key[1] ^ 0x646f72616e646f6dULL ^ 0xee,
		.c = key[0] ^ 0x6c7967656e657261ULL,
		.d = key[1] ^ 0x7465646279746573ULL,
	};
	const char *at = data;
	uint64_t word, last = (uint64_t)size << 56;

	for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		siphash_word(&s, word);
	}
	word = 0;
	if (size)
		memcpy(&word, at, size);
	siphash_word(&s, word | last);
	s.c ^= 0xee;
	siphash_rounds(&s, 4);
	ret[0] = s.a ^ s.b ^ s.c ^ s.d;
	s.b ^= 0xdd;
	siphash_rounds(&s, 4);
	ret[1] = s.a ^ s.b ^ s.c ^ s.d;
}
