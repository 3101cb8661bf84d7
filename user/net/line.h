/* SPDX-License-Identifier: MIT */
/*
 * The control socket's protocol, for both of its ends: over a Unix stream socket the
 * client sends one line, the server answers one document and a newline, and closes. A
 * document without its newline was cut short. Or else the client follows: the server
 * sends lines, as they come up, until either side closes. What they say is not this layer's
 * business.
 */
#ifndef HATAGO_NET_LINE_H
#define HATAGO_NET_LINE_H

#define LINE_BYTES_MAX		((size_t)1 << 20)  /* of the line, without its newline */
#define LINE_DOCUMENT_BYTES_MAX ((size_t)1 << 30)  /* of the document, without its newline */
#define LINE_FOLLOWED_BYTES_MAX ((size_t)64 << 10) /* of each line that is followed, likewise */

#endif
