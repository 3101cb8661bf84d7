// SPDX-License-Identifier: MIT
/*
 * The list against plays: items by their letters; what a list holds after each step, read
 * forwards and backwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/list.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ITEMS	 5

struct item {
	struct list link;
	char letter, behind;
};

/* The letters of the list, which is whole in both directions. */
static const char *letters_of(const struct list *head, char text[ITEMS + 1])
{
	size_t n = 0;

	for (const struct list *l = head->next; l != head; l = l->next) {
		assert_true(n < ITEMS);
		assert_ptr_equal(l->next->prev, l);
		assert_ptr_equal(l->prev->next, l);
		text[n++] = LIST_ITEM(l, const struct item, link)->letter;
	}
	text[n] = '\0';
	return text;
}

/* + appends, ^ prepends, to the first list or (upper case) to the second; - removes. */
static void test_plays(void **state)
{
	static const struct {
		const char *steps, *first, *second;
	} rows[] = {
		{"", "", ""},
		{"+a", "a", ""},
		{"+a+b+c", "abc", ""},
		{"^a^b^c", "cba", ""},
		{"+a^b+c", "bac", ""},
		{"+a-a", "", ""},
		{"-a", "", ""},
		{"+a-a-a", "", ""},
		{"+a+b+c-b", "ac", ""},
		{"+a+b+c-a", "bc", ""},
		{"+a+b+c-c", "ab", ""},
		{"+a+a", "a", ""},
		{"^a^a", "a", ""},
		{"+a+b^a", "ab", ""},
		{"+a+b^b", "ba", ""},
		{"+a+b+b", "ab", ""},
		{"+a+b+a", "ba", ""},
		{"+a+b+A", "b", "a"},
		{"+a+b+c^C^B", "a", "bc"},
		{"+a+B^A+b", "b", "a"},
		{"+a+b+c+d+e-c^E", "abd", "e"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct item items[ITEMS];
		struct list lists[2];
		char text[ITEMS + 1];

		list_init(&lists[0]);
		list_init(&lists[1]);
		for (size_t n = 0; n < ITEMS; n++) {
			items[n].letter = (char)('a' + n);
			list_init(&items[n].link);
		}
		for (const char *step = rows[i].steps; *step; step += 2) {
			struct list *link = &items[(step[1] | 0x20) - 'a'].link;
			struct list *list = &lists[!(step[1] & 0x20)];

			if (step[0] == '+')
				list_append(list, link);
			else if (step[0] == '^')
				list_prepend(list, link);
			else
				list_remove(link);
			assert_int_equal(list_is_empty(link), step[0] == '-');
		}
		assert_string_equal(letters_of(&lists[0], text), rows[i].first);
		assert_string_equal(letters_of(&lists[1], text), rows[i].second);
	}
}

static void test_ends(void **state)
{
	struct item a = {.letter = 'a'}, b = {.letter = 'b'};
	struct list head;

	(void)state;
	list_init(&head);
	list_init(&a.link);
	list_init(&b.link);
	assert_true(list_is_empty(&head));
	assert_null(list_first(&head));
	assert_null(list_last(&head));
	list_append(&head, &a.link);
	assert_ptr_equal(list_first(&head), list_last(&head));
	list_append(&head, &b.link);
	assert_ptr_equal(LIST_ITEM(list_first(&head), struct item, link), &a);
	assert_ptr_equal(LIST_ITEM(list_last(&head), struct item, link), &b);
	list_remove(&a.link);
	list_remove(&b.link);
	assert_true(list_is_empty(&head) && list_is_empty(&a.link));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plays),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
