/* Opening and closing traces, and what their writers share: see export.h. Writers write through
 * stdio and never look back; the first write that fails ends the writing, and close tells. */
#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "containers.h"

enum { EXPORT_BUFFER_BYTES = 1 << 18, EXPORT_ROWS = 400 };

/* ---- opening and closing ---- */

bool simnet_export_kind_of(const char *path, enum simnet_export_kind *kind,
                           struct simnet_error *error)
{
    static const struct {
        const char *suffix;
        enum simnet_export_kind kind;
    } suffixes[] = {
        {".pcapng", SIMNET_EXPORT_PCAPNG}, {".qlog", SIMNET_EXPORT_QLOG},
        {".sqlog", SIMNET_EXPORT_QLOG},    {".ndjson", SIMNET_EXPORT_NDJSON},
        {".jsonl", SIMNET_EXPORT_NDJSON},  {".svg", SIMNET_EXPORT_SVG},
        {".html", SIMNET_EXPORT_HTML},
    };
    size_t size = strlen(path);

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t length = strlen(suffixes[i].suffix);
        if (size > length && strcmp(path + size - length, suffixes[i].suffix) == 0) {
            *kind = suffixes[i].kind;
            return true;
        }
    }
    snprintf(error->text, sizeof error->text,
             "%.200s: a trace ends in .pcapng, .qlog, .sqlog, .ndjson, .jsonl, .svg or .html",
             path);
    return false;
}

static void export_event(void *ctx, const struct simnet_event *event)
{
    struct simnet_export *export = ctx;

    if (export->error || event->time_ns < export->options.from_ns ||
        event->time_ns > export->options.to_ns)
        return;
    if (!export->begun)
        export->format->begin(export);
    export->begun = true;
    if (!export->error)
        export->format->event(export, event);
}

struct simnet_export *simnet_export_to(struct simnet_world *world, enum simnet_export_kind kind,
                                       FILE *file, const char *name,
                                       const struct simnet_export_options *options)
{
    static const struct export_format *const formats[SIMNET_EXPORT_KIND_COUNT] = {
        &export_pcapng, &export_qlog, &export_ndjson, &export_ladder, &export_ladder};
    struct simnet_export *export = simnet_allocate(1, sizeof *export);

    SIPC_ASSERT(kind < SIMNET_EXPORT_KIND_COUNT);
    export->world = world;
    export->kind = kind;
    export->format = formats[kind];
    export->self = simnet_allocate(1, export->format->state_bytes);
    export->file = file;
    export->name = simnet_allocate(strlen(name) + 1, 1);
    memcpy(export->name, name, strlen(name));
    if (options != NULL)
        export->options = *options;
    if (export->options.to_ns == 0)
        export->options.to_ns = SIPC_NEVER;
    if (export->options.rows == 0)
        export->options.rows = EXPORT_ROWS;
    unsigned wants = export->format->wants;
    if (kind == SIMNET_EXPORT_NDJSON && export->options.passes)
        wants |= SIMNET_WANT_PASSES;
    simnet_observe(world, &(struct simnet_observer){export, wants, export_event});
    return export;
}

struct simnet_export *simnet_export_open(struct simnet_world *world, const char *path,
                                         const struct simnet_export_options *options,
                                         struct simnet_error *error)
{
    enum simnet_export_kind kind;

    if (!simnet_export_kind_of(path, &kind, error))
        return NULL;
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        snprintf(error->text, sizeof error->text, "%.200s: cannot be made: %s", path,
                 strerror(errno));
        return NULL;
    }
    struct simnet_export *export = simnet_export_to(world, kind, file, path, options);
    export->owned = true;
    export->buffer = simnet_allocate(EXPORT_BUFFER_BYTES, 1);
    setvbuf(file, export->buffer, _IOFBF, EXPORT_BUFFER_BYTES);
    return export;
}

bool simnet_export_close(struct simnet_export *export, struct simnet_error *error)
{
    if (export == NULL)
        return true;
    simnet_unobserve(export->world, export);
    if (!export->begun)
        export->format->begin(export);
    if (!export->error)
        export->format->end(export);
    export->format->fini(export);
    if (fflush(export->file) != 0)
        export_failed(export);
    if (export->owned && fclose(export->file) != 0)
        export_failed(export);
    bool ok = export->error == 0;
    if (!ok)
        snprintf(error->text, sizeof error->text, "%.200s: cannot be written: %s", export->name,
                 strerror(export->error));
    free(export->self);
    free(export->name);
    free(export->buffer);
    free(export);
    return ok;
}

void export_failed(struct simnet_export *export)
{
    if (export->error == 0)
        export->error = errno ? errno : EIO;
}

void export_line(struct simnet_export *export, struct json *json, const char *before)
{
    json_raw(json, "\n", 1);
    if (fputs(before, export->file) < 0 || fwrite(json->text, json->used, 1, export->file) != 1)
        export_failed(export);
    json->used = 0;
    json->comma = false;
}

struct sipc_span export_bytes(struct simnet_export *export, const struct simnet_datagram *datagram,
                              bool as_sent)
{
    struct simnet_datagram copy = *datagram;

    if (as_sent)
        copy.corruption = SIMNET_PASS;
    return (struct sipc_span){export->bytes,
                              simnet_datagram_copy(&copy, export->bytes, sizeof export->bytes)};
}

/* ---- names ---- */

const char *export_host_name(const struct simnet_export *export, simnet_host host)
{
    return host == SIMNET_NONE ? "nobody" : simnet_host_name(export->world, host);
}

const char *export_link_name(const struct simnet_export *export, simnet_link link)
{
    return link == SIMNET_NONE ? "no route" : simnet_link_name(export->world, link);
}

const char *export_rule_name(enum sipc_rule rule)
{
    const struct sipc_rule_info *info = sipc_rule_info(rule);

    return info ? info->id : NULL;
}

void export_name_flags(uint32_t flags, bool brief, char *out, size_t size)
{
    static const char *const briefs[] = {"first", "last", "end", "skip", "full"};
    size_t used = 0;

    *out = '\0';
    for (unsigned bit = 0; bit < sizeof briefs / sizeof briefs[0]; bit++)
        if (flags & 1u << bit && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
                                     brief ? briefs[bit] : sipc_option_spec_name(1u << bit));
}

/* Appends to a text that has room for all that is ever appended. */
static void name_add(char *out, size_t size, const char *format, ...) SIPC_PRINTF(3, 4);
static void name_add(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

static void name_options(const struct sipc_pdu *pdu, bool brief, char *out, size_t size)
{
    const struct {
        uint32_t id;
        int32_t value;
        const char *brief;
    } integers[] = {
        {SIPC_OPT_MAX_WINDOW_SIZE, pdu->max_window_size, "window"},
        {SIPC_OPT_ERROR_CODE, pdu->error_code, "error"},
        {SIPC_OPT_ABORT_CODE, pdu->abort_code, "code"},
        {SIPC_OPT_IDLE_TIMEOUT, pdu->idle_timeout_ms, "idle"},
    };
    char flags[128];

    export_name_flags(pdu->flags, brief, flags, sizeof flags);
    char inside[200] = "";
    name_add(inside, sizeof inside, "%s", flags);
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        if (pdu->present & integers[i].id)
            name_add(inside, sizeof inside, "%s%s=%" PRId32, *inside ? " " : "",
                     brief ? integers[i].brief : sipc_option_spec_name(integers[i].id),
                     integers[i].value);
    if (*inside)
        name_add(out, size, " {%s}", inside);
}

void export_name_pdu(struct simnet_export *export, const struct simnet_datagram *datagram,
                     bool brief, char *out, size_t size)
{
    struct sipc_pdu pdu;

    if (sipc_pdu_decode(export_bytes(export, datagram, true), &pdu) != SIPC_DISCARD_NONE) {
        snprintf(out, size, "raw, %" PRIu32 " B", datagram->size);
        return;
    }
    *out = '\0';
    name_add(out, size, "%s %" PRId64 ":%" PRId32, sipc_opcode_name(pdu.opcode), pdu.window_id,
             pdu.seq_nr);
    name_options(&pdu, brief, out, size);
    if (pdu.data.size > 0)
        name_add(out, size, " %zu B", pdu.data.size);
}

void export_name_harm(const struct simnet_datagram *datagram, char *out, size_t size)
{
    uint64_t value = datagram->corruption_value;

    *out = '\0';
    if (datagram->corruption == SIMNET_FLIP)
        name_add(out, size, "%" PRIu32 " %s flipped from bit %" PRIu64, datagram->corruption_extra,
                 datagram->corruption_extra == 1 ? "bit" : "bits", value);
    else if (datagram->corruption == SIMNET_TRUNCATE)
        name_add(out, size, "cut to %" PRIu64 " B", value);
    else if (datagram->corruption == SIMNET_EXTEND)
        name_add(out, size, "%" PRIu64 " B appended", value);
    if (datagram->copy > 0)
        name_add(out, size, "%scopy %u", *out ? ", " : "", datagram->copy);
}

void export_name_span(sipc_time ns, char *out, size_t size)
{
    static const struct {
        sipc_time ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "\xc2\xb5s"}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ns < units[i].ns)
            continue;
        snprintf(out, size, "%" PRIu64 ".%03" PRIu64, ns / units[i].ns,
                 ns % units[i].ns / (units[i].ns / 1000));
        size_t used = strlen(out);
        while (out[used - 1] == '0')
            used--;
        used -= out[used - 1] == '.';
        snprintf(out + used, size - used, " %s", units[i].name);
        return;
    }
    snprintf(out, size, "%" PRIu64 " ns", ns);
}
