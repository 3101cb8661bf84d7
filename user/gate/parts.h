/* SPDX-License-Identifier: MIT */
/*
 * What the files of the gate share among themselves; gate.h is the outside. Every struct
 * but gate belongs to one worker and is touched by its thread alone; what the workers share
 * stands in struct gate behind its lock.
 */
#ifndef HATAGO_GATE_PARTS_H
#define HATAGO_GATE_PARTS_H

#include "base/address.h"
#include "base/list.h"
#include "core/admission.h"
#include "core/breaker.h"
#include "core/clients_own.h"
#include "core/escalate.h"
#include "core/gradient.h"
#include "core/refusal.h"
#include "core/rpc.h"
#include "core/sse.h"
#include "gate/gate.h"
#include "net/flow.h"
#include "net/http_chunked.h"
#include "net/http_message.h"

#define GATE_UNIX_PREFIX     "unix:"   /* of an address */
#define GATE_HTTP_PREFIX     "http://" /* of an upstream's */
#define GATE_HEAD_MAX	     (64 << 10) /* bytes of any head that we accept: HTTP_FIELDS_MAX of them */
#define GATE_HEAD_EXTRA	     2048	/* that we add to a head at most */
#define GATE_OUT_BYTES	     (FLOW_READ_BYTES * 2 + GATE_HEAD_MAX + GATE_HEAD_EXTRA)
#define GATE_HELD_MAX	     FLOW_READ_BYTES /* bytes of the next requests that a connection holds */
#define GATE_LINGER_BYTES    (256 << 10)     /* that are thrown away after a last answer */
#define GATE_LINGER_MS	     1000
#define GATE_SEND_MS	     30000 /* in which a client must take something of its answer */
#define GATE_RATE_MS	     4000  /* between two looks at the rate of a body */
#define GATE_ESCALATED_MAX   1024  /* escalations whose end is told */
#define GATE_EVENTS_MAX	     1024  /* that wait for the main loop; more are dropped and counted */
#define GATE_QUEUE_EVENT_MS  1000  /* between two onQueueChange at least */
#define GATE_CLIENT_TEXT_MAX 128
#ifndef GATE_OWN_CLIENTS       /* a fuzzer makes a gate for each input */
#define GATE_OWN_CLIENTS 65536 /* of the gate's own table */
#endif

/*
 * What a worker does at most in one turn of its loop, so that no callback takes long and
 * everybody's bytes have their turn. The rest is done in the turns that follow.
 */
#define GATE_ACCEPTS_MAX   16 /* connections accepted of one listener */
#define GATE_PIPELINED_MAX 64 /* requests begun that came behind another of their connection */
#define GATE_WOKEN_MAX	   32 /* requests that come out of the queue, twice in a turn */
#define GATE_ANSWERS_MAX   32 /* answers of the main loop */
#define GATE_DRAINED_MAX   64 /* connections that learn of a drain */
#define GATE_INTERIM_MAX   32 /* interim heads in one read; more are no answer */
#define GATE_ADMITTED_MAX  64 /* that come out of the queue while the lock is held once */

enum gate_timer {
	TIMER_HEAD,    /* of a client's head, from its first byte */
	TIMER_IDLE,    /* between two requests */
	TIMER_BODY,    /* the next look at the rate of a body */
	TIMER_QUEUE,   /* in the queue */
	TIMER_SEND,    /* for a client to take something */
	TIMER_LINGER,  /* for a client to close */
	TIMER_CONNECT, /* to the upstream */
	TIMER_REQUEST, /* of the upstream's answer */
	TIMER_UP_IDLE, /* an idle connection to the upstream */
	TIMER_CHECK,   /* a health check */
};

/* --- settings: the configuration, ready for use; never changed once it is in force --- */

struct setting_class {
	char *name;
	size_t length; /* without the '*' */
	bool is_beginning, exclude, has_limit;
	uint32_t cost;
	uint16_t id; /* in admission and of its bucket */
	struct hatago_limit limit;
};

_Static_assert((int)REFUSAL_KINDS == (int)CONFIG_REFUSALS, "a template for each kind");

struct settings {
	uint32_t uses; /* atomic */
	struct http_message_bounds bounds;
	uint64_t max_body_bytes;
	uint32_t max_decision_bytes, min_body_rate, max_connections, max_connections_per_client;
	uint32_t max_batch, timer_ms[FLOW_TIMERS_MAX];
	struct admission_options admission;
	bool rate_is_limited, per_client;
	struct hatago_limit rate, handshake;
	struct hatago_rules
		*rules; /* client prefixes and the limit of requests, for its own table */
	struct setting_class *routes, *methods;
	size_t route_count, method_count;
	uint32_t dearest; /* the highest cost of a method */
	struct config_weight *weights;
	size_t weight_count;
	struct hatago_prefix *proxy_protocol, *trusted;
	size_t proxy_protocol_count, trusted_count;
	enum config_client_id client_id;
	char *client_id_header; /* in lower case */
	bool x_forwarded_for, forwarded, via, inband;
	struct refusal_style style;
	char *templates[REFUSAL_KINDS];
	char *endpoint; /* of the metrics; NULL: none */
	struct escalate_options escalate;
	struct breaker_options breaker;
	bool hold_on_open;    /* whoever waits goes on waiting while the breaker is open */
	unsigned int fail_on; /* bit f: enum config_failure f counts as one */
	char *health_path;
	uint32_t health_status;	     /* 0: any below 500 */
	uint32_t health_interval_ms; /* 0: no checks */
	uint64_t trust_ns;	     /* of who completed a handshake */
	bool is_adaptive;
	struct gradient_options gradient;
};

int settings_new(const struct config *config, struct settings **ret);
struct settings *settings_use(struct settings *settings);
void settings_drop(struct settings *settings); /* accepts NULL */
/* The class of this name, or NULL. */
const struct setting_class *settings_class(const struct setting_class *classes, size_t count,
					   const char *name, size_t length);
bool settings_covers(const struct hatago_prefix *prefixes, size_t count,
		     const struct sockaddr_storage *address);
uint32_t settings_weight(const struct settings *settings, const struct sockaddr_storage *address);

/* --- the gate --- */

struct upstream {
	struct sockaddr_storage address;
	char name[TALLY_UPSTREAM_MAX]; /* as configured */
	/* behind the gate's lock */
	uint32_t outstanding; /* requests that run there */
	struct breaker breaker;
};

struct gate_message { /* to the main loop */
	struct list link;
	enum { MESSAGE_EVENT, MESSAGE_METRICS } kind;
	enum gate_event event;
	struct worker *worker; /* that asked for the metrics */
	uint64_t question;
	size_t length;
	char *text; /* the event's JSON; the answer's */
};

struct escalation {
	char client[GATE_CLIENT_TEXT_MAX];
	uint64_t until_ns;
};

struct gate {
	struct gate_owner owner;
	struct upstream upstreams[CONFIG_UPSTREAMS_MAX];
	size_t upstream_count;
	int listen_fds[CONFIG_LISTEN_MAX];
	bool listen_is_unix[CONFIG_LISTEN_MAX];
	char *listen_paths[CONFIG_LISTEN_MAX]; /* of Unix sockets, to be removed */
	size_t listen_count;
	struct worker *workers;
	size_t worker_count;

	uv_mutex_t lock; /* of all that follows; held for microseconds */
	struct settings *settings;
	struct admission *admission;
	uint64_t rate_word, handshake_word;	     /* without perClientLimits */
	uint64_t class_words[ADMISSION_CLASSES_MAX]; /* atomic */
	struct clients edge;			     /* sets NULL: there is none */
	struct clients_own *own;
	uint64_t secret[2];
	__u64 key_secret[2]; /* the same, as the table's cipher takes it */
	struct escalate *escalate;
	struct escalation escalations[GATE_ESCALATED_MAX];
	size_t escalation_count;
	uint64_t last_tokens; /* of the bucket that was asked last */
	uint64_t queue_told_ns;
	uint32_t queue_told;
	uint32_t connections;
	struct peer *peers;	/* who is connected */
	struct list peers_told; /* those of whom the edge was told, the oldest news first */
	unsigned int next_upstream;
	enum breaker_state breaker_state; /* of all upstreams together, as last told */
	struct gradient gradient;
	double scale;		/* of maxConcurrent, by pressure */
	uint64_t next_check_ns; /* atomic: of the upstreams' health; UINT64_MAX: never */

	uv_async_t async; /* on the main loop: messages, and whatever the breakers have to do */
	uv_timer_t breaker_timer;
	unsigned int open_handles; /* of these two, while they are closed */
	uv_mutex_t messages_lock;
	struct list messages;
	uint32_t message_count;
	uint64_t events_dropped; /* atomic */
};

/* --- a worker --- */

struct worker {
	struct gate *gate;
	uv_thread_t thread;
	uv_loop_t loop;
	struct flow_loop flows;
	uv_async_t async;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_poll_t listeners[CONFIG_LISTEN_MAX];
	int listener_fds[CONFIG_LISTEN_MAX];
	size_t listener_count;
	uv_timer_t accept_again; /* after descriptors or memory had run out */
	struct settings *settings;
	struct list conns;			    /* all of its connections, but for `draining` */
	struct list idle_ups[CONFIG_UPSTREAMS_MAX]; /* the latest used first */
	struct list later;    /* connections that hold more requests than they may begin now */
	struct list draining; /* those that have not heard of the drain yet */
	struct list asked;    /* those that wait for the main loop's answer, in its order */
	struct list answers;  /* which it has given */
	unsigned int pipelined_left; /* of GATE_PIPELINED_MAX in this turn */
	struct list woken;	     /* exchanges that may run, or lost their place */
	struct list detached;	     /* exchanges whose client has left */
	struct list spare_exchanges;
	uint64_t next_question;
	uint32_t in_flight;	/* exchanges that are no streams; the main thread reads it */
	uint64_t told_since_ns; /* events of refusals in this second */
	uint32_t told;
	bool has_loop, is_started, is_stopping, is_draining;
	struct health *health; /* the first one's alone */
	struct tally tally;

	uv_mutex_t inbox_lock; /* of these */
	struct list inbox_woken, inbox_answers;
	struct settings *inbox_settings;
	bool inbox_drain, inbox_stop;

	/* Scratch, good within one callback. */
	struct http_message message;
	size_t out_length;
	bool out_is_short; /* something did not fit: what is in it must not be sent */
	char out[GATE_OUT_BYTES];
};

int worker_init(struct worker *worker, struct gate *gate, struct err *err);
int worker_start(struct worker *worker, struct err *err);
/* From any thread. */
void worker_poke(struct worker *worker);
void worker_done(struct worker *worker);
/* Request tokens in the bucket, or in the client's that was asked last; the lock is held. */
uint64_t gate_tokens(const struct gate *gate);
/* By which a client is told apart from others, spread so that nobody can choose it. */
uint64_t gate_key(const struct gate *gate, struct hatago_client_id id);
/* To the main loop; takes the text. */
void gate_tell(struct gate *gate, enum gate_event event, char *json);
int gate_ask_metrics(struct gate *gate, struct worker *worker, uint64_t question);

/* --- a client's connection --- */

enum conn_state {
	CONN_PROXY,  /* waits for the PROXY protocol's header */
	CONN_HEAD,   /* waits for a head, or for the rest of it */
	CONN_BUSY,   /* has an exchange */
	CONN_LOCAL,  /* waits for the main loop's answer */
	CONN_LINGER, /* the last answer is sent; what comes is thrown away */
	CONN_CLOSED,
};

struct conn {
	struct flow flow;
	struct worker *worker;
	struct list link;
	struct list waits; /* in its worker's `later` or `asked` */
	uint64_t question; /* in LOCAL: the number of what it asked */
	enum conn_state state;
	struct exchange *exchange; /* NULL unless BUSY */
	char *held;		   /* bytes that nobody has taken yet; NULL: none */
	size_t held_length, held_capacity;
	struct http_scan scan;
	struct sockaddr_storage peer; /* or whom a listed proxy names */
	char peer_text[46];	      /* "" for a Unix socket */
	struct hatago_client_id id;   /* of `peer` */
	bool has_address;	      /* `peer` is an address: else the socket is a Unix one */
	bool is_trusted;	      /* its headers are believed */
	bool counts;		      /* in gate->peers */
	bool is_proxied;	      /* a PROXY header says who `peer` is */
	bool is_direct;		      /* `peer` itself completed the handshake */
	bool keep_alive, is_http10;
	bool has_begun;	  /* a request, since it last had its turn */
	bool is_taking;	  /* conn_input() runs: whoever calls it from within only adds */
	uint64_t discard; /* bytes of a refused request's body that are still to come */
	size_t lingered;
};

/* Takes the socket. peer: of AF_UNIX where it has no address. */
void conn_accept(struct worker *worker, int fd, const struct sockaddr_storage *peer);
void conn_close(struct conn *conn);
/* The exchange is over: the next request, or the end. */
void conn_next(struct conn *conn);
/* After an answer with which the connection ends: nothing is to be lost on its way. */
void conn_finish(struct conn *conn);
/* Takes what is held, and reads on. */
void conn_resume(struct conn *conn);
int conn_hold(struct conn *conn, const char *bytes, size_t n);
int conn_send(struct conn *conn, const char *head, size_t head_length, const char *body,
	      size_t body_length);
/* Asks the main loop for the metrics, and answers with them. text: NULL where there are none. */
void conn_ask_metrics(struct conn *conn);
void conn_metrics(struct worker *worker, uint64_t question, char *text, size_t length);

/* --- a request and its answer --- */

enum exchange_phase {
	EXCHANGE_DECIDING, /* its body is read as far as the decision needs */
	EXCHANGE_WAITING,  /* in the queue */
	EXCHANGE_RUNNING,  /* at the upstream, or on the way there */
};

struct exchange {
	struct worker *worker;
	struct conn *conn; /* NULL: the client has left, the upstream not yet */
	struct up *up;	   /* NULL: none yet */
	struct list link;  /* among the worker's woken or spare */
	struct list detached;
	enum exchange_phase phase;
	enum { LOST_NOTHING, LOST_DISPLACED, LOST_BREAKER } lost; /* woken to hear that */
	struct ticket ticket;
	uint64_t began_ns, first_ns;
	uint64_t ran_ns;   /* when it got its pass, or, if that came later, was whole */
	uint64_t head_ns;  /* when its answer began; 0: not yet */
	uint32_t upstream; /* where it goes, once it had a pass */
	uint32_t tried;	   /* bit i: upstream i could not be reached */
	int last_error;	   /* of the last of them */
	bool has_pass;
	struct breaker_pass pass;
	uint8_t failure; /* the bit of an enum config_failure; 0: none yet */

	/* the request */
	enum http_framing framing;
	uint64_t left, body_bytes, rate_bytes;
	struct http_chunked chunked;
	bool request_is_done, is_head, is_idempotent, is_get_stream;
	bool is_json, is_exempt, is_handshake, is_new_era, is_upgrade, expects_continue;
	uint32_t cost, route_cost, class_cost; /* request tokens */
	struct hatago_limit class_limit;       /* of the class's own bucket */
	bool has_class_limit, has_entered;     /* entered: the admission may know it */
	uint32_t batch_requests, batch_others; /* messages that are limited, and others */
	char *early;			       /* head and body that wait for the upstream */
	size_t early_length, early_capacity;
	bool early_is_sent;	    /* and is kept to be sent again */
	struct hatago_client_id id; /* of its client: the connection's, or whom a header names */
	bool id_is_address;	    /* the edge knows this client by the same id */
	uint8_t name_length;	    /* of what the header says; 0: the peer's address */
	char name[64];		    /* cut */

	/* the answer */
	struct http_scan scan;
	uint16_t status;
	enum http_framing answer_framing;
	uint64_t answer_left;
	struct http_chunked answer_chunked;
	bool answer_has_begun, answer_is_chunked_out, up_keep_alive;
	bool is_sse, is_stream, is_tunnel, up_has_ended, has_interim;
	bool is_one_stream_too_many, is_released;
	bool is_rpc_answer; /* JSON that may turn out to be an internal error */

	/* From here on: made ready by whoever uses them first. */
	struct rpc rpc;
	struct rpc_message first; /* the first that is limited: a refusal bears its id */
	struct sse sse;
};

/* request.c. How many of the bytes the request took; a head must be whole. */
void request_begin(struct conn *conn, const char *head, size_t length);
size_t request_body(struct exchange *x, const char *bytes, size_t n);

static inline struct exchange *exchange_of(struct ticket *ticket)
{
	return LIST_ITEM(ticket, struct exchange, ticket);
}

/* admit.c */
void admit(struct exchange *x);
/* The upstream answers with a stream, for which there is no place. */
void refuse_stream(struct exchange *x);
/* It may run now, or has lost its place to another. */
void admit_woken(struct exchange *x);
/* Its time in the queue is over. */
void admit_too_late(struct exchange *x);

/* settle.c */
/* Has its worker hear of it, later. here: the worker that calls; NULL: the main thread. */
void wake(struct exchange *x, struct worker *here);
/* Runs whoever may run now, and whom an upstream may have. The lock is held. */
void admit_others(struct gate *gate, struct worker *here, uint64_t now_ns);
/* It holds no permit from now on, but a place among the streams. false: there is none. */
bool become_stream(struct exchange *x);
/* Before the last byte of its answer, so that whoever has seen that finds the permit free. */
void release_permit(struct exchange *x);
/* The single exit: permits, counters, the next waiter. The exchange is gone after it. */
void settle(struct exchange *x, enum tally_outcome outcome);

/* tell.c; the lock is held, but for tell_refusal(). */
void tell_refusal(struct exchange *x, const struct refusal *refusal);
/* At most once in a while, and when the queue begins or ends. */
void tell_queue(struct gate *gate, uint64_t now_ns);
/* It was refused by its own bucket, which is full again in debt_ns. */
void escalate(struct exchange *x, const struct clients *clients, uint64_t debt_ns, uint64_t now_ns);
/* Another limit on what runs at once; reason: what sets it, "latency", "pressure" or
 * "configuration". */
void tell_limit(struct gate *gate, uint32_t old, uint32_t limit, const char *reason);
/* has_opened: of all upstreams together, none may have anything any more. */
void tell_breaker(struct gate *gate, const struct upstream *upstream,
		  const struct breaker_change *change, bool has_opened);

/* dispatch.c; the lock is held, but for dispatch_again() and dispatch_turn(). */
/* May anything go to any upstream now? */
bool dispatch_may(const struct gate *gate, uint64_t now_ns);
/* Gives it a pass for one that it has not tried; false: none is to be had. */
bool dispatch_choose(struct exchange *x, uint64_t now_ns);
/* Gives the pass back, if it has one, and has the breaker and the adaptation learn of it. */
void dispatch_done(struct exchange *x, uint64_t now_ns);
/* Its upstream could not be reached: it gets a pass for another, if there is one. */
void dispatch_again(struct exchange *x);
/* Tells of what a call of breaker_...() has changed, and does what follows from that. */
void dispatch_follow(struct gate *gate, struct upstream *upstream, uint64_t now_ns);
/* On the main loop: what the breakers do by the clock. When to call it again, as a time. */
uint64_t dispatch_turn(struct gate *gate);

/* adapt.c; the lock is held. */
void adapt_sample(struct gate *gate, uint64_t took_ns, bool has_failed, uint64_t now_ns);
void adapt_begin(struct gate *gate, uint64_t now_ns);
/* After new settings. */
void adapt_follow(struct gate *gate);

/* health.c, for the worker that checks the upstreams; the others have no health. -ENOMEM. */
int health_new(struct worker *worker);
/* Its settings have changed. */
void health_follow(struct worker *worker);
/* Closes all of it; its memory is the worker's to free once the loop has ended. */
void health_stop(struct worker *worker);

/* up.c */
struct up {
	struct flow flow;
	struct worker *worker;
	struct list link; /* idle */
	uint32_t index;	  /* of the upstream */
	struct exchange *exchange;
	char *held; /* of a head that is not whole */
	size_t held_length;
	bool is_connected, was_used;
};

/*
 * To the upstream that it has a pass for. false: neither that nor another can be reached,
 * which is answered; the exchange is gone.
 */
bool up_run(struct exchange *x);
/* Sends what is gathered in the worker's scratch; keeps it where it can't be sent yet. */
void up_flush(struct exchange *x);
/* What keeps us from connecting says nothing of the upstream. */
bool up_is_our_shortage(int error);
/* Back to the pool, or closed. */
void up_release(struct up *up, bool is_clean);
void up_close_idle(struct worker *worker);

/* response.c */
void response_bytes(struct exchange *x, const char *bytes, size_t n);
void response_ended(struct exchange *x, int error);
/* The client is gone, or sends no more. */
void exchange_client_left(struct exchange *x, bool is_half);

/* refuse.c */
void refuse(struct exchange *x, const struct refusal *refusal, uint64_t burst, uint64_t window_s);
/* An answer of our own before anything of another was sent; closes unless `keep`. */
void answer_error(struct conn *conn, int status, const char *json, size_t json_length, bool keep);
void answer_failure(struct exchange *x, int status, const char *type, const char *message);
void answer_text(struct conn *conn, const char *type, const char *text, size_t length);

/* heads.c: into the worker's scratch. */
/* Empties it: what a callback finds in it is somebody else's. */
static inline void out_begin(struct worker *worker)
{
	worker->out_length = 0;
	worker->out_is_short = false;
}
void out_bytes(struct worker *worker, const char *bytes, size_t n);
/* Of a text that the compiler knows. */
static inline void out_text(struct worker *worker, const char *text)
{
	out_bytes(worker, text, __builtin_strlen(text));
}
void out_number(struct worker *worker, uint64_t number);
void out_chunk(struct worker *worker, const char *bytes, size_t n);
void head_request(struct exchange *x, const struct http_message *message);
void head_response(struct exchange *x, const struct http_message *message);
const char *head_reason(int status);

/* identify.c */
void identify_conn(struct conn *conn);
void identify_request(struct exchange *x, const struct http_message *message);

#endif
