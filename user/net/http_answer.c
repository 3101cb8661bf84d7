// SPDX-License-Identifier: MIT
/*
 * The head of an HTTP answer as text. Pure. Dates are put together by hand, since
 * strftime() would follow a locale. http_conn.c sends it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/http_conn.h"

const char *http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{200, "OK"},
		{400, "Bad Request"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Answer";
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static void date_format(uint64_t now_s, char *to, size_t size)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)now_s;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	snprintf(to, size, "%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
		 months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

size_t http_answer_head(char *to, const struct http_response *response, bool keep_alive,
			uint64_t now_s)
{
	char date[64];
	int length;

	date_format(now_s, date, sizeof(date));
	length = snprintf(to, HTTP_ANSWER_HEAD_MAX,
			  "HTTP/1.1 %d %s\r\n"
			  "Date: %s\r\n"
			  "Content-Type: %.*s\r\n"
			  "Content-Length: %zu\r\n"
			  "Cache-Control: no-store\r\n"
			  "X-Content-Type-Options: nosniff\r\n"
			  "%s"
			  "Connection: %s\r\n"
			  "\r\n",
			  response->status, http_status_text(response->status), date,
			  HTTP_CONTENT_TYPE_MAX - 1, response->content_type, response->body_length,
			  response->status == 405 ? "Allow: GET, HEAD\r\n" : "",
			  keep_alive ? "keep-alive" : "close");
	return length < HTTP_ANSWER_HEAD_MAX ? (size_t)length : HTTP_ANSWER_HEAD_MAX - 1;
}
