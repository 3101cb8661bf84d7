/* SPDX-License-Identifier: MIT */
/*
 * The control socket's server on somebody else's uv loop: takes one line from each
 * client, hands it to the handler with the peer's credentials as the kernel knows them,
 * and writes the document that the handler answers, at once or later. It decides
 * nobody's rights, parses nothing and logs nothing. line.h is the protocol.
 *
 * The process must ignore SIGPIPE: libuv writes without MSG_NOSIGNAL.
 */
#ifndef HATAGO_NET_LINE_SERVER_H
#define HATAGO_NET_LINE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/err.h"
#include "net/line.h"

#define LINE_CLIENTS_MAX      64 /* at once; more wait in the kernel */
#define LINE_CLIENTS_USER_MAX 16 /* of one user who is not root; more are closed */
#define LINE_BACKLOG	      64
#define LINE_READ_MS	      10000 /* for the whole line to arrive */
#define LINE_STALL_MS	      10000 /* in which a client must take at least something */
#define LINE_LINGER_MS	      1000  /* for the client to close after the document */
#define LINE_GROUPS_MAX	      65536 /* supplementary groups; Linux allows no more */

struct line_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	gid_t *groups; /* supplementary */
	size_t group_count;
};

/* One request; it waits for exactly one line_request_answer() or line_request_stream(). */
struct line_request;

/*
 * line: NUL-terminated, without its newline, or NULL if it was longer than
 * LINE_BYTES_MAX. It and the peer stay until the answer.
 */
typedef void (*line_handler)(void *ctx, struct line_request *request, const struct line_peer *peer,
			     const char *line, size_t length);

/* For those who need other bounds than those above; none may be 0. */
struct line_bounds {
	unsigned int clients, clients_of_user;
	uint32_t read_ms, stall_ms, linger_ms;
};

struct line_server;

/*
 * Listens at `path`, making its folder (but not that one's) if need be. group: who may
 * open it besides the owner (mode 0660); NULL or "": nobody (0600). A socket file that
 * nobody answers on is replaced.
 * -EADDRINUSE: a live server answers there; -EEXIST: the file is no socket; -ESRCH: no such
 * group; -ENAMETOOLONG, -EACCES, -EPERM, -ENOENT, -ENOMEM.
 */
int line_server_new(uv_loop_t *loop, const char *path, const char *group, line_handler handler,
		    void *ctx, struct line_server **ret, struct err *err);
void line_server_set_bounds(struct line_server *server, const struct line_bounds *bounds);
unsigned int line_server_clients(const struct line_server *server);
/*
 * Closes everything at once and removes the socket file if it is still ours. The memory
 * goes when the loop has run once more. Requests that still wait must be answered even
 * so; nothing is sent then. Accepts NULL.
 */
void line_server_free(struct line_server *server);

/*
 * document: from malloc(), length bytes without the final newline; the server frees it.
 * NULL: close without an answer.
 */
void line_request_answer(struct line_request *request, char *document, size_t length);

/* What becomes of a stream; ctx is the stream's. */
struct line_stream_handler {
	void (*room)(void *ctx);  /* some of what waited has been taken by the client */
	void (*ended)(void *ctx); /* the request is no more: the last call, and exactly one */
};

/*
 * In place of an answer: from now on lines go to the client, until it closes (also by
 * saying anything further), or line_request_end(), or the server is freed. What it does not
 * take waits in a buffer of buffer_bytes; a client that takes nothing is borne with.
 * false: the client has gone already; the request is no more, and ended is not called.
 */
bool line_request_stream(struct line_request *request, size_t buffer_bytes,
			 const struct line_stream_handler *handler, void *ctx);
/* A line without its newline. false: it is too long, or there is no room for it now. */
bool line_request_send(struct line_request *request, const char *line, size_t length);
/* No more lines: closes once those that wait are taken, within LINE_STALL_MS each. */
void line_request_end(struct line_request *request);

bool line_peer_has_group(const struct line_peer *peer, gid_t group);

#endif
