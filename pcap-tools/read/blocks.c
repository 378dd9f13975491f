/* pcapng block by block (IETF draft-ietf-opsawg-pcapng). A block is: type · total length · body ·
 * total length again; all lengths are checked against each other before anything is believed.
 * Blocks of a kind not known are passed over. The first block that contradicts itself ends the
 * reading: behind a length that lies there is no next block. */
#include "blocks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCKS_SECTION = 0x0a0d0d0a,
    BLOCKS_INTERFACE = 1,
    BLOCKS_PACKET_OLD = 2,
    BLOCKS_PACKET_SIMPLE = 3,
    BLOCKS_STATISTICS = 5,
    BLOCKS_PACKET = 6,
    BLOCKS_ORDER = 0x1a2b3c4d,
    BLOCKS_HEAD = 8,
    BLOCKS_OVERHEAD = 12, /* type and both lengths */
    BLOCKS_SIZE_MAX = 16 << 20,
    BLOCKS_INTERFACES_MAX = 65536,

    OPTION_END = 0,
    OPTION_COMMENT = 1,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_TSRESOL = 9,
    INTERFACE_TSOFFSET = 14,
    PACKET_FLAGS = 2,
    STATISTICS_IFDROP = 5,

    MICROSECONDS = 6, /* tsresol where none is given */
};

/* The body of the block at hand. */
struct blocks_body {
    const uint8_t *data;
    size_t size;
    uint64_t offset; /* of the block */
};

__attribute__((format(printf, 3, 4))) static enum pcapt_status
blocks_broken(struct blocks *blocks, uint64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(blocks->flaw.reason, sizeof blocks->flaw.reason, format, args);
    va_end(args);
    blocks->flaw.offset = offset;
    return PCAPT_BROKEN;
}

static uint32_t blocks_u16(const struct blocks *blocks, const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return blocks->swapped ? __builtin_bswap16(value) : value;
}

static uint32_t blocks_u32(const struct blocks *blocks, const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return blocks->swapped ? __builtin_bswap32(value) : value;
}

static uint64_t blocks_u64(const struct blocks *blocks, const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return blocks->swapped ? __builtin_bswap64(value) : value;
}

void blocks_init(struct blocks *blocks, FILE *file)
{
    *blocks = (struct blocks){.file = file};
}

static void blocks_forget_section(struct blocks *blocks)
{
    for (uint32_t i = 0; i < blocks->count; i++) {
        blocks->drops += blocks->interfaces[i].drops;
        free(blocks->interfaces[i].name);
        free(blocks->interfaces[i].description);
    }
    blocks->base += blocks->count;
    blocks->count = 0;
    free(blocks->application);
    free(blocks->comment);
    blocks->application = blocks->comment = NULL;
}

void blocks_fini(struct blocks *blocks)
{
    blocks_forget_section(blocks);
    free(blocks->interfaces);
    free(blocks->body);
    free(blocks->text);
}

/* ---- options ---- */

struct blocks_option {
    uint32_t code;
    const uint8_t *value;
    size_t size;
};

/* The next option, cut from the front of *at. false: none, or it runs over the end; then
 * *at is as it was. */
static bool blocks_option_next(const struct blocks *blocks, const uint8_t **at, const uint8_t *end,
                               struct blocks_option *option)
{
    if (end - *at < 4)
        return false;
    option->code = blocks_u16(blocks, *at);
    option->size = blocks_u16(blocks, *at + 2);
    option->value = *at + 4;
    const size_t padded = (option->size + 3) & ~(size_t)3;
    if (option->code == OPTION_END || (size_t)(end - option->value) < padded)
        return false;
    *at = option->value + padded;
    return true;
}

static char *blocks_text_of(const struct blocks_option *option)
{
    return strndup((const char *)option->value, option->size);
}

static void blocks_set_text(char **out, const struct blocks_option *option)
{
    free(*out);
    *out = blocks_text_of(option);
}

/* Adds a comment of a packet as a line of blocks->text. */
static size_t blocks_add_comment(struct blocks *blocks, size_t used,
                                 const struct blocks_option *option)
{
    const size_t wanted = used + option->size + 2;
    if (wanted > blocks->text_capacity) {
        char *text = realloc(blocks->text, 2 * wanted);
        if (text == NULL) /* no memory */
            return used;
        blocks->text = text;
        blocks->text_capacity = 2 * wanted;
    }
    if (used > 0)
        blocks->text[used++] = '\n';
    memcpy(blocks->text + used, option->value, option->size);
    blocks->text[used + option->size] = '\0';
    return used + option->size;
}

/* ---- blocks ---- */

/* Reads `size` bytes; what came is told where it is less. */
static size_t blocks_read(struct blocks *blocks, void *out, size_t size)
{
    const size_t got = fread_unlocked(out, 1, size, blocks->file);
    blocks->offset += got;
    return got;
}

static enum pcapt_status blocks_cut(struct blocks *blocks, uint64_t offset, const char *what,
                                    size_t wanted, size_t got)
{
    if (ferror(blocks->file))
        return blocks_broken(blocks, offset, "reading fails: %s", strerror(errno));
    return blocks_broken(blocks, offset, "cut short: %s has %zu bytes, only %zu are there", what,
                         wanted, got);
}

static bool blocks_room(struct blocks *blocks, size_t size)
{
    if (size <= blocks->body_capacity)
        return true;
    uint8_t *body = realloc(blocks->body, size);
    if (body == NULL) /* no memory */
        return false;
    blocks->body = body;
    blocks->body_capacity = size;
    return true;
}

/* The byte order of a section stands behind its length. `got` bytes of the body are read. */
static enum pcapt_status blocks_order(struct blocks *blocks, uint64_t offset)
{
    if (!blocks_room(blocks, 64)) /* no memory */
        return blocks_broken(blocks, offset, "out of memory");
    const size_t got = blocks_read(blocks, blocks->body, 4);
    if (got < 4)
        return blocks_cut(blocks, offset, "the byte-order magic", 4, got);
    blocks->swapped = false;
    const uint32_t magic = blocks_u32(blocks, blocks->body);
    if (magic != BLOCKS_ORDER && __builtin_bswap32(magic) != BLOCKS_ORDER)
        return blocks_broken(blocks, offset,
                             "expected the byte-order magic 1a2b3c4d, found %08" PRIx32, magic);
    blocks->swapped = magic != BLOCKS_ORDER;
    return PCAPT_OK;
}

static enum pcapt_status blocks_check_length(struct blocks *blocks, uint64_t offset, uint32_t total)
{
    if (total < BLOCKS_OVERHEAD || total % 4 != 0)
        return blocks_broken(blocks, offset,
                             "expected a block length of 12 or more, a multiple of 4, found "
                             "%" PRIu32,
                             total);
    if (total > BLOCKS_SIZE_MAX)
        return blocks_broken(blocks, offset,
                             "expected a block length of at most %d, found %" PRIu32,
                             (int)BLOCKS_SIZE_MAX, total);
    return PCAPT_OK;
}

/* Reads the next block whole into blocks->body. */
static enum pcapt_status blocks_take(struct blocks *blocks, uint32_t *type,
                                     struct blocks_body *body)
{
    uint8_t head[BLOCKS_HEAD];
    size_t have = 0;

    body->offset = blocks->offset;
    const size_t got = blocks_read(blocks, head, sizeof head);
    if (got == 0 && !ferror(blocks->file))
        return PCAPT_END;
    if (got < sizeof head)
        return blocks_cut(blocks, body->offset, "a block's head", sizeof head, got);
    memcpy(type, head, 4); /* the section's type is a palindrome */
    if (*type == BLOCKS_SECTION) {
        const enum pcapt_status status = blocks_order(blocks, body->offset);
        if (status != PCAPT_OK)
            return status;
        have = 4;
    } else if (!blocks->in_section) {
        return blocks_broken(blocks, body->offset, "expected a section header block first");
    }
    *type = blocks_u32(blocks, head);
    const uint32_t total = blocks_u32(blocks, head + 4);
    enum pcapt_status status = blocks_check_length(blocks, body->offset, total);
    if (status == PCAPT_OK && total - BLOCKS_OVERHEAD < have)
        status =
            blocks_broken(blocks, body->offset, "a section header of %" PRIu32 " bytes", total);
    if (status != PCAPT_OK)
        return status;
    const size_t rest = total - BLOCKS_HEAD;
    if (!blocks_room(blocks, rest)) /* no memory */
        return blocks_broken(blocks, body->offset, "out of memory");
    const size_t more = have + blocks_read(blocks, blocks->body + have, rest - have);
    if (more < rest)
        return blocks_cut(blocks, body->offset, "the block", total, BLOCKS_HEAD + more);
    const uint32_t again = blocks_u32(blocks, blocks->body + rest - 4);
    if (again != total)
        return blocks_broken(
            blocks, body->offset,
            "the block's length is %" PRIu32 " at its begin, %" PRIu32 " at its end", total, again);
    body->data = blocks->body;
    body->size = rest - 4;
    return PCAPT_OK;
}

static enum pcapt_status blocks_section(struct blocks *blocks, const struct blocks_body *body)
{
    if (body->size < 16)
        return blocks_broken(blocks, body->offset, "a section header of %zu bytes",
                             body->size + BLOCKS_OVERHEAD);
    if (blocks_u16(blocks, body->data + 4) != 1)
        return blocks_broken(blocks, body->offset, "expected pcapng version 1, found %u.%u",
                             (unsigned)blocks_u16(blocks, body->data + 4),
                             (unsigned)blocks_u16(blocks, body->data + 6));
    blocks_forget_section(blocks);
    blocks->in_section = true;
    struct blocks_option option;
    const uint8_t *at = body->data + 16;
    while (blocks_option_next(blocks, &at, body->data + body->size, &option)) {
        if (option.code == SECTION_APPLICATION)
            blocks_set_text(&blocks->application, &option);
        else if (option.code == OPTION_COMMENT)
            blocks_set_text(&blocks->comment, &option);
    }
    return PCAPT_OK;
}

static enum pcapt_status blocks_interface(struct blocks *blocks, const struct blocks_body *body)
{
    if (body->size < 8)
        return blocks_broken(blocks, body->offset, "an interface description of %zu bytes",
                             body->size + BLOCKS_OVERHEAD);
    if (blocks->count == BLOCKS_INTERFACES_MAX)
        return blocks_broken(blocks, body->offset, "more than %d interfaces in a section",
                             (int)BLOCKS_INTERFACES_MAX);
    if (blocks->count == blocks->capacity) {
        const uint32_t capacity = blocks->capacity == 0 ? 4 : 2 * blocks->capacity;
        struct blocks_interface *grown =
            realloc(blocks->interfaces, capacity * sizeof *blocks->interfaces);
        if (grown == NULL) /* no memory */
            return blocks_broken(blocks, body->offset, "out of memory");
        blocks->interfaces = grown;
        blocks->capacity = capacity;
    }
    struct blocks_interface *interface = &blocks->interfaces[blocks->count++];
    *interface = (struct blocks_interface){.link_type = blocks_u16(blocks, body->data),
                                           .snap_length = blocks_u32(blocks, body->data + 4),
                                           .resolution = MICROSECONDS};
    struct blocks_option option;
    const uint8_t *at = body->data + 8;
    while (blocks_option_next(blocks, &at, body->data + body->size, &option)) {
        if (option.code == INTERFACE_NAME)
            blocks_set_text(&interface->name, &option);
        else if (option.code == INTERFACE_DESCRIPTION)
            blocks_set_text(&interface->description, &option);
        else if (option.code == INTERFACE_TSRESOL && option.size == 1)
            interface->resolution = option.value[0];
        else if (option.code == INTERFACE_TSOFFSET && option.size == 8)
            interface->offset_s = blocks_u64(blocks, option.value);
    }
    return PCAPT_OK;
}

static void blocks_statistics(struct blocks *blocks, const struct blocks_body *body)
{
    if (body->size < 12)
        return;
    const uint32_t number = blocks_u32(blocks, body->data);
    if (number >= blocks->count)
        return;
    struct blocks_option option;
    const uint8_t *at = body->data + 12;
    while (blocks_option_next(blocks, &at, body->data + body->size, &option))
        if (option.code == STATISTICS_IFDROP && option.size == 8) /* counts from the begin */
            blocks->interfaces[number].drops = blocks_u64(blocks, option.value);
}

/* ---- packets ---- */

/* Units of an interface as nanoseconds; what does not fit 64 bits wraps. */
static uint64_t blocks_ns(const struct blocks_interface *interface, uint64_t units)
{
    const unsigned power = interface->resolution & 0x7f;
    const uint64_t second = 1000000000;
    uint64_t ns;

    if (interface->resolution & 0x80) {
        if (power >= 64)
            return interface->offset_s * second;
        uint64_t part = power == 0 ? 0 : units & (UINT64_MAX >> (64 - power));
        ns = (units >> power) * second;
        ns += power <= 34 ? part * second >> power : (part >> (power - 34)) * second >> 34;
    } else {
        uint64_t scale = 1;
        const unsigned steps = power > 9 ? power - 9 : 9 - power;
        for (unsigned i = 0; i < steps && i < 19; i++)
            scale *= 10;
        ns = power > 9 ? units / scale : units * scale;
    }
    return ns + interface->offset_s * second;
}

/* What packet blocks of all kinds have in common. */
struct blocks_packet {
    uint32_t interface, size, wire_size;
    uint64_t units;
    bool timed;
    size_t head; /* bytes of the body before the packet */
};

static enum pcapt_status blocks_packet_head(struct blocks *blocks, uint32_t type,
                                            const struct blocks_body *body,
                                            struct blocks_packet *packet)
{
    const bool simple = type == BLOCKS_PACKET_SIMPLE;
    const uint8_t *at = body->data;

    packet->head = simple ? 4 : 20;
    packet->timed = !simple;
    if (body->size < packet->head)
        return blocks_broken(blocks, body->offset, "a packet block of %zu bytes",
                             body->size + BLOCKS_OVERHEAD);
    if (!simple) {
        packet->interface = type == BLOCKS_PACKET ? blocks_u32(blocks, at) : blocks_u16(blocks, at);
        packet->units = (uint64_t)blocks_u32(blocks, at + 4) << 32 | blocks_u32(blocks, at + 8);
        packet->size = blocks_u32(blocks, at + 12);
        packet->wire_size = blocks_u32(blocks, at + 16);
    }
    if (packet->interface >= blocks->count)
        return blocks_broken(blocks, body->offset,
                             "a packet of interface %" PRIu32 ", but %" PRIu32 " are described",
                             packet->interface, blocks->count);
    if (simple) {
        const uint32_t snap = blocks->interfaces[0].snap_length;
        packet->wire_size = blocks_u32(blocks, at);
        packet->size = snap != 0 && snap < packet->wire_size ? snap : packet->wire_size;
    }
    if (packet->size > PCAPT_FRAME_SIZE_MAX)
        return blocks_broken(blocks, body->offset,
                             "expected at most %d captured bytes, found %" PRIu32,
                             (int)PCAPT_FRAME_SIZE_MAX, packet->size);
    if (packet->size > body->size - packet->head)
        return blocks_broken(blocks, body->offset,
                             "%" PRIu32 " captured bytes in a block with room for %zu",
                             packet->size, body->size - packet->head);
    return PCAPT_OK;
}

static void blocks_packet_options(struct blocks *blocks, const struct blocks_body *body,
                                  const struct blocks_packet *packet, struct pcapt_frame *frame)
{
    const size_t padded = (packet->size + 3) & ~(size_t)3;
    if (packet->head + padded >= body->size)
        return;
    struct blocks_option option;
    const uint8_t *at = body->data + packet->head + padded;
    size_t used = 0;
    while (blocks_option_next(blocks, &at, body->data + body->size, &option)) {
        if (option.code == PACKET_FLAGS && option.size == 4)
            frame->direction = blocks_u32(blocks, option.value) & 3;
        else if (option.code == OPTION_COMMENT && option.size > 0)
            used = blocks_add_comment(blocks, used, &option);
    }
    frame->comment = used > 0 ? blocks->text : NULL;
}

static enum pcapt_status blocks_packet(struct blocks *blocks, uint32_t type,
                                       const struct blocks_body *body, struct pcapt_frame *frame)
{
    struct blocks_packet packet = {0};
    const enum pcapt_status status = blocks_packet_head(blocks, type, body, &packet);
    if (status != PCAPT_OK)
        return status;
    const struct blocks_interface *interface = &blocks->interfaces[packet.interface];
    if (packet.timed)
        blocks->last_ns = blocks_ns(interface, packet.units);
    *frame = (struct pcapt_frame){
        .number = ++blocks->number,
        .offset = body->offset,
        .at_ns = blocks->last_ns,
        .link_type = interface->link_type,
        .interface = blocks->base + packet.interface,
        .data = body->data + packet.head,
        .size = packet.size,
        .wire_size = packet.wire_size > packet.size ? packet.wire_size : packet.size,
    };
    if (type != BLOCKS_PACKET_SIMPLE)
        blocks_packet_options(blocks, body, &packet, frame);
    return PCAPT_OK;
}

enum pcapt_status blocks_next(struct blocks *blocks, struct pcapt_frame *frame)
{
    for (;;) {
        struct blocks_body body = {0};
        uint32_t type = 0;
        enum pcapt_status status = blocks_take(blocks, &type, &body);
        if (status != PCAPT_OK)
            return status;
        switch (type) {
        case BLOCKS_SECTION:
            status = blocks_section(blocks, &body);
            break;
        case BLOCKS_INTERFACE:
            status = blocks_interface(blocks, &body);
            break;
        case BLOCKS_STATISTICS:
            blocks_statistics(blocks, &body);
            break;
        case BLOCKS_PACKET:
        case BLOCKS_PACKET_OLD:
        case BLOCKS_PACKET_SIMPLE:
            return blocks_packet(blocks, type, &body, frame);
        default:
            break;
        }
        if (status != PCAPT_OK)
            return status;
    }
}
