/* sipc conform matrix: the results of several runs side by side, rule by rule. */
#include "cli.h"

enum { MATRIX_HTML = 2000 };

static const struct cli_option matrix_options[] = {
    {0, "html", "FILE", "write one HTML file with every rule", MATRIX_HTML},
    {0, NULL, NULL, NULL, 0},
};

static const struct cli_command matrix_command = {
    .name = "sipc conform matrix",
    .usage = "[options] RESULTS.jsonl...",
    .about = "Puts the results of runs side by side: what each implementation, version or way to\n"
             "attach it says of each rule. On the terminal only the rules on which they differ.",
    .examples = "sipc conform matrix c.jsonl python.jsonl --html matrix.html",
    .options = matrix_options,
};

static bool matrix_take(void *ctx, int id, const char *value)
{
    SIPC_ASSERT(id == MATRIX_HTML);
    *(const char **)ctx = value;
    return true;
}

static int matrix_write(const struct conform_report *const *reports, size_t count, const char *path)
{
    FILE *file = cli_outputs_open(path);
    if (file == NULL)
        return CLI_USAGE;
    conform_matrix_write_html(reports, count, file);
    return cli_outputs_close(file, path) ? CLI_OK : CLI_HARNESS;
}

/* Reads all files; false: what is wrong with each was told. */
static bool matrix_read(struct conform_report *reports, char **paths, size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        struct conform_error error;
        if (conform_report_read(&reports[i], paths[i], &error))
            continue;
        fprintf(stderr, "sipc: %s\n", error.text);
        ok = false;
    }
    return ok;
}

int cli_cmd_matrix(int argc, char **argv)
{
    const char *html = NULL;
    int first;
    int exit_code = cli_parse(&matrix_command, argc, argv, &first, matrix_take, &html);
    if (exit_code != -1)
        return exit_code;
    if (argc == first)
        return cli_usage(&matrix_command, "expected files of JSON lines, found none");
    const size_t count = (size_t)(argc - first);
    struct conform_report *reports = calloc(count, sizeof *reports);
    const struct conform_report **views = calloc(count, sizeof *views);
    SIPC_ASSERT(reports != NULL && views != NULL);
    for (size_t i = 0; i < count; i++)
        views[i] = &reports[i];
    if (!matrix_read(reports, argv + first, count)) {
        exit_code = CLI_USAGE;
    } else if (html != NULL) {
        exit_code = matrix_write(views, count, html);
    } else {
        conform_matrix_print(views, count, stdout);
        exit_code = CLI_OK;
    }
    for (size_t i = 0; i < count; i++)
        conform_report_clear(&reports[i]);
    free(views);
    free(reports);
    return exit_code;
}
