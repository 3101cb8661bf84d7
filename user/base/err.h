/* SPDX-License-Identifier: MIT */
/*
 * An error in words. Libraries below agent/ never log: they return a negative errno
 * and leave a sentence here, which names the object and the remedy.
 */
#ifndef HATAGO_BASE_ERR_H
#define HATAGO_BASE_ERR_H

#define ERR_TEXT_MAX 512

struct err {
	char text[ERR_TEXT_MAX]; /* one sentence without a newline; cut if longer */
};

/* Writes the sentence and returns `code` (a negative errno). err may be NULL. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
