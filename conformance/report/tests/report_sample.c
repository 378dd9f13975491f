/* Writes the sample run's reports into a folder, for tests that read them with other tools. */
#include "sample.h"

#include <string.h>

static bool write_report(const char *folder, const char *name,
                         void (*write)(const struct conform_report *report, FILE *out),
                         const struct conform_report *report)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    write(report, file);
    return fclose(file) == 0;
}

int main(int argc, char **argv)
{
    char path[4096];
    if (argc != 2) {
        fprintf(stderr, "usage: report_sample FOLDER\n");
        return EXIT_FAILURE;
    }
    snprintf(path, sizeof path, "%s/results.jsonl", argv[1]);
    FILE *lines = fopen(path, "wb");
    if (lines == NULL)
        return EXIT_FAILURE;
    struct conform_report report;
    sample_report(&report, lines, "the run stopped early");
    bool ok = fclose(lines) == 0;
    ok = write_report(argv[1], "junit.xml", conform_report_write_junit, &report) && ok;
    ok = write_report(argv[1], "results.tap", conform_report_write_tap, &report) && ok;
    ok = write_report(argv[1], "report.html", conform_report_write_html, &report) && ok;
    conform_report_clear(&report);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
