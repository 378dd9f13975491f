/* The files a run or a report writes. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool outputs_set(char **slot, const char *path)
{
    free(*slot);
    *slot = strdup(path);
    SIPC_ASSERT(*slot != NULL);
    return true;
}

static void outputs_set_in(char **slot, const char *folder, const char *name)
{
    if (*slot != NULL) /* an option of its own goes before --out */
        return;
    const int size = asprintf(slot, "%s/%s", folder, name);
    SIPC_ASSERT(size >= 0);
}

bool cli_outputs_take(struct cli_outputs *outputs, int id, const char *value)
{
    switch (id) {
    case CLI_JSONL:
        return outputs_set(&outputs->jsonl, value);
    case CLI_JUNIT:
        return outputs_set(&outputs->junit, value);
    case CLI_TAP:
        return outputs_set(&outputs->tap, value);
    case CLI_HTML:
        return outputs_set(&outputs->html, value);
    case CLI_BADGE:
        return outputs_set(&outputs->badge, value);
    case CLI_PCAP:
        return outputs_set(&outputs->pcap, value);
    default:
        SIPC_ASSERT(id == CLI_OUT);
        return outputs_set(&outputs->folder, value);
    }
}

FILE *cli_outputs_open(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fprintf(stderr, "sipc: cannot write %s: %s\n", path, strerror(errno));
    return file;
}

bool cli_outputs_close(FILE *file, const char *path)
{
    const bool failed = ferror(file) != 0;
    if (fclose(file) == 0 && !failed)
        return true;
    fprintf(stderr, "sipc: %s is incomplete: %s\n", path,
            failed ? "a write failed" : strerror(errno));
    return false;
}

static void outputs_write(struct cli_outputs *outputs, const char *path,
                          void (*write)(const struct conform_report *report, FILE *out),
                          const struct conform_report *report)
{
    if (path == NULL)
        return;
    FILE *file = cli_outputs_open(path);
    if (file == NULL) {
        outputs->broken = true;
        return;
    }
    write(report, file);
    outputs->broken = !cli_outputs_close(file, path) || outputs->broken;
}

/* The folder and the names of the files in it. */
static bool outputs_prepare_folder(struct cli_outputs *outputs)
{
    const char *folder = outputs->folder;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "sipc: --out %s: %s\n", folder, strerror(errno));
        return false;
    }
    outputs_set_in(&outputs->jsonl, folder, "results.jsonl");
    outputs_set_in(&outputs->junit, folder, "junit.xml");
    outputs_set_in(&outputs->tap, folder, "results.tap");
    outputs_set_in(&outputs->html, folder, "report.html");
    outputs_set_in(&outputs->badge, folder, "badge.svg");
    outputs_set_in(&outputs->pcap, folder, "traffic.pcapng");
    return true;
}

bool cli_outputs_prepare(struct cli_outputs *outputs)
{
    if (outputs->folder != NULL && !outputs_prepare_folder(outputs))
        return false;
    const char *const paths[] = {outputs->junit, outputs->tap, outputs->html, outputs->badge};
    bool ok = true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        FILE *file = paths[i] == NULL ? NULL : cli_outputs_open(paths[i]);
        ok = ok && (paths[i] == NULL || file != NULL);
        if (file != NULL)
            fclose(file);
    }
    return ok;
}

void cli_outputs_write(struct cli_outputs *outputs, const struct conform_report *report)
{
    outputs_write(outputs, outputs->junit, conform_report_write_junit, report);
    outputs_write(outputs, outputs->tap, conform_report_write_tap, report);
    outputs_write(outputs, outputs->html, conform_report_write_html, report);
    outputs_write(outputs, outputs->badge, conform_report_write_badge, report);
}

void cli_outputs_clear(struct cli_outputs *outputs)
{
    free(outputs->folder);
    free(outputs->jsonl);
    free(outputs->junit);
    free(outputs->tap);
    free(outputs->html);
    free(outputs->badge);
    free(outputs->pcap);
    *outputs = (struct cli_outputs){0};
}
