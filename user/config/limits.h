/* SPDX-License-Identifier: MIT */
/*
 * The bounds of a configuration, beside those of the ABI (hatago/abi.h) and of each key
 * (keys.c).
 */
#ifndef HATAGO_CONFIG_LIMITS_H
#define HATAGO_CONFIG_LIMITS_H

#define CONFIG_FILE_MAX	     (64u << 20) /* bytes; two full lists of IPv6 prefixes fit */
#define CONFIG_DEPTH_MAX     8		 /* mappings and lists within each other */
#define CONFIG_PROBLEMS_MAX  1000	 /* problems that are told; more are counted */
#define CONFIG_VALUE_MAX     4096	 /* bytes of a value, after ${NAME} */
#define CONFIG_NAME_MAX	     128	 /* bytes of an environment variable's name */
#define CONFIG_SHOWN_MAX     48		 /* bytes of a value that a problem quotes */
#define CONFIG_KEY_MAX	     128	 /* bytes of a key's path in a problem */
#define CONFIG_PORTS_MAX     1024	 /* entries of edge.protect */
#define CONFIG_PINS_MAX	     200
#define CONFIG_SOCKET_MAX    107 /* sun_path, with its NUL, is 108 */
#define CONFIG_URL_PATH_MAX  200
#define CONFIG_GROUP_MAX     32
#define CONFIG_CGROUP_MAX    4000
#define CONFIG_HEADER_MAX    64	     /* bytes of a header's name */
#define CONFIG_PROXIES_MAX   1024    /* entries of gate.proxyProtocol and gate.trustedProxies */
#define CONFIG_WORD_MAX	     2048    /* bytes of a word of a command */
#define CONFIG_COST_MAX	     1000000 /* request tokens */
#define CONFIG_BODY_MAX	     (1ull << 40)
#define CONFIG_HANDSHAKE_MIN 5 /* a session begins with this many requests */
#define CONFIG_DAY_MS	     86400000u
#define CONFIG_FRAME_MIN     1514 /* bytes of a full Ethernet frame: the least burst of bytes */

#endif
