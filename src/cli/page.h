/* The report's page, built from web/ and linked into the executable by scripts/embed.
 *
 * Empty in a build without npm. */
#ifndef BARROW_CLI_PAGE_H
#define BARROW_CLI_PAGE_H

extern const char barrow_page[], barrow_page_end[]; /* all bytes from the one to the other */

#endif
