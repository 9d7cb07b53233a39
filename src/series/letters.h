/* The letters of pictures that are pixels: strokes, drawn with the same pen as the curves.
 *
 * A letter is polylines on a grid of 5 x 10 points, each point two digits, x and y:
 *
 *     9 . # # # .     capitals and digits stand on 2 and reach 9; small letters reach 7;
 *     7 # . . . #     what hangs below ends at 0.  "02 29 42" would be an A without its bar.
 *     2 # . . . #
 *     0 . . . . .     One point alone is a dot.  A step to the next letter is 6 units.
 */
#ifndef BARROW_SERIES_LETTERS_H
#define BARROW_SERIES_LETTERS_H

#include <stdint.h>

enum { BARROW_LETTER_STEP = 6, BARROW_LETTER_BASE = 2 };

/* The strokes of a character; of those that have none, a box. */
const char *barrow_letter(uint32_t character);

#endif
