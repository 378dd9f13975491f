/* PDUs out of a byte stream: the total length that begins each is the frame's length (WIRE-3).
 * SPDX-License-Identifier: MIT */
#ifndef CONFORM_SUT_FRAMES_H
#define CONFORM_SUT_FRAMES_H

#include "sipc/base.h"

struct conform__frames {
    uint8_t *data;
    size_t start, size, room; /* size counts from start */
};

enum conform__frame {
    CONFORM__FRAME_NONE, /* more bytes are needed */
    CONFORM__FRAME_WHOLE,
    CONFORM__FRAME_BAD, /* a length below 57 or above 65,500: nothing after it can be understood */
};

void conform__frames_push(struct conform__frames *frames, const uint8_t *data, size_t size);
/* The next frame, valid until the next push; where it is not whole, all bytes that wait. */
enum conform__frame conform__frames_next(struct conform__frames *frames, struct sipc_span *frame);
void conform__frames_free(struct conform__frames *frames);

#endif
