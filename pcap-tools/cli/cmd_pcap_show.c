/* sipc pcap show: the PDUs in a capture, for people and for programs. */
#include <inttypes.h>
#include <string.h>

#include "pcap_cli.h"
#include "pcapt/text.h"

enum { SHOW_FORMAT = 3100, SHOW_JSON, SHOW_COUNT, SHOW_DATA, SHOW_LIMIT, SHOW_ABSOLUTE };

static const struct cli_option show_options[] = {
    {'f', "format", "FORMAT", "line (the default), tree, json, csv", SHOW_FORMAT},
    {0, "json", NULL, "a JSON object a line, the same as --format json", SHOW_JSON},
    {'c', "count", NULL, "only how many there are of each opcode", SHOW_COUNT},
    {'x', "data", NULL, "with the data, in trees and JSON", SHOW_DATA},
    {'n', "limit", "N", "the first N PDUs only", SHOW_LIMIT},
    {'a', "absolute", NULL, "times as the capture has them, not since its first frame",
     SHOW_ABSOLUTE},
    PCAP_READ_OPTIONS,
    PCAP_FILTER_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command show_command = {
    .name = "sipc pcap show",
    .usage = "[options] FILE",
    .about = "Lists the PDUs in a capture (pcap or pcapng; - is standard input): over UDP, over\n"
             "TCP, or alone (USER0). Memory does not grow with the file.\n"
             "\n"
             "Exit status: 0 shown, 2 bad options, 4 the capture is broken (what was before is\n"
             "shown), 5 no PDU in it, or none that fits.",
    .examples = "sipc pcap show traffic.pcapng\n"
                "sipc pcap show --opcode data --option last_in_window_group traffic.pcapng\n"
                "sipc pcap show --session 3f2a --window 0..100 --format tree traffic.pcapng\n"
                "tcpdump -w - port 40001 | sipc pcap show --json -",
    .options = show_options,
};

struct show {
    struct pcap_input input;
    enum { SHOW_LINE, SHOW_TREE, SHOW_JSON_LINES, SHOW_CSV } format;
    bool count, data, absolute;
    uint64_t limit;
    uint64_t opcodes[SIPC_ENQUIRE_LINK_ACK + 1]; /* [0]: what is no PDU */
    uint64_t gaps;
};

static bool show_take(void *ctx, int id, const char *value)
{
    static const char *const formats[] = {"line", "tree", "json", "csv"};
    struct show *show = ctx;

    switch (id) {
    case SHOW_FORMAT:
        for (int i = 0; i < 4; i++)
            if (strcmp(value, formats[i]) == 0) {
                show->format = i;
                return true;
            }
        fprintf(stderr, "sipc: --format %s: expected line, tree, json or csv\n", value);
        return false;
    case SHOW_JSON:
        show->format = SHOW_JSON_LINES;
        return true;
    case SHOW_COUNT:
        return show->count = true;
    case SHOW_DATA:
        return show->data = true;
    case SHOW_ABSOLUTE:
        return show->absolute = true;
    case SHOW_LIMIT:
        return cli_number("--limit", value, 1, UINT64_MAX, &show->limit);
    default:
        return pcap_input_take(&show->input, id, value);
    }
}

static uint64_t show_time(const struct show *show, const struct pcapt_item *item)
{
    const uint64_t first = pcapt_reader_counts(show->input.reader)->first_ns;
    return show->absolute ? item->at_ns : item->at_ns > first ? item->at_ns - first : 0;
}

static const char *show_direction(const struct pcapt_item *item)
{
    static const char *const words[] = {"", "in", "out"};
    return item->direction <= PCAPT_OUTBOUND ? words[item->direction] : "";
}

/* ---- a line ---- */

static void show_line(const struct show *show, const struct pcapt_item *item)
{
    char from[PCAPT_ADDRESS_TEXT], to[PCAPT_ADDRESS_TEXT], id[PCAP_ID_TEXT] = "-";
    char time[PCAP_TIME_TEXT], what[512], packet[160];

    if (item->kind == PCAPT_ITEM_PDU && item->pdu.session_id != NULL)
        pcap_id_text(item->pdu.session_id, 4, id);
    pcap_describe(item, what, sizeof what);
    pcap_describe_packet(item, packet, sizeof packet);
    printf("%6" PRIu64 " %14s %3s %s > %s %s %s%s%s%s\n", item->frame,
           pcap_time_text(show_time(show, item), time), show_direction(item),
           pcapt_address_text(&item->flow.source, from),
           pcapt_address_text(&item->flow.destination, to), id, what, *packet ? " [" : "", packet,
           *packet ? "]" : "");
}

/* ---- a tree ---- */

static void show_tree_options(const struct sipc_pdu *pdu)
{
    struct sipc_span rest = pdu->options;
    struct sipc_option option;

    while (sipc_option_next(&rest, &option)) {
        const char *spec = option.id != 0 ? sipc_option_spec_name(option.id) : NULL;
        printf("    option ");
        pcap_put_text(option.name, stdout);
        if (spec != NULL)
            printf(" (%s)", spec);
        printf(" = ");
        pcap_put_text(option.value, stdout);
        putchar('\n');
    }
}

static void show_tree_data(struct sipc_span data)
{
    for (size_t at = 0; at < data.size; at += 16) {
        const size_t size = data.size - at < 16 ? data.size - at : 16;
        printf("    %06zx ", at);
        for (size_t i = 0; i < 16; i++)
            if (i < size)
                printf(" %02x", data.data[at + i]);
            else
                printf("   ");
        printf("  ");
        for (size_t i = 0; i < size; i++) {
            const uint8_t c = data.data[at + i];
            putchar(c >= 0x20 && c < 0x7f ? c : '.');
        }
        putchar('\n');
    }
}

static void show_tree(const struct show *show, const struct pcapt_item *item)
{
    char id[PCAP_ID_TEXT];
    const struct sipc_pdu *pdu = &item->pdu;

    show_line(show, item);
    for (const char *at = item->comment; at != NULL && *at != '\0';) {
        const size_t size = strcspn(at, "\n");
        printf("    comment ");
        pcap_put_text((struct sipc_span){(const uint8_t *)at, size}, stdout);
        putchar('\n');
        at += size + (at[size] == '\n');
    }
    if (item->kind != PCAPT_ITEM_PDU || pdu->session_id == NULL)
        return;
    printf("    length %zu\n    session %s\n    window_id %" PRId64 "\n    seq_nr %" PRId32
           "\n    opcode %u\n",
           item->wire_size, pcap_id_text(pdu->session_id, SIPC_SESSION_ID_SIZE, id), pdu->window_id,
           pdu->seq_nr, pdu->opcode);
    if (!pcapt_item_is_pdu(item))
        return;
    show_tree_options(pdu);
    printf("    data %zu bytes\n", pdu->data.size);
    if (show->data)
        show_tree_data(pdu->data);
}

/* ---- JSON ---- */

static void show_json_pdu(const struct show *show, json_t *object, const struct pcapt_item *item)
{
    char id[PCAP_ID_TEXT];
    const struct sipc_pdu *pdu = &item->pdu;
    const char *name = sipc_opcode_name(pdu->opcode);

    pcap_id_text(pdu->session_id, SIPC_SESSION_ID_SIZE, id);
    json_object_set_new(object, "session", json_string(id));
    json_object_set_new(object, "opcode",
                        name != NULL ? json_string(name) : json_integer(pdu->opcode));
    json_object_set_new(object, "window_id", json_integer(pdu->window_id));
    json_object_set_new(object, "seq_nr", json_integer(pdu->seq_nr));
    if (!pcapt_item_is_pdu(item))
        return;
    json_t *options = json_array();
    struct sipc_span rest = pdu->options;
    struct sipc_option option;
    while (sipc_option_next(&rest, &option)) {
        json_t *pair = json_array();
        json_array_append_new(pair, pcap_text_json(option.name));
        json_array_append_new(pair, pcap_text_json(option.value));
        json_array_append_new(options, pair);
    }
    json_object_set_new(object, "options", options);
    json_object_set_new(object, "data_size", json_integer((json_int_t)pdu->data.size));
    if (show->data)
        json_object_set_new(object, "data", pcap_hex_json(pdu->data));
}

static void show_json_packet(json_t *object, const struct pcapt_item *item)
{
    if (item->kind == PCAPT_ITEM_GAP)
        json_object_set_new(object, "missing", json_integer((json_int_t)item->missing));
    else
        json_object_set_new(object, "size", json_integer((json_int_t)item->wire_size));
    if (item->first_frame != item->frame)
        json_object_set_new(object, "first_frame", json_integer((json_int_t)item->first_frame));
    if (item->kind == PCAPT_ITEM_PDU && item->bytes.size < item->wire_size)
        json_object_set_new(object, "captured", json_integer((json_int_t)item->bytes.size));
    if (item->copy_of != 0)
        json_object_set_new(object, "copy_of", json_integer((json_int_t)item->copy_of));
    if (item->duplicate)
        json_object_set_new(object, "duplicate", json_true());
    if (item->corrupted)
        json_object_set_new(object, "checksum", json_string("wrong"));
    if (item->dropped)
        json_object_set_new(object, "dropped", json_true());
    if (item->comment != NULL)
        json_object_set_new(object, "comment",
                            pcap_text_json((struct sipc_span){(const uint8_t *)item->comment,
                                                              strlen(item->comment)}));
    if (item->discard != SIPC_DISCARD_NONE) {
        json_object_set_new(object, "discard", json_string(sipc_discard_name(item->discard)));
        json_object_set_new(object, "rule",
                            json_string(sipc_rule_info(sipc_discard_rule(item->discard))->id));
    }
}

static void show_json(const struct show *show, const struct pcapt_item *item)
{
    char text[PCAPT_ADDRESS_TEXT];
    json_t *object = json_object();

    json_object_set_new(object, "frame", json_integer((json_int_t)item->frame));
    json_object_set_new(object, "time_ns", json_integer((json_int_t)show_time(show, item)));
    json_object_set_new(object, "source",
                        json_string(pcapt_address_text(&item->flow.source, text)));
    json_object_set_new(object, "destination",
                        json_string(pcapt_address_text(&item->flow.destination, text)));
    json_object_set_new(object, "transport",
                        json_string(pcapt_transport_name(item->flow.transport)));
    if (*show_direction(item) != '\0')
        json_object_set_new(object, "direction", json_string(show_direction(item)));
    show_json_packet(object, item);
    if (item->kind == PCAPT_ITEM_PDU && item->pdu.session_id != NULL)
        show_json_pdu(show, object, item);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

/* ---- CSV ---- */

static void show_csv_head(void)
{
    puts("frame,time,source,destination,transport,direction,session,opcode,window_id,seq_nr,flags,"
         "max_window_size,error_code,abort_code,size,data_size,copy_of,discard");
}

static void show_csv_number(const struct sipc_pdu *pdu, uint32_t option, int32_t value)
{
    if (pdu->present & option)
        printf("%" PRId32, value);
    putchar(',');
}

static void show_csv(const struct show *show, const struct pcapt_item *item)
{
    char from[PCAPT_ADDRESS_TEXT], to[PCAPT_ADDRESS_TEXT], id[PCAP_ID_TEXT] = "";
    char time[PCAP_TIME_TEXT];
    const struct sipc_pdu *pdu = &item->pdu;
    const char *before = "";

    if (item->kind != PCAPT_ITEM_PDU)
        return;
    printf("%" PRIu64 ",%s,%s,%s,%s,%s,", item->frame, pcap_time_text(show_time(show, item), time),
           pcapt_address_text(&item->flow.source, from),
           pcapt_address_text(&item->flow.destination, to),
           pcapt_transport_name(item->flow.transport), show_direction(item));
    if (pdu->session_id != NULL) {
        const char *name = sipc_opcode_name(pdu->opcode);
        pcap_id_text(pdu->session_id, SIPC_SESSION_ID_SIZE, id);
        printf("%s,%s,%" PRId64 ",%" PRId32 ",", id, name != NULL ? name : "", pdu->window_id,
               pdu->seq_nr);
    } else {
        printf(",,,,");
    }
    for (uint32_t flag = 1; flag <= SIPC_OPT_IS_WINDOW_FULL; flag <<= 1)
        if (pdu->flags & flag) {
            printf("%s%s", before, sipc_option_spec_name(flag));
            before = " ";
        }
    putchar(',');
    show_csv_number(pdu, SIPC_OPT_MAX_WINDOW_SIZE, pdu->max_window_size);
    show_csv_number(pdu, SIPC_OPT_ERROR_CODE, pdu->error_code);
    show_csv_number(pdu, SIPC_OPT_ABORT_CODE, pdu->abort_code);
    printf("%zu,%zu,", item->wire_size, pdu->data.size);
    if (item->copy_of != 0)
        printf("%" PRIu64, item->copy_of);
    printf(",%s\n", item->discard != SIPC_DISCARD_NONE ? sipc_discard_name(item->discard) : "");
}

/* ---- counts ---- */

static void show_counts(const struct show *show)
{
    json_t *object = json_object();
    const bool json = show->format == SHOW_JSON_LINES;

    for (int opcode = SIPC_DATA; opcode <= SIPC_ENQUIRE_LINK_ACK; opcode++) {
        json_object_set_new(object, sipc_opcode_name(opcode),
                            json_integer((json_int_t)show->opcodes[opcode]));
        if (!json)
            printf("%-16s %10" PRIu64 "\n", sipc_opcode_name(opcode), show->opcodes[opcode]);
    }
    json_object_set_new(object, "not_decoded", json_integer((json_int_t)show->opcodes[0]));
    json_object_set_new(object, "gaps", json_integer((json_int_t)show->gaps));
    if (json) {
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        printf("%-16s %10" PRIu64 "\n%-16s %10" PRIu64 "\n", "not decoded", show->opcodes[0],
               "gaps", show->gaps);
    }
    json_decref(object);
}

static void show_item(struct show *show, const struct pcapt_item *item)
{
    if (show->count) {
        show->gaps += item->kind == PCAPT_ITEM_GAP;
        if (item->kind == PCAPT_ITEM_PDU)
            show->opcodes[pcapt_item_is_pdu(item) ? item->pdu.opcode : 0]++;
        return;
    }
    switch (show->format) {
    case SHOW_LINE:
        show_line(show, item);
        break;
    case SHOW_TREE:
        show_tree(show, item);
        break;
    case SHOW_JSON_LINES:
        show_json(show, item);
        break;
    case SHOW_CSV:
        show_csv(show, item);
        break;
    }
}

int pcap_cmd_show(int argc, char **argv)
{
    struct show show = {.limit = UINT64_MAX};
    const struct pcapt_item *item;
    int first;

    pcap_input_init(&show.input, &show_command);
    int exit_code = cli_parse(&show_command, argc, argv, &first, show_take, &show);
    if (exit_code < 0)
        exit_code = pcap_input_open(&show.input, argc - first, argv + first);
    if (exit_code >= 0)
        return exit_code;
    if (show.format == SHOW_CSV && !show.count)
        show_csv_head();
    while (show.input.shown < show.limit && (item = pcap_input_next(&show.input)) != NULL)
        show_item(&show, item);
    if (show.count)
        show_counts(&show);
    return pcap_input_close(&show.input);
}
