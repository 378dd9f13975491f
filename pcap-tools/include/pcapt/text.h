/* Text that goes into XML, HTML or JSON. What a peer sends may be any bytes and ends up there: it
 * comes out as well-formed UTF-8, and nothing of it becomes markup. Needs nothing but libc.
 * SPDX-License-Identifier: MIT */
#ifndef PCAPT_TEXT_H
#define PCAPT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PCAPT_UTF8_BAD "\xef\xbf\xbd" /* U+FFFD, which stands for what cannot be shown */

/* Length of the UTF-8 character at `text` (`size` > 0 bytes left), 0 if there is none. */
size_t pcapt_utf8_size(const unsigned char *text, size_t size);
/* Whether a character of several bytes is one that XML cannot hold (U+FFFE, U+FFFF) or that
 * commands a terminal (U+0080..U+009F). */
bool pcapt_utf8_is_bad(const unsigned char *text, size_t size);
/* Characters (not bytes) of a UTF-8 text. */
size_t pcapt_text_width(const char *text);

/* `text` as XML text or attribute. */
void pcapt_xml_escape(const char *text, FILE *out);
/* Like fprintf, but strings given as %s are escaped for XML. Knows %s %d %u %zu %% and %F (seconds
 * of a uint64_t of nanoseconds, three decimals, the rest cut) only. */
void pcapt_xml(FILE *out, const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
