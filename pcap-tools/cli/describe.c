/* Words for PDUs and packets. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "pcap_cli.h"

const char *pcap_id_text(const uint8_t *id, size_t bytes, char out[PCAP_ID_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes; i++) {
        out[2 * i] = hex[id[i] >> 4];
        out[2 * i + 1] = hex[id[i] & 15];
    }
    out[2 * bytes] = '\0';
    return out;
}

const char *pcap_time_text(uint64_t ns, char out[PCAP_TIME_TEXT])
{
    snprintf(out, PCAP_TIME_TEXT, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
    return out;
}

/* A text that grows up to a size and is cut there. */
struct describe_text {
    char *out;
    size_t size, used;
};

static void describe_add(struct describe_text *text, const char *format, ...) SIPC_PRINTF(2, 3);

static void describe_add(struct describe_text *text, const char *format, ...)
{
    va_list args;

    if (text->used + 1 >= text->size)
        return;
    va_start(args, format);
    const int added = vsnprintf(text->out + text->used, text->size - text->used, format, args);
    va_end(args);
    text->used += added > 0 ? (size_t)added : 0;
    text->used = text->used < text->size ? text->used : text->size - 1;
}

static void describe_flags(struct describe_text *text, const struct sipc_pdu *pdu)
{
    const char *before = " {";
    for (uint32_t flag = 1; flag <= SIPC_OPT_IS_WINDOW_FULL; flag <<= 1) {
        if ((pdu->present & flag) == 0)
            continue;
        describe_add(text, "%s%s%s", before, sipc_option_spec_name(flag),
                     pdu->flags & flag ? "" : "=false");
        before = " ";
    }
    if (*before == ' ' && before[1] == '\0')
        describe_add(text, "}");
}

static void describe_numbers(struct describe_text *text, const struct sipc_pdu *pdu)
{
    if (pdu->present & SIPC_OPT_MAX_WINDOW_SIZE)
        describe_add(text, " max_window_size=%" PRId32, pdu->max_window_size);
    if (pdu->present & SIPC_OPT_ERROR_CODE)
        describe_add(text, " error_code=%" PRId32, pdu->error_code);
    if (pdu->present & SIPC_OPT_ABORT_CODE)
        describe_add(text, " abort_code=%" PRId32, pdu->abort_code);
    if (pdu->present & SIPC_OPT_IDLE_TIMEOUT)
        describe_add(text, " idle_timeout=%" PRId32, pdu->idle_timeout_ms);
}

static size_t describe_attributes(const struct sipc_pdu *pdu)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    size_t count = 0;

    while (sipc_option_next(&rest, &option))
        count += (option.id & (SIPC_OPT_FRAMING | SIPC_OPT_IDLE_TIMEOUT)) == 0;
    return count;
}

void pcap_describe(const struct pcapt_item *item, char *out, size_t size)
{
    struct describe_text text = {out, size, 0};
    const struct sipc_pdu *pdu = &item->pdu;

    *out = '\0';
    if (item->kind == PCAPT_ITEM_GAP) {
        describe_add(&text, "%" PRIu64 " bytes are missing", item->missing);
        return;
    }
    if (pdu->session_id == NULL) {
        describe_add(&text, "no PDU, %zu B", item->wire_size);
    } else {
        const char *name = sipc_opcode_name(pdu->opcode);
        if (name != NULL)
            describe_add(&text, "%s", name);
        else
            describe_add(&text, "opcode %u", pdu->opcode);
        describe_add(&text, " %" PRId64 ":%" PRId32, pdu->window_id, pdu->seq_nr);
        if (pcapt_item_is_pdu(item)) {
            const size_t attributes = describe_attributes(pdu);
            describe_flags(&text, pdu);
            describe_numbers(&text, pdu);
            if (attributes > 0)
                describe_add(&text, " +%zu attribute%s", attributes, attributes > 1 ? "s" : "");
            if (pdu->data.size > 0)
                describe_add(&text, " data %zu B", pdu->data.size);
        } else {
            describe_add(&text, " %zu B", item->wire_size);
        }
    }
    if (item->discard != SIPC_DISCARD_NONE)
        describe_add(&text, ", to be discarded: %s (%s)", sipc_discard_name(item->discard),
                     sipc_rule_info(sipc_discard_rule(item->discard))->id);
}

void pcap_describe_packet(const struct pcapt_item *item, char *out, size_t size)
{
    struct describe_text text = {out, size, 0};

    *out = '\0';
    if (item->kind == PCAPT_ITEM_PDU && item->bytes.size < item->wire_size)
        describe_add(&text, "cut by the capture: %zu of %zu B", item->bytes.size, item->wire_size);
    if (item->copy_of != 0)
        describe_add(&text, "%scopy of frame %" PRIu64, text.used > 0 ? ", " : "", item->copy_of);
    if (item->duplicate)
        describe_add(&text, "%sduplicated by the network", text.used > 0 ? ", " : "");
    if (item->corrupted)
        describe_add(&text, "%schecksum wrong", text.used > 0 ? ", " : "");
    if (item->dropped)
        describe_add(&text, "%sdropped", text.used > 0 ? ", " : "");
    if (item->first_frame != item->frame)
        describe_add(&text, "%sfrom frame %" PRIu64 " on", text.used > 0 ? ", " : "",
                     item->first_frame);
}

void pcap_put_text(struct sipc_span text, FILE *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (isprint(text.data[i]) && text.data[i] != '\\')
            fputc(text.data[i], out);
        else
            fprintf(out, "\\x%02x", text.data[i]);
    }
}

json_t *pcap_hex_json(struct sipc_span bytes)
{
    static const char hex[] = "0123456789abcdef";
    char *text = malloc(2 * bytes.size + 1);
    SIPC_ASSERT(text != NULL);
    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i] = hex[bytes.data[i] >> 4];
        text[2 * i + 1] = hex[bytes.data[i] & 15];
    }
    json_t *value = json_stringn(text, 2 * bytes.size);
    free(text);
    return value;
}

json_t *pcap_text_json(struct sipc_span text)
{
    json_t *value = json_stringn(text.size > 0 ? (const char *)text.data : "", text.size);
    if (value == NULL) {
        value = json_object();
        json_object_set_new(value, "hex", pcap_hex_json(text));
    }
    return value;
}
