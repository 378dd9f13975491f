/* PDUs out of a byte stream; see frames.h.
 * SPDX-License-Identifier: MIT */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "json_bytes.h"

void conform__frames_push(struct conform__frames *frames, const uint8_t *data, size_t size)
{
    if (size == 0) {
        return;
    }
    if (frames->start) {
        memmove(frames->data, frames->data + frames->start, frames->size);
        frames->start = 0;
    }
    if (frames->size + size > frames->room) {
        frames->room = (frames->size + size) * 2;
        frames->data = conform__realloc(frames->data, frames->room);
    }
    memcpy(frames->data + frames->size, data, size);
    frames->size += size;
}

enum conform__frame conform__frames_next(struct conform__frames *frames, struct sipc_span *frame)
{
    const uint8_t *bytes = frames->size ? frames->data + frames->start : NULL;
    *frame = (struct sipc_span){bytes, frames->size};
    if (frames->size < 2) {
        return CONFORM__FRAME_NONE;
    }
    size_t length = (size_t)bytes[0] << 8 | bytes[1];
    if (length < SIPC_PDU_SIZE_MIN || length > SIPC_PDU_SIZE_MAX) {
        return CONFORM__FRAME_BAD;
    }
    if (frames->size < length) {
        return CONFORM__FRAME_NONE;
    }
    frame->size = length;
    frames->start += length;
    frames->size -= length;
    return CONFORM__FRAME_WHOLE;
}

void conform__frames_free(struct conform__frames *frames)
{
    free(frames->data);
    memset(frames, 0, sizeof *frames);
}
