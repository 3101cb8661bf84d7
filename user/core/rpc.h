/* SPDX-License-Identifier: MIT */
/*
 * What a JSON-RPC body asks for, read as its bytes arrive, without a tree and without
 * memory: the method and the id of a message, or of each message of a batch. It checks the
 * JSON only as far as needed to be sure of that; the upstream judges the rest. What could
 * be read in two ways (a key given twice or written with escapes, text before or behind
 * the value) makes a message unclear, and nothing unclear is exempt from any limit.
 */
#ifndef HATAGO_CORE_RPC_H
#define HATAGO_CORE_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPC_METHOD_MAX 128 /* bytes; a longer method is unclear */
#define RPC_ID_MAX     256 /* bytes of the id as JSON; a longer one is unclear and not echoed */
#define RPC_DEPTH_MAX  256 /* nested deeper: broken */

enum rpc_state {
	RPC_READING,
	RPC_WHOLE,  /* the value is complete; blanks may follow */
	RPC_BROKEN, /* no JSON-RPC */
};

enum rpc_kind {
	RPC_REQUEST,	  /* method and id */
	RPC_NOTIFICATION, /* method, no id */
	RPC_RESPONSE,	  /* result or error, no method */
	RPC_OTHER,	  /* none of these: no message of JSON-RPC */
};

struct rpc_message {
	enum rpc_kind kind;
	bool is_unclear;
	uint32_t method_length, id_length; /* 0: none */
	char method[RPC_METHOD_MAX];	   /* unescaped; not NUL-terminated */
	char id[RPC_ID_MAX];		   /* as it stands: 7 or "abc" with its quotes */
};

struct rpc {
	enum rpc_state state;
	bool is_batch;
	uint32_t messages; /* complete ones */
	/* Of a single message: it, as far as it was read. Of a batch: the one being read. */
	struct rpc_message message;
	/* private: rpc.c says what they mean */
	void (*on_message)(void *ctx, const struct rpc_message *message);
	void *ctx;
	uint16_t depth;
	uint8_t stack[RPC_DEPTH_MAX / 8]; /* a bit a level: in an object */
	uint8_t step, token, key, seen, unicode_left, escape;
	uint32_t unicode, key_length;
	char key_text[16];
};

/* on_message: called for each complete message; may be NULL. */
void rpc_init(struct rpc *rpc, void (*on_message)(void *ctx, const struct rpc_message *message),
	      void *ctx);
void rpc_feed(struct rpc *rpc, const char *bytes, size_t n);
/* Is the single message's method this one? */
bool rpc_method_is(const struct rpc_message *message, const char *method);

#endif
