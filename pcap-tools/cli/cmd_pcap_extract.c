/* sipc pcap extract: window groups as files, sessions as captures of their own. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "annotate.h"
#include "groups.h"

enum { EXTRACT_OUT = 3400, EXTRACT_SPLIT, EXTRACT_BUCKETS = 4096, EXTRACT_SPLIT_MAX = 256 };

static const struct cli_option extract_options[] = {
    {'O', "out", "FOLDER", "where to write; made if it is not there", EXTRACT_OUT},
    {0, "split", NULL, "a capture of each session (pcapng), instead of groups", EXTRACT_SPLIT},
    PCAP_READ_OPTIONS,
    PCAP_FILTER_OPTIONS,
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command extract_command = {
    .name = "sipc pcap extract",
    .usage = "[options] --out FOLDER FILE",
    .about =
        "Writes the data of every window group that is whole in the capture to a file, and\n"
        "index.jsonl with a line for each: session, addresses, frames, attributes, whether its\n"
        "acks were captured. (A message is one group or more; where it ends is not on the wire.)\n"
        "With --split, the frames of each session to a capture of its own.\n"
        "\n"
        "Exit status: 0 written, 2 bad options, 4 the capture is broken (what was before is\n"
        "written) or a file cannot be written, 5 no PDU in it, or none that fits.",
    .examples = "sipc pcap extract --out groups traffic.pcapng\n"
                "sipc pcap extract --from 10.0.0.1 --session 3f2a --out groups traffic.pcapng\n"
                "sipc pcap extract --split --out sessions traffic.pcapng",
    .options = extract_options,
};

struct extract_split {
    uint8_t session[SIPC_SESSION_ID_SIZE];
    struct annotate *writer;
    char *path;
};
struct extract {
    struct pcap_input input;
    const char *folder;
    bool split, failed;
    FILE *index;
    struct groups *buckets[EXTRACT_BUCKETS];
    uint64_t directions, left_out, files;
    struct extract_split splits[EXTRACT_SPLIT_MAX];
    size_t split_count;
};

static bool extract_take(void *ctx, int id, const char *value)
{
    struct extract *extract = ctx;
    if (id == EXTRACT_OUT) {
        extract->folder = value;
        return true;
    }
    if (id == EXTRACT_SPLIT)
        return extract->split = true;
    return pcap_input_take(&extract->input, id, value);
}

static char *extract_path(const struct extract *extract, const char *name)
{
    char *path;
    SIPC_ASSERT(asprintf(&path, "%s/%s", extract->folder, name) >= 0);
    return path;
}

/* ---- groups ---- */

static void extract_attribute(void *ctx, struct sipc_span name, struct sipc_span value)
{
    json_t *pair = json_array();

    json_array_append_new(pair, pcap_text_json(name));
    json_array_append_new(pair, pcap_text_json(value));
    json_array_append_new(ctx, pair);
}

static void extract_index(struct extract *extract, const struct groups *groups, const char *name)
{
    char from[PCAPT_ADDRESS_TEXT], to[PCAPT_ADDRESS_TEXT], id[PCAP_ID_TEXT];
    const struct sipc_span options = {groups->options.data, groups->options.size};
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b}", "file", name,
                               "session", pcap_id_text(groups->session, SIPC_SESSION_ID_SIZE, id),
                               "from", pcapt_address_text(&groups->flow.source, from), "to",
                               pcapt_address_text(&groups->flow.destination, to), "first_frame",
                               (json_int_t)groups->first_frame, "last_frame",
                               (json_int_t)groups->last_frame, "time_ns", (json_int_t)groups->at_ns,
                               "size", (json_int_t)groups->data.size, "acked", (int)groups->acked);

    SIPC_ASSERT(object != NULL);
    json_t *attributes = json_array();
    pcap_attributes(options, extract_attribute, attributes);
    json_object_set_new(object, "attributes", attributes);
    json_dumpf(object, extract->index, JSON_COMPACT);
    fputc('\n', extract->index);
    json_decref(object);
}

static void extract_found(void *ctx, const struct groups *groups)
{
    struct extract *extract = ctx;
    char id[PCAP_ID_TEXT], name[96];

    snprintf(name, sizeof name, "%s-%" PRIu64 "-%06" PRIu64 ".bin",
             pcap_id_text(groups->session, 8, id), groups->number, groups->count);
    char *path = extract_path(extract, name);
    FILE *file = cli_outputs_open(path);
    if (file != NULL) {
        if (groups->data.size > 0)
            fwrite(groups->data.data, groups->data.size, 1, file);
        extract->failed |= !cli_outputs_close(file, path);
        extract_index(extract, groups, name);
        extract->files++;
    }
    extract->failed |= file == NULL;
    free(path);
}

/* The direction of a session that goes this way; made if it is not there and `item` is of it. */
static struct groups *extract_groups(struct extract *extract, const struct pcapt_item *item,
                                     bool back)
{
    const struct pcapt_flow flow =
        back ? (struct pcapt_flow){item->flow.destination, item->flow.source, item->flow.transport}
             : item->flow;
    uint32_t hash = 2166136261u;
    for (int i = 0; i < SIPC_SESSION_ID_SIZE; i++)
        hash = (hash ^ item->pdu.session_id[i]) * 16777619u;
    struct groups **at = &extract->buckets[hash % EXTRACT_BUCKETS];
    for (; *at != NULL; at = &(*at)->next)
        if (memcmp((*at)->session, item->pdu.session_id, SIPC_SESSION_ID_SIZE) == 0 &&
            memcmp(&(*at)->flow, &flow, sizeof flow) == 0)
            return *at;
    if (back)
        return NULL;
    if (extract->directions == GROUPS_MAX) {
        extract->left_out++;
        return NULL;
    }
    return *at = groups_new(item, ++extract->directions);
}

static void extract_item(struct extract *extract, const struct pcapt_item *item)
{
    if (!pcapt_item_is_pdu(item) || item->dropped)
        return;
    const bool ack = item->pdu.opcode == SIPC_DATA_ACK;
    if (!ack && item->pdu.opcode != SIPC_DATA)
        return;
    struct groups *groups = extract_groups(extract, item, ack);
    if (groups != NULL && ack)
        groups_ack(groups, item, extract_found, extract);
    else if (groups != NULL)
        groups_data(groups, item, extract_found, extract);
}

static bool extract_begin(struct extract *extract)
{
    if (mkdir(extract->folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "sipc pcap extract: %s: %s\n", extract->folder, strerror(errno));
        return false;
    }
    if (extract->split)
        return true;
    char *path = extract_path(extract, "index.jsonl");
    extract->index = cli_outputs_open(path);
    free(path);
    return extract->index != NULL;
}

/* ---- sessions ---- */

static void extract_split(struct extract *extract, const struct pcapt_item *item)
{
    char id[PCAP_ID_TEXT], name[96];
    size_t at = 0;

    if (item->kind != PCAPT_ITEM_PDU || item->pdu.session_id == NULL ||
        item->first_frame != item->frame || item->flow.transport == PCAPT_OVER_TCP) {
        extract->left_out++;
        return;
    }
    while (at < extract->split_count &&
           memcmp(extract->splits[at].session, item->pdu.session_id, SIPC_SESSION_ID_SIZE) != 0)
        at++;
    if (at == EXTRACT_SPLIT_MAX) {
        extract->left_out++;
        return;
    }
    struct extract_split *split = &extract->splits[at];
    if (at == extract->split_count) {
        snprintf(name, sizeof name, "%s.pcapng",
                 pcap_id_text(item->pdu.session_id, SIPC_SESSION_ID_SIZE, id));
        split->path = extract_path(extract, name);
        split->writer = annotate_begin(split->path, extract->input.source);
        extract->failed |= split->writer == NULL;
        memcpy(split->session, item->pdu.session_id, SIPC_SESSION_ID_SIZE);
        extract->split_count++;
        extract->files++;
    }
    if (split->writer != NULL)
        annotate_frame(split->writer, pcapt_reader_frame(extract->input.reader));
}

/* ---- the command ---- */

static uint64_t extract_end(struct extract *extract)
{
    uint64_t incomplete = 0;

    for (int i = 0; i < EXTRACT_BUCKETS; i++)
        for (struct groups *groups = extract->buckets[i], *next; groups != NULL; groups = next) {
            next = groups->next;
            groups_end(groups, extract_found, extract);
            incomplete += groups->incomplete;
            groups_free(groups);
        }
    for (size_t i = 0; i < extract->split_count; i++) {
        if (extract->splits[i].writer != NULL)
            extract->failed |= !annotate_end(extract->splits[i].writer);
        free(extract->splits[i].path);
    }
    if (extract->index != NULL)
        extract->failed |= !cli_outputs_close(extract->index, "index.jsonl");
    return incomplete;
}

static void extract_all(struct extract *extract)
{
    const struct pcapt_item *item;

    while (!extract->failed && (item = pcap_input_next(&extract->input)) != NULL) {
        if (extract->split)
            extract_split(extract, item);
        else
            extract_item(extract, item);
    }
    const uint64_t incomplete = extract_end(extract);
    if (extract->split)
        printf("%" PRIu64 " session%s\n", extract->files, extract->files == 1 ? "" : "s");
    else
        printf("%" PRIu64 " groups of %" PRIu64 " directions; %" PRIu64
               " groups or windows lack something\n",
               extract->files, extract->directions, incomplete);
    if (extract->left_out > 0)
        printf("%" PRIu64 " PDUs are left out: %s\n", extract->left_out,
               extract->split ? "in streams or fragments, or of more than 256 sessions"
                              : "of more than 4096 directions");
}

int pcap_cmd_extract(int argc, char **argv)
{
    struct extract *extract = calloc(1, sizeof *extract);
    int first;

    SIPC_ASSERT(extract != NULL);
    pcap_input_init(&extract->input, &extract_command);
    int exit_code = cli_parse(&extract_command, argc, argv, &first, extract_take, extract);
    if (exit_code < 0 && extract->folder == NULL)
        exit_code = cli_usage(&extract_command, "no --out FOLDER");
    if (exit_code < 0)
        exit_code = pcap_input_open(&extract->input, argc - first, argv + first);
    if (exit_code < 0) {
        extract->failed = !extract_begin(extract);
        if (!extract->failed)
            extract_all(extract);
        exit_code = pcap_input_close(&extract->input);
        if (extract->failed)
            exit_code = CLI_HARNESS;
    }
    free(extract);
    return exit_code;
}
