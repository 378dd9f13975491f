/* Options: one table per command is parsed and is the help, so that neither can lag behind. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS_MAX = 40, OPTIONS_HELP_ID = 0x7fff };

const char *cli_program = "sipc";

void cli_words_add(struct cli_words *words, const char *word)
{
    words->items = realloc(words->items, (words->count + 1) * sizeof *words->items);
    SIPC_ASSERT(words->items != NULL);
    words->items[words->count++] = word;
}

void cli_words_clear(struct cli_words *words)
{
    free(words->items);
    *words = (struct cli_words){0};
}

bool cli_colour(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && getenv("NO_COLOR") == NULL &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

void cli_quote(const char *word, FILE *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:,=+@%";
    if (*word != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}

static size_t options_label(const struct cli_option *option, char *out, size_t size)
{
    const int used = option->letter != 0
                         ? snprintf(out, size, "-%c, --%s", option->letter, option->name)
                         : snprintf(out, size, "    --%s", option->name);
    if (option->argument == NULL)
        return (size_t)used;
    return (size_t)(used + snprintf(out + used, size - (size_t)used, " %s", option->argument));
}

static void options_indent(const char *text, FILE *out)
{
    while (*text != '\0') {
        const size_t size = strcspn(text, "\n");
        fprintf(out, "  %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void options_help(const struct cli_command *command)
{
    static const struct cli_option help = {'h', "help", NULL, "this text", OPTIONS_HELP_ID};
    char label[80];
    size_t width = 0;
    printf("usage: %s %s\n\n%s\n\noptions:\n", command->name, command->usage, command->about);
    for (const struct cli_option *o = command->options; o->name != NULL; o++) {
        const size_t used = options_label(o, label, sizeof label);
        width = used > width ? used : width;
    }
    for (const struct cli_option *o = command->options;; o++) {
        const bool end = o->name == NULL;
        options_label(end ? &help : o, label, sizeof label);
        printf("  %-*s  %s\n", (int)width, label, end ? help.help : o->help);
        if (end)
            break;
    }
    printf("\nexamples:\n");
    options_indent(command->examples, stdout);
}

int cli_usage(const struct cli_command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", command->name);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry '%s --help'.\n", command->name);
    return CLI_USAGE;
}

bool cli_number(const char *option, const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(value, &end, 10);
    if (errno == 0 && value[0] >= '0' && value[0] <= '9' && *end == '\0' && number >= min &&
        number <= max) {
        *out = number;
        return true;
    }
    fprintf(stderr, "sipc: %s %s: expected a whole number from %llu to %llu\n", option, value,
            (unsigned long long)min, (unsigned long long)max);
    return false;
}

bool cli_numbers(const char *option, const char *value, uint64_t *first, uint64_t *last)
{
    const char *dots = strstr(value, "..");
    char *from = strndup(value, dots != NULL ? (size_t)(dots - value) : strlen(value));
    SIPC_ASSERT(from != NULL);
    bool good = cli_number(option, from, 0, UINT64_MAX, first);
    free(from);
    *last = *first;
    good = good && (dots == NULL || cli_number(option, dots + 2, 0, UINT64_MAX, last));
    if (good && *last < *first) {
        fprintf(stderr, "sipc: %s %s: expected A..B with A at most B\n", option, value);
        return false;
    }
    return good;
}

/* getopt's tables of a command's options. */
struct options_tables {
    struct option longs[OPTIONS_MAX];
    char shorts[2 * OPTIONS_MAX + 2];
    size_t count;
};

static void options_add(struct options_tables *tables, const struct cli_option *option)
{
    SIPC_ASSERT(tables->count + 1 < OPTIONS_MAX);
    tables->longs[tables->count++] =
        (struct option){.name = option->name,
                        .has_arg = option->argument != NULL ? required_argument : no_argument,
                        .val = option->id};
    if (option->letter == 0)
        return;
    const size_t used = strlen(tables->shorts);
    tables->shorts[used] = option->letter;
    if (option->argument != NULL)
        tables->shorts[used + 1] = ':';
}

static int options_unknown(const struct cli_command *command, const struct options_tables *tables,
                           const char *word, int result)
{
    if (result == ':')
        return cli_usage(command, "%s needs a value", word);
    if (strncmp(word, "--", 2) != 0)
        return cli_usage(command, "unknown option -%c", optopt);
    if (strchr(word, '=') != NULL && optopt != 0)
        return cli_usage(command, "%.*s takes no value", (int)strcspn(word, "="), word);
    char names[OPTIONS_MAX][40];
    const char *candidates[OPTIONS_MAX];
    for (size_t i = 0; i < tables->count; i++) {
        snprintf(names[i], sizeof names[i], "--%s", tables->longs[i].name);
        candidates[i] = names[i];
    }
    char *near = cli_near(word, candidates, tables->count);
    cli_usage(command, "unknown option %s%s", word, near);
    free(near);
    return CLI_USAGE;
}

int cli_parse(const struct cli_command *command, int argc, char **argv, int *first,
              bool (*take)(void *ctx, int id, const char *value), void *ctx)
{
    static const struct cli_option help = {'h', "help", NULL, "", OPTIONS_HELP_ID};
    struct options_tables tables = {.shorts = ":"};
    for (const struct cli_option *o = command->options; o->name != NULL; o++)
        options_add(&tables, o);
    options_add(&tables, &help);

    optind = 0; /* begin anew: the program's own options were parsed before */
    for (;;) {
        const int before = optind == 0 ? 1 : optind;
        int result = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
        if (result == -1)
            break;
        if (result == '?' || result == ':')
            return options_unknown(command, &tables, argv[optind > before ? optind - 1 : before],
                                   result);
        for (const struct cli_option *o = command->options; o->name != NULL; o++)
            if (o->letter != 0 && result == o->letter)
                result = o->id;
        if (result == OPTIONS_HELP_ID || result == 'h') {
            options_help(command);
            return CLI_OK;
        }
        if (!take(ctx, result, optarg)) {
            fprintf(stderr, "Try '%s --help'.\n", command->name);
            return CLI_USAGE;
        }
    }
    *first = optind;
    return -1;
}
