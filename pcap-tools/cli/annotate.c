/* See annotate.h. Interfaces are described as frames need them; what a frame had stays. */
#include "annotate.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { ANNOTATE_COMMENTS = 32 };

struct annotate {
    const char *path;
    FILE *file;
    struct pcapt_source *source;
    struct pcapt_pcapng writer;
    uint32_t *interfaces; /* 1 + number in the new file; 0: not described yet */
    uint32_t count;
    char *comments[ANNOTATE_COMMENTS];
    size_t comment_count;
    bool begun, failed, silent;
};

struct annotate *annotate_begin(const char *path, struct pcapt_source *source)
{
    FILE *file = cli_outputs_open(path);
    if (file == NULL)
        return NULL;
    struct annotate *annotate = calloc(1, sizeof *annotate);
    SIPC_ASSERT(annotate != NULL);
    annotate->path = path;
    annotate->file = file;
    annotate->source = source;
    return annotate;
}

void annotate_silently(struct annotate *annotate)
{
    annotate->silent = true;
}

void annotate_comment(struct annotate *annotate, const char *text)
{
    if (annotate->comment_count == ANNOTATE_COMMENTS)
        return;
    char *comment = strdup(text);
    SIPC_ASSERT(comment != NULL);
    annotate->comments[annotate->comment_count++] = comment;
}

static void annotate_section(struct annotate *annotate)
{
    const char *application = pcapt_source_application(annotate->source);
    const struct pcapt_section section = {
        .application = application != NULL ? application : "sipc pcap audit",
        .comment = annotate->silent ? NULL : pcapt_source_comment(annotate->source)};
    annotate->failed |= !pcapt_pcapng_begin(&annotate->writer, annotate->file, &section);
    annotate->begun = true;
}

static uint32_t annotate_interface(struct annotate *annotate, const struct pcapt_frame *frame)
{
    if (frame->interface >= annotate->count) {
        const uint32_t count = frame->interface + 1;
        annotate->interfaces = realloc(annotate->interfaces, count * sizeof(uint32_t));
        SIPC_ASSERT(annotate->interfaces != NULL);
        memset(annotate->interfaces + annotate->count, 0,
               (count - annotate->count) * sizeof(uint32_t));
        annotate->count = count;
    }
    uint32_t *number = &annotate->interfaces[frame->interface];
    if (*number == 0) {
        struct pcapt_source_interface found = {0};
        pcapt_source_interface(annotate->source, frame->interface, &found);
        const struct pcapt_interface interface = {.name = found.name,
                                                  .description = found.description,
                                                  .link_type = (uint16_t)frame->link_type,
                                                  .snap_length = found.snap_length};
        annotate->failed |= !pcapt_pcapng_interface(&annotate->writer, &interface, number);
        ++*number;
    }
    return *number - 1;
}

/* The frame's own comments, a line each, go before the others; what there is no room for is left
 * together. */
static void annotate_own(struct annotate *annotate, const char *text)
{
    char *lines[ANNOTATE_COMMENTS];
    size_t count = 0;

    while (text != NULL && annotate->comment_count + count < ANNOTATE_COMMENTS) {
        const char *end = strchr(text, '\n');
        if (annotate->comment_count + count == ANNOTATE_COMMENTS - 1)
            end = NULL;
        lines[count] = end != NULL ? strndup(text, (size_t)(end - text)) : strdup(text);
        SIPC_ASSERT(lines[count] != NULL);
        count++;
        text = end != NULL ? end + 1 : NULL;
    }
    memmove(annotate->comments + count, annotate->comments,
            annotate->comment_count * sizeof *annotate->comments);
    memcpy(annotate->comments, lines, count * sizeof *lines);
    annotate->comment_count += count;
}

void annotate_frame(struct annotate *annotate, const struct pcapt_frame *frame)
{
    if (!annotate->begun)
        annotate_section(annotate);
    annotate_own(annotate, annotate->silent ? NULL : frame->comment);
    const struct pcapt_packet packet = {.interface = annotate_interface(annotate, frame),
                                        .at_ns = frame->at_ns,
                                        .data = frame->data,
                                        .size = frame->size,
                                        .original_size = frame->wire_size,
                                        .direction = frame->direction,
                                        .comments = (const char *const *)annotate->comments,
                                        .comment_count = annotate->comment_count};
    annotate->failed |= !pcapt_pcapng_packet(&annotate->writer, &packet);
    for (size_t i = 0; i < annotate->comment_count; i++)
        free(annotate->comments[i]);
    annotate->comment_count = 0;
}

bool annotate_end(struct annotate *annotate)
{
    bool ok = !annotate->failed;

    if (!annotate->begun)
        annotate_section(annotate);
    for (size_t i = 0; i < annotate->comment_count; i++)
        free(annotate->comments[i]);
    ok = cli_outputs_close(annotate->file, annotate->path) && ok;
    free(annotate->interfaces);
    free(annotate);
    return ok;
}
