/* SPDX-License-Identifier: MIT */
/*
 * Where libbpf's own lines go: to nobody, or to edge_set_debug()'s callback. Of each
 * failure it keeps the words that explain it: the kernel's message to a netlink request,
 * and the verifier's last line. Process-wide, since libbpf's callback is.
 */
#ifndef HATAGO_KERN_DEBUG_H
#define HATAGO_KERN_DEBUG_H

/* Takes over libbpf's output and forgets the words kept so far. */
void debug_begin(void);
/* What the kernel said to the last netlink request since debug_begin(); "" if nothing. */
const char *debug_kernel_words(void);
/* The verifier's last complaint since debug_begin(); "" if none. */
const char *debug_verifier_words(void);

#endif
