/* The pcapng writer: section header, interface description and enhanced packet blocks.
 *
 * A block is: type · total length · body · options · total length again, everything padded to 32
 * bits. The length comes first, so each block is measured before it is written; nothing is buffered
 * and nothing is seeked. */
#include "pcapt/pcapng.h"

#include <errno.h>
#include <string.h>

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    BLOCK_OVERHEAD = 12, /* type and both lengths */

    OPTION_END = 0,
    OPTION_COMMENT = 1,
    SECTION_HARDWARE = 2,
    SECTION_OS = 3,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_TSRESOL = 9,
    PACKET_FLAGS = 2,

    NANOSECONDS = 9, /* tsresol: 10^-9 */
};

static size_t pcapng_padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* Bytes of `text` that fit an option, cut so that no UTF-8 character is torn. */
static size_t pcapng_text_size(const char *text)
{
    size_t size = strlen(text);
    if (size <= UINT16_MAX)
        return size;
    size = UINT16_MAX;
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static size_t pcapng_text_option_size(const char *text)
{
    return text == NULL ? 0 : 4 + pcapng_padded(pcapng_text_size(text));
}

static bool pcapng_write(FILE *file, const void *data, size_t size)
{
    return size == 0 || fwrite(data, size, 1, file) == 1;
}

static bool pcapng_write_u32(FILE *file, uint32_t value)
{
    return pcapng_write(file, &value, sizeof value);
}

static bool pcapng_write_padded(FILE *file, const void *data, size_t size)
{
    static const char zeros[4];
    return pcapng_write(file, data, size) && pcapng_write(file, zeros, pcapng_padded(size) - size);
}

static bool pcapng_write_option(FILE *file, uint16_t code, const void *value, size_t size)
{
    const uint16_t head[2] = {code, (uint16_t)size};
    return pcapng_write(file, head, sizeof head) && pcapng_write_padded(file, value, size);
}

static bool pcapng_write_text(FILE *file, uint16_t code, const char *text)
{
    return text == NULL || pcapng_write_option(file, code, text, pcapng_text_size(text));
}

static bool pcapng_write_head(FILE *file, uint32_t type, size_t total)
{
    return pcapng_write_u32(file, type) && pcapng_write_u32(file, (uint32_t)total);
}

static bool pcapng_write_tail(FILE *file, size_t total)
{
    return pcapng_write_option(file, OPTION_END, NULL, 0) &&
           pcapng_write_u32(file, (uint32_t)total);
}

bool pcapt_pcapng_begin(struct pcapt_pcapng *capture, FILE *file,
                        const struct pcapt_section *section)
{
    const size_t total = BLOCK_OVERHEAD + 16 + pcapng_text_option_size(section->hardware) +
                         pcapng_text_option_size(section->os) +
                         pcapng_text_option_size(section->application) +
                         pcapng_text_option_size(section->comment) + 4;
    const uint16_t version[2] = {1, 0};
    const int64_t length_unknown = -1;

    *capture = (struct pcapt_pcapng){.file = file};
    return pcapng_write_head(file, BLOCK_SECTION, total) &&
           pcapng_write_u32(file, BYTE_ORDER_MAGIC) &&
           pcapng_write(file, version, sizeof version) &&
           pcapng_write(file, &length_unknown, sizeof length_unknown) &&
           pcapng_write_text(file, SECTION_HARDWARE, section->hardware) &&
           pcapng_write_text(file, SECTION_OS, section->os) &&
           pcapng_write_text(file, SECTION_APPLICATION, section->application) &&
           pcapng_write_text(file, OPTION_COMMENT, section->comment) &&
           pcapng_write_tail(file, total);
}

bool pcapt_pcapng_interface(struct pcapt_pcapng *capture, const struct pcapt_interface *interface,
                            uint32_t *number)
{
    FILE *file = capture->file;
    const size_t total = BLOCK_OVERHEAD + 8 + pcapng_text_option_size(interface->name) +
                         pcapng_text_option_size(interface->description) + 8 + 4;
    const uint16_t link[2] = {interface->link_type, 0};
    const uint8_t resolution = NANOSECONDS;

    *number = capture->interfaces++;
    return pcapng_write_head(file, BLOCK_INTERFACE, total) &&
           pcapng_write(file, link, sizeof link) &&
           pcapng_write_u32(file, interface->snap_length) &&
           pcapng_write_text(file, INTERFACE_NAME, interface->name) &&
           pcapng_write_text(file, INTERFACE_DESCRIPTION, interface->description) &&
           pcapng_write_option(file, INTERFACE_TSRESOL, &resolution, 1) &&
           pcapng_write_tail(file, total);
}

static size_t pcapng_packet_options_size(const struct pcapt_packet *packet)
{
    size_t size = packet->direction == PCAPT_DIRECTION_UNKNOWN ? 0 : 8;
    for (size_t i = 0; i < packet->comment_count; i++)
        size += pcapng_text_option_size(packet->comments[i]);
    return size;
}

static bool pcapng_write_packet_options(FILE *file, const struct pcapt_packet *packet)
{
    const uint32_t flags = packet->direction;
    if (flags != 0 && !pcapng_write_option(file, PACKET_FLAGS, &flags, sizeof flags))
        return false;
    for (size_t i = 0; i < packet->comment_count; i++)
        if (!pcapng_write_text(file, OPTION_COMMENT, packet->comments[i]))
            return false;
    return true;
}

bool pcapt_pcapng_packet(struct pcapt_pcapng *capture, const struct pcapt_packet *packet)
{
    FILE *file = capture->file;
    if (packet->interface >= capture->interfaces) {
        errno = EINVAL;
        return false;
    }
    const size_t total =
        BLOCK_OVERHEAD + 20 + pcapng_padded(packet->size) + pcapng_packet_options_size(packet) + 4;
    const uint32_t original = packet->original_size != 0 ? packet->original_size : packet->size;
    const uint32_t body[5] = {packet->interface, (uint32_t)(packet->at_ns >> 32),
                              (uint32_t)packet->at_ns, packet->size, original};
    return pcapng_write_head(file, BLOCK_PACKET, total) && pcapng_write(file, body, sizeof body) &&
           pcapng_write_padded(file, packet->data, packet->size) &&
           pcapng_write_packet_options(file, packet) && pcapng_write_tail(file, total);
}
