/* SPDX-License-Identifier: MIT */
/*
 * The version as text. It comes from the Makefile and from nowhere else.
 */
#ifndef HATAGO_BASE_VERSION_H
#define HATAGO_BASE_VERSION_H

#define VERSION_QUOTE_(version) #version
#define VERSION_QUOTE(version)	VERSION_QUOTE_(version)
#define VERSION_TEXT		VERSION_QUOTE(HATAGO_VERSION) /* "0.1.0" */

#endif
