// SPDX-License-Identifier: MIT
/*
 * See packet_rows.h. One long table, since that is what it is; in the order of the
 * headers. Offsets in `cut`: Ethernet 14, a VLAN tag 4, IPv4 20, IPv6 40, TCP 20, UDP 8.
 */
#include "packet_rows.h"

#include <linux/if_ether.h>

#define F(...)                     \
	{                          \
		ETH(), __VA_ARGS__ \
	}
#define PASS(why)  HATAGO_VERDICT_PASS, HATAGO_REASON_##why
#define DROP(why)  HATAGO_VERDICT_DROP, HATAGO_REASON_##why
#define WOULD(why) HATAGO_VERDICT_WOULD_DROP, HATAGO_REASON_##why
#define WEB	   TCP(.port = 80, .flags = PACKET_ACK)
#define DNS	   UDP(.port = 53)
#define ETH_AT	   14
#define IP4_AT	   (ETH_AT + 20)
#define IP6_AT	   (ETH_AT + 40)

/* A row a line reads better than the layout of nested braces. */
/* clang-format off */
const struct packet_row packet_rows[] = {
	/* What is neither IPv4 nor IPv6 */
	{"ARP", {ETH(.type = ETH_P_ARP), RAW(.size = 28)}, 0, ROW_ALL, PASS(ARP)},
	{"ARP cut short", {ETH(.type = ETH_P_ARP), RAW(.size = 28)}, 18, ROW_ALL, PASS(ARP)},
	{"ARP behind a VLAN tag", {ETH(.type = ETH_P_8021Q), RAW(.size = 4)}, 18, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"ARP while everybody is denied", {ETH(.type = ETH_P_ARP), RAW(.size = 28)}, 0, ROW_ALL | ROW_DENY_ALL, PASS(ARP)},
	{"LLDP", {ETH(.type = 0x88cc), RAW(.size = 46)}, 0, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"802.3 with a length", {ETH(.type = 38), RAW(.size = 46)}, 0, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"MPLS", {ETH(.type = ETH_P_MPLS_UC), RAW(.size = 46)}, 0, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"PPPoE", {ETH(.type = ETH_P_PPP_SES), RAW(.size = 46)}, 0, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"runt of 14 bytes, unknown type", {ETH(.type = 0x1234)}, 0, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"runt of 14 bytes, IPv4", {ETH(.type = ETH_P_IP)}, 0, ROW_ALL | ROW_NOT_TC, DROP(MALFORMED)},
	{"runt of 14 bytes, IPv6", {ETH(.type = ETH_P_IPV6)}, 0, ROW_ALL | ROW_NOT_TC, DROP(MALFORMED)},

	/* VLAN tags */
	{"no tag", F(IP4(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"one tag, 802.1Q", F(VLAN(), IP4(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"one tag, 802.1ad", F(VLAN(.type = ETH_P_8021AD), IP4(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"two tags, 802.1ad and 802.1Q", F(VLAN(.type = ETH_P_8021AD), VLAN(), IP4(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"two tags, 802.1Q twice, IPv6", F(VLAN(), VLAN(), IP6(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"two tags, another port", F(VLAN(), VLAN(), IP6(), TCP(.port = 81)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"three tags", F(VLAN(.type = ETH_P_8021AD), VLAN(), VLAN(), IP4(), WEB), 0, ROW_ALL, PASS(DEEP_VLAN)},
	{"tag cut short", F(VLAN(), IP4(), WEB), 16, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"tag and nothing behind it", F(VLAN(), IP4(), WEB), 18, ROW_ALL, DROP(MALFORMED)},
	{"second tag cut short", F(VLAN(), VLAN(), IP4(), WEB), 20, ROW_ALL, PASS(OTHER_PROTOCOL)},
	{"IPv4 cut short behind two tags", F(VLAN(), VLAN(), IP4(), WEB), 40, ROW_ALL, DROP(MALFORMED)},

	/* IPv4 headers */
	{"IPv4, ihl 6", F(IP4(.words = 6), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 7", F(IP4(.words = 7), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 8", F(IP4(.words = 8), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 9", F(IP4(.words = 9), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 10", F(IP4(.words = 10), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 11", F(IP4(.words = 11), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 12", F(IP4(.words = 12), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 13", F(IP4(.words = 13), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 14", F(IP4(.words = 14), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 15", F(IP4(.words = 15), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4, ihl 15, another port", F(IP4(.words = 15), TCP(.port = 81)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"IPv4, ihl 4", F(IP4(.claimed = 4 + 1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, ihl 0", F(IP4(.claimed = 0 + 1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, ihl beyond the frame", F(IP4(.claimed = 15 + 1)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, ihl beyond the total length", F(IP4(.claimed = 15 + 1), RAW(.size = 10)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4 with version 6", F(IP4(.version = 6), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4 with version 5", F(IP4(.version = 5), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, total length below its header", F(IP4(.length_error = -21), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, total length 0", F(IP4(.zero_length = 1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, total length beyond the frame", F(IP4(.length_error = 1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, total length ends in the TCP header", F(IP4(.length_error = -1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4, padded to 60 bytes", F(IP4(.length_error = -6), WEB, RAW(.size = 6)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv4 cut short by a byte", F(IP4(), WEB), IP4_AT - 1, ROW_PORTS | ROW_NOT_TC, DROP(MALFORMED)},
	{"IPv4 cut in its options", F(IP4(.words = 15), WEB), IP4_AT + 10, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4 and nothing behind it", F(IP4(.next = 6), RAW()), IP4_AT, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4 from a multicast address", F(IP4(.source = "224.0.0.1"), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4 from 239.255.255.255", F(IP4(.source = "239.255.255.255"), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv4 from 0.0.0.0, as DHCP has it", F(IP4(.source = "0.0.0.0"), UDP(.port = 67)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"IPv4 from 240.0.0.1", F(IP4(.source = "240.0.0.1"), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},

	/* Fragments of IPv4 */
	{"first fragment to the port", F(IP4(.fragment = PACKET_MORE), WEB, RAW(.size = 400)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"first fragment to another port", F(IP4(.fragment = PACKET_MORE), TCP(.port = 81), RAW(.size = 400)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"first fragment of UDP, whose length is the datagram's", F(IP4(.fragment = PACKET_MORE), UDP(.port = 53, .length_error = 1000), RAW(.size = 400)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"first fragment too small for TCP", F(IP4(.fragment = PACKET_MORE, .next = 6), RAW(.size = 16)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"first fragment that ends in TCP's options", F(IP4(.fragment = PACKET_MORE), TCP(.port = 80, .claimed = 8 + 1), RAW(.size = 4)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"first fragment too small for UDP", F(IP4(.fragment = PACKET_MORE, .next = 17), RAW(.size = 4)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"don't fragment", F(IP4(.fragment = 0x4000), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment, ports are protected", F(IP4(.fragment = 50, .next = 17), RAW(.size = 400)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment with more to come", F(IP4(.fragment = PACKET_MORE | 50, .next = 6), RAW(.size = 400)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment over the TCP flags", F(IP4(.fragment = 1, .next = 6), RAW(.size = 8)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment of a byte", F(IP4(.fragment = 50, .next = 6), RAW(.size = 1)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment of GRE, ports are protected", F(IP4(.fragment = 50, .next = 47), RAW(.size = 8)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment of ICMP, ports are protected", F(IP4(.fragment = 50, .next = 1), RAW(.size = 8)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment of TCP, only ICMP is protected", F(IP4(.fragment = 50, .next = 6), RAW(.size = 400)), 0, ROW_ICMP, PASS(NOT_PROTECTED)},
	{"later fragment of ICMP, only ICMP is protected", F(IP4(.fragment = 50, .next = 1), RAW(.size = 400)), 0, ROW_ICMP, PASS(WITHIN_LIMITS)},
	{"later fragment, nothing is protected", F(IP4(.fragment = 50, .next = 17), RAW(.size = 400)), 0, 0, PASS(NOT_PROTECTED)},
	{"later fragment, everything is protected", F(IP4(.fragment = 50, .next = 47), RAW(.size = 400)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},
	{"later fragment of a denied source", F(IP4(.fragment = 50, .next = 17), RAW(.size = 400)), 0, ROW_PORTS | ROW_DENY_ALL, DROP(DENIED)},

	/* IPv6 headers */
	{"IPv6", F(IP6(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv6 with version 4", F(IP6(.version = 4), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv6 cut short by a byte", F(IP6(), WEB), IP6_AT - 1, ROW_PORTS | ROW_NOT_TC, DROP(MALFORMED)},
	{"IPv6, payload length beyond the frame", F(IP6(.length_error = 1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv6, payload length ends in the TCP header", F(IP6(.length_error = -1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv6, payload length 0 before TCP", F(IP6(.zero_length = 1), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv6, padded", F(IP6(.length_error = -6), WEB, RAW(.size = 6)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv6, no next header", F(IP6(.next = 59), RAW(.size = 20)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"IPv6, no next header, everything", F(IP6(.next = 59), RAW(.size = 20)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},
	{"IPv6 from a multicast address", F(IP6(.source = "ff02::1"), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv6 from what is IPv4 in the table", F(IP6(.source = "ffff:4:c633:6407::"), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv6 from a mapped IPv4 address", F(IP6(.source = "::ffff:198.51.100.7"), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"IPv6 from ::", F(IP6(.source = "::"), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"IPv6 from a link-local address", F(IP6(.source = "fe80::1"), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},

	/* Extension headers */
	{"hop-by-hop options", F(IP6(), HOPOPTS(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"hop-by-hop options, another port", F(IP6(), HOPOPTS(), TCP(.port = 81)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"routing header", F(IP6(), ROUTING(.size = 24), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"destination options", F(IP6(), DSTOPTS(.size = 16), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"destination options of 2048 bytes", F(IP6(), DSTOPTS(.size = 2048), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"AH", F(IP6(), AH(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"AH of 8 bytes", F(IP6(), AH(.size = 8), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"AH of 28 bytes, which 8 doesn't divide", F(IP6(), AH(.size = 28), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"AH, another port", F(IP6(), AH(), TCP(.port = 81)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"AH longer than the packet", F(IP6(), AH(.length_error = 6), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"all kinds of extension headers", F(IP6(), HOPOPTS(), DSTOPTS(), ROUTING(), FRAGMENT6(), AH(), DSTOPTS(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"8 extension headers", F(IP6(), HOPOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"8 extension headers, another port", F(IP6(), HOPOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), TCP(.port = 81)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"8 extension headers behind two tags", F(VLAN(), VLAN(), IP6(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DNS), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"9 extension headers", F(IP6(), HOPOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), WEB), 0, ROW_PORTS, DROP(DEEP_IPV6)},
	{"9 extension headers, IPv6 isn't protected", F(IP6(), HOPOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), WEB), 0, ROW_PORTS | ROW_NO_IPV6, PASS(DEEP_IPV6)},
	{"9 extension headers, only watching", F(IP6(), HOPOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), DSTOPTS(), WEB), 0, ROW_PORTS | ROW_WATCH, WOULD(DEEP_IPV6)},
	{"hop-by-hop options behind others", F(IP6(), DSTOPTS(), HOPOPTS(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"extension header longer than the packet", F(IP6(), DSTOPTS(.length_error = 3), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"extension header that swallows TCP", F(IP6(), DSTOPTS(.length_error = 2), WEB), 0, ROW_PORTS, DROP(MALFORMED)},
	{"extension header cut short", F(IP6(), DSTOPTS(), WEB), IP6_AT + 1, ROW_PORTS, DROP(MALFORMED)},
	{"extension header announced, not there", F(IP6(.next = 60), RAW()), IP6_AT, ROW_PORTS, DROP(MALFORMED)},
	{"ESP, which hides the port", F(IP6(.next = 50), RAW(.size = 40)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"ESP, everything is protected", F(IP6(.next = 50), RAW(.size = 40)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},

	/* Fragments of IPv6 */
	{"atomic fragment", F(IP6(), FRAGMENT6(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"atomic fragment, another port", F(IP6(), FRAGMENT6(), TCP(.port = 81)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"first fragment, IPv6", F(IP6(), FRAGMENT6(.fragment = PACKET_MORE6), WEB, RAW(.size = 400)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"first fragment of UDP, IPv6", F(IP6(), FRAGMENT6(.fragment = PACKET_MORE6), UDP(.port = 53, .length_error = 1000), RAW(.size = 400)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"first fragment too small for TCP, IPv6", F(IP6(), FRAGMENT6(.fragment = PACKET_MORE6, .next = 6), RAW(.size = 16)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"later fragment, IPv6", F(IP6(), FRAGMENT6(.fragment = 400, .next = 6), RAW(.size = 100)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment behind other headers", F(IP6(), HOPOPTS(), FRAGMENT6(.fragment = 400 | PACKET_MORE6, .next = 6), RAW(.size = 104)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment that calls itself ICMPv6", F(IP6(), FRAGMENT6(.fragment = 400, .next = 58), RAW(.size = 100)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment that looks like neighbour discovery", F(IP6(.hop_limit = 255), FRAGMENT6(.fragment = 8), ICMP(.type = 135)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment of destination options", F(IP6(), FRAGMENT6(.fragment = 400, .next = 60), RAW(.size = 3)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"later fragment, nothing is protected, IPv6", F(IP6(), FRAGMENT6(.fragment = 400, .next = 6), RAW(.size = 100)), 0, 0, PASS(NOT_PROTECTED)},
	{"fragment header cut short", F(IP6(), FRAGMENT6(.fragment = 400), WEB), IP6_AT + 6, ROW_PORTS, DROP(MALFORMED)},

	/* TCP */
	{"TCP, SYN", F(IP4(), TCP(.port = 80, .flags = PACKET_SYN)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"TCP with options", F(IP4(), TCP(.port = 80, .words = 15)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"TCP, header of 4 words", F(IP4(), TCP(.port = 80, .claimed = 4 + 1)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP, header of 0 words", F(IP6(), TCP(.port = 80, .claimed = 0 + 1)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP, header beyond the packet", F(IP4(), TCP(.port = 80, .claimed = 6 + 1)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP, header of 15 words beyond the packet", F(IP6(), TCP(.port = 80, .claimed = 15 + 1), RAW(.size = 39)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP, options in the padding", F(IP4(.length_error = -8), TCP(.port = 80, .words = 7)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP cut short, whatever the port", F(IP4(), TCP(.port = 81)), IP4_AT + 19, ROW_PORTS, DROP(MALFORMED)},
	{"TCP of 19 bytes", F(IP4(.next = 6), RAW(.size = 19)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP of 19 bytes and padding", F(IP4(.next = 6, .length_error = -7), RAW(.size = 26)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP of 19 bytes, IPv6", F(IP6(.next = 6), RAW(.size = 19)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"TCP cut after the ports", F(IP6(), TCP(.port = 80)), IP6_AT + 4, ROW_PORTS, DROP(MALFORMED)},
	{"TCP to another port", F(IP4(), TCP(.port = 443)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"TCP to a port that is protected for UDP", F(IP4(), TCP(.port = 53)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"TCP reply to the host's own connection", F(IP4(), TCP(.port = 40001, .flags = PACKET_SYN | PACKET_ACK)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"TCP, everything is protected", F(IP4(), TCP(.port = 443)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},
	{"TCP, nothing is protected", F(IP4(), WEB), 0, 0, PASS(NOT_PROTECTED)},
	{"TCP, only ICMP is protected", F(IP6(), WEB), 0, ROW_ICMP, PASS(NOT_PROTECTED)},

	/* UDP */
	{"UDP", F(IP4(), DNS, RAW(.size = 30)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP without a payload", F(IP6(), DNS), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP to a port that is protected for TCP", F(IP4(), UDP(.port = 80)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"UDP, below the range", F(IP4(), UDP(.port = 5999)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"UDP, first of the range", F(IP4(), UDP(.port = 6000)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP, last of the range", F(IP4(), UDP(.port = 6063)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP, above the range", F(IP4(), UDP(.port = 6064)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"UDP, port 65535", F(IP6(), UDP(.port = 65535)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP, port 65534", F(IP6(), UDP(.port = 65534)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"UDP, port 0", F(IP6(), UDP(.port = 0)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP, length below its header", F(IP4(), UDP(.port = 53, .length_error = -1)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"UDP, length 0", F(IP6(), UDP(.port = 53, .zero_length = 1), RAW(.size = 30)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP, length below the packet's", F(IP4(), UDP(.port = 53, .length_error = -10), RAW(.size = 30)), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
	{"UDP, length beyond the packet", F(IP4(), UDP(.port = 53, .length_error = 1), RAW(.size = 30)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"UDP, length beyond the packet, IPv6", F(IP6(), UDP(.port = 53, .length_error = 500), RAW(.size = 30)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"UDP of 7 bytes", F(IP4(.next = 17), RAW(.size = 7)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"UDP of 7 bytes, IPv6", F(IP6(.next = 17), RAW(.size = 7)), 0, ROW_PORTS, DROP(MALFORMED)},
	{"UDP cut short", F(IP4(), DNS), IP4_AT + 7, ROW_PORTS, DROP(MALFORMED)},

	/* Other transports */
	{"GRE", F(IP4(), OTHER(.type = 47, .size = 40)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"GRE, everything is protected", F(IP4(), OTHER(.type = 47, .size = 40)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},
	{"SCTP to a protected port's number", F(IP4(), OTHER(.type = 132, .size = 40)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"IPv4 in IPv6", F(IP6(), IP4(), WEB), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"IPv6 in IPv4, everything is protected", F(IP4(), OTHER(.type = 41, .size = 60)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},

	/* ICMP */
	{"ICMP echo", F(IP4(), ICMP(.type = 8)), 0, ROW_ICMP, PASS(WITHIN_LIMITS)},
	{"ICMP echo, only ports are protected", F(IP4(), ICMP(.type = 8)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"ICMP echo, everything is protected", F(IP4(), ICMP(.type = 8)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},
	{"ICMP cut short", F(IP4(), ICMP(.type = 8)), IP4_AT + 3, ROW_ICMP, DROP(MALFORMED)},
	{"ICMP of 4 bytes", F(IP4(.next = 1), RAW(.size = 4)), 0, ROW_ICMP, DROP(MALFORMED)},
	{"ICMPv6 echo", F(IP6(), ICMP(.type = 128)), 0, ROW_ICMP, PASS(WITHIN_LIMITS)},
	{"ICMPv6 echo with hop limit 255", F(IP6(.hop_limit = 255), ICMP(.type = 128)), 0, ROW_ICMP, PASS(WITHIN_LIMITS)},
	{"ICMPv6 echo, only ports are protected", F(IP6(), ICMP(.type = 128)), 0, ROW_PORTS, PASS(NOT_PROTECTED)},
	{"ICMPv6 behind extension headers", F(IP6(), HOPOPTS(), ICMP(.type = 128)), 0, ROW_ICMP, PASS(WITHIN_LIMITS)},
	{"ICMPv6 announced, not there", F(IP6(.next = 58), RAW()), IP6_AT, ROW_ICMP, DROP(MALFORMED)},
	{"ICMPv6 of 4 bytes", F(IP6(.next = 58), RAW(.size = 4)), 0, ROW_ICMP, DROP(MALFORMED)},

	/* Neighbour discovery */
	{"router solicitation", F(IP6(.hop_limit = 255), ICMP(.type = 133)), 0, ROW_ALL, PASS(NEIGHBOR_DISCOVERY)},
	{"router advertisement", F(IP6(.hop_limit = 255), ICMP(.type = 134)), 0, ROW_ALL, PASS(NEIGHBOR_DISCOVERY)},
	{"neighbour solicitation", F(IP6(.hop_limit = 255), ICMP(.type = 135), RAW(.size = 24)), 0, ROW_ICMP, PASS(NEIGHBOR_DISCOVERY)},
	{"neighbour solicitation from ::", F(IP6(.hop_limit = 255, .source = "::"), ICMP(.type = 135), RAW(.size = 16)), 0, ROW_ALL, PASS(NEIGHBOR_DISCOVERY)},
	{"neighbour advertisement", F(IP6(.hop_limit = 255), ICMP(.type = 136), RAW(.size = 24)), 0, ROW_ALL, PASS(NEIGHBOR_DISCOVERY)},
	{"redirect", F(IP6(.hop_limit = 255), ICMP(.type = 137), RAW(.size = 32)), 0, ROW_ALL, PASS(NEIGHBOR_DISCOVERY)},
	{"neighbour solicitation of a denied source", F(IP6(.hop_limit = 255), ICMP(.type = 135), RAW(.size = 24)), 0, ROW_ALL | ROW_DENY_ALL, PASS(NEIGHBOR_DISCOVERY)},
	{"neighbour solicitation behind a tag", F(VLAN(), IP6(.hop_limit = 255), ICMP(.type = 135), RAW(.size = 24)), 0, ROW_ALL, PASS(NEIGHBOR_DISCOVERY)},
	{"neighbour solicitation from afar, hop limit 254", F(IP6(.hop_limit = 254), ICMP(.type = 135), RAW(.size = 24)), 0, ROW_ICMP, PASS(WITHIN_LIMITS)},
	{"neighbour solicitation from afar, denied", F(IP6(.hop_limit = 64), ICMP(.type = 135), RAW(.size = 24)), 0, ROW_ALL | ROW_DENY_ALL, DROP(DENIED)},
	{"type 132 with hop limit 255", F(IP6(.hop_limit = 255), ICMP(.type = 132)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},
	{"type 138 with hop limit 255", F(IP6(.hop_limit = 255), ICMP(.type = 138)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},
	{"type 135 of ICMP, not of ICMPv6", F(IP4(.hop_limit = 255), ICMP(.type = 135)), 0, ROW_ALL, PASS(WITHIN_LIMITS)},

	/* Families, enforcement, confirmation */
	{"IPv4, only IPv6 is protected", F(IP4(), WEB), 0, ROW_ALL | ROW_NO_IPV4, PASS(NOT_PROTECTED)},
	{"IPv6, only IPv4 is protected", F(IP6(), WEB), 0, ROW_ALL | ROW_NO_IPV6, PASS(NOT_PROTECTED)},
	{"malformed IPv4, only IPv6 is protected", F(IP4(.version = 6), WEB), 0, ROW_ALL | ROW_NO_IPV4, PASS(MALFORMED)},
	{"malformed IPv6, only IPv4 is protected", F(IP6(.length_error = 1), WEB), 0, ROW_ALL | ROW_NO_IPV6, PASS(MALFORMED)},
	{"malformed IPv4, only IPv4 is protected", F(IP4(.version = 6), WEB), 0, ROW_ALL | ROW_NO_IPV6, DROP(MALFORMED)},
	{"malformed IPv6, only IPv6 is protected", F(IP6(.length_error = 1), WEB), 0, ROW_ALL | ROW_NO_IPV4, DROP(MALFORMED)},
	{"malformed, only watching", F(IP4(.version = 6), WEB), 0, ROW_ALL | ROW_WATCH, WOULD(MALFORMED)},
	{"malformed, only watching, not protected", F(IP4(.version = 6), WEB), 0, ROW_ALL | ROW_WATCH | ROW_NO_IPV4, PASS(MALFORMED)},
	{"denied", F(IP4(), WEB), 0, ROW_PORTS | ROW_DENY_ALL, DROP(DENIED)},
	{"denied, IPv6", F(IP6(), WEB), 0, ROW_PORTS | ROW_DENY_ALL, DROP(DENIED)},
	{"denied, only watching", F(IP6(), WEB), 0, ROW_PORTS | ROW_DENY_ALL | ROW_WATCH, WOULD(DENIED)},
	{"denied, but not for a protected port", F(IP4(), TCP(.port = 22)), 0, ROW_PORTS | ROW_DENY_ALL, PASS(NOT_PROTECTED)},
	{"not confirmed in time", F(IP4(), WEB), 0, ROW_PORTS | ROW_DENY_ALL | ROW_UNCONFIRMED, PASS(UNCONFIRMED)},
	{"not confirmed in time, malformed", F(IP4(.version = 6), WEB), 0, ROW_PORTS | ROW_UNCONFIRMED, PASS(UNCONFIRMED)},

	/* Long frames: several buffers */
	{"frame of 9014 bytes", F(IP4(), WEB, RAW(.size = 8960)), 0, ROW_PORTS | ROW_NOT_TC, PASS(WITHIN_LIMITS)},
	{"frame of 9014 bytes, IPv6, to another port", F(IP6(), TCP(.port = 81), RAW(.size = 8940)), 0, ROW_PORTS | ROW_NOT_TC, PASS(NOT_PROTECTED)},
	{"frame of 9014 bytes, denied", F(IP4(), WEB, RAW(.size = 8960)), 0, ROW_PORTS | ROW_NOT_TC | ROW_DENY_ALL, DROP(DENIED)},
	{"long frame, total length beyond it", F(IP4(.length_error = 1), WEB, RAW(.size = 8960)), 0, ROW_PORTS | ROW_NOT_TC, DROP(MALFORMED)},
	{"8 extension headers of 2048 bytes", F(IP6(), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), WEB), 0, ROW_PORTS | ROW_NOT_TC, PASS(WITHIN_LIMITS)},
	{"8 extension headers of 2048 bytes, TCP cut short", F(IP6(.length_error = -1), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), DSTOPTS(.size = 2048), WEB), 0, ROW_PORTS | ROW_NOT_TC, DROP(MALFORMED)},
	{"jumbogram of 70,000 bytes", F(IP6(.zero_length = 1), HOPOPTS(), WEB, RAW(.size = 65000), RAW(.size = 4932)), 0, ROW_PORTS | ROW_NOT_TC, PASS(WITHIN_LIMITS)},
	{"jumbogram by its header, a short frame", F(IP6(.zero_length = 1), HOPOPTS(), WEB), 0, ROW_PORTS, PASS(WITHIN_LIMITS)},
};
/* clang-format on */

const size_t packet_row_count = sizeof(packet_rows) / sizeof(packet_rows[0]);
