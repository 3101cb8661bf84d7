/* SPDX-License-Identifier: MIT */
/*
 * What a JSON-RPC body asks for or answers, read as its bytes arrive, without a tree and
 * without memory: the method, the id and the error's code of a message, or of each message
 * of a batch. It checks the JSON only as far as needed to be sure of that; the upstream
 * judges the rest. What could be read in two ways makes a message unclear, and nothing
 * unclear is exempt from any limit: a key of JSON-RPC given twice, or in other letters
 * ("Method", which Go takes too), any key with an escape or beyond ASCII, a result beside a
 * method, an id of null. What is in an error makes nothing unclear.
 */
#ifndef HATAGO_CORE_RPC_H
#define HATAGO_CORE_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPC_METHOD_MAX 128 /* bytes; a longer method is unclear */
#define RPC_ID_MAX     256 /* bytes of the id as JSON; a longer one is unclear and not echoed */
#define RPC_DEPTH_MAX  256 /* nested deeper: broken */
#define RPC_KEY_MAX    8   /* bytes; no key and no error's code that matters is longer */

/* The error's code of a service that failed, as the specification of JSON-RPC 2.0 has it. */
#define RPC_INTERNAL_ERROR (-32603)

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
	enum rpc_kind kind; /* RPC_OTHER until the message is complete */
	bool is_unclear;
	/*
	 * The member "code" of a response's error, once the message is complete. 0: none, or
	 * none that can be told, since it is no plain integer or longer than RPC_KEY_MAX, is
	 * there twice, or the message is unclear or has a result too.
	 */
	int32_t error_code;
	uint32_t method_length, id_length; /* 0: none, or none that can be told */
	char method[RPC_METHOD_MAX];	   /* unescaped; not NUL-terminated */
	char id[RPC_ID_MAX];		   /* as it stands: 7 or "abc" with its quotes */
};

struct rpc {
	enum rpc_state state;
	bool is_batch;
	uint32_t messages; /* complete ones */
	/* Of a single message: it, as far as it was read. Of a batch: the one being read. */
	struct rpc_message message;
	/* private: rpc_parts.h says what they mean */
	void (*on_message)(void *ctx, const struct rpc_message *message);
	void *ctx;
	const char *word;
	uint16_t depth, text_length, unicode, high;
	uint8_t stack[RPC_DEPTH_MAX / 8];
	uint8_t step, number, hex_left;
	uint8_t sink, key, seen;
	uint8_t utf8_left, utf8_low, utf8_high;
	bool in_key, text_unfit, is_other, has_result;
	char key_text[RPC_KEY_MAX];
};

/* on_message: called for each complete message; may be NULL. */
void rpc_init(struct rpc *rpc, void (*on_message)(void *ctx, const struct rpc_message *message),
	      void *ctx);
/*
 * In pieces of any size. A batch with nothing in it is whole and has no messages; what is
 * no object in a batch is a message of kind RPC_OTHER, but a batch in a batch is broken.
 * What is broken stays so, and its message is unclear.
 */
void rpc_feed(struct rpc *rpc, const char *bytes, size_t n);
/*
 * Is this a single message which has a result, other than null, already? Then it bears no
 * error's code, whatever follows, and who asks for no more need not feed the rest.
 */
bool rpc_has_result(const struct rpc *rpc);
/* Is this the message's method, as far as it can be told (see is_unclear)? */
bool rpc_method_is(const struct rpc_message *message, const char *method);

#endif
