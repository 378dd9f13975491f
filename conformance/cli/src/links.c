/* Links between the scripts and the SUT, as --link names them: the clauses of a `link` of the
 * simulator's scenarios, read by its own parser. SPDX-License-Identifier: MIT */
#include "cli.h"

#include <ctype.h>
#include <string.h>

#include "simnet/scenario.h"

/* What `ladder` is: worse from step to step. */
static const char *const links_ladder[] = {
    "clean",
    "loss 0.1% duplicate 0.05% swap 0.2%",
    "loss 1% duplicate 0.5% swap 2%",
    "loss 5% duplicate 2.5% swap 10%",
    "loss 20% duplicate 10% swap 40%",
};

/* = for a blank, so that a whole link may be one word of a shell; not within quotes. */
static char *links_text(const char *value)
{
    char *text = strdup(value);
    bool quoted = false;
    SIPC_ASSERT(text != NULL);
    for (char *c = text; *c != '\0'; c++) {
        quoted ^= *c == '"';
        if (*c == '=' && !quoted)
            *c = ' ';
    }
    return text;
}

/* The parser's errors are about a file that nobody wrote: only what they say is told. */
static void links_tell(const char *value, const char *errors)
{
    const char *said = strstr(errors, "error: ");
    fprintf(stderr, "sipc: --link '%s': %s", value, said == NULL ? errors : said + 7);
}

static struct sx_script *links_parse(const char *value, FILE *errors)
{
    static const char head[] = "sx 1\nid link\nworld\nhost script\nhost sut\nlink script<>sut ";
    char *text = links_text(value), *scenario = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&scenario, &size);
    SIPC_ASSERT(out != NULL);
    fprintf(out, "%s%s\n", head, text);
    fclose(out);
    struct sx_script *script = sx_parse("link.sx", scenario, size, errors, NULL);
    free(scenario);
    free(text);
    return script;
}

static bool links_read(const char *value, struct simnet_scenario *scenario)
{
    char *errors = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&errors, &size);
    SIPC_ASSERT(memory != NULL);
    struct sx_script *script = links_parse(value, memory);
    const bool ok = script != NULL && simnet_scenario_from_script(script, 0, scenario, memory);
    fclose(memory);
    if (!ok)
        links_tell(value, errors);
    free(errors);
    sx_script_free(script);
    return ok;
}

static bool links_append(struct cli_links *links, const char *value)
{
    struct simnet_scenario scenario = {0};
    struct conform_link link = {.text = value};
    const bool clean = strcmp(value, "clean") == 0;
    if (value[strspn(value, " =")] == '\0') {
        fprintf(stderr, "sipc: --link '%s': expected clauses of a link, clean or ladder\n", value);
        return false;
    }
    for (const char *c = value; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c)) {
            fprintf(stderr, "sipc: --link: expected one line, found a control character\n");
            return false;
        }
    }
    if (!clean && !links_read(value, &scenario))
        return false;
    links->items = reallocarray(links->items, links->count + 1, sizeof *links->items);
    links->scenarios = reallocarray(links->scenarios, links->count + 1, sizeof *links->scenarios);
    SIPC_ASSERT(links->items != NULL && links->scenarios != NULL);
    link.to_sut = clean ? NULL : &scenario.links.at[0].config;
    link.from_sut = clean ? NULL : &scenario.links.at[1].config;
    links->items[links->count] = link;
    links->scenarios[links->count++] = scenario;
    return true;
}

bool cli_links_add(struct cli_links *links, const char *value)
{
    bool ok = true;
    if (strcmp(value, "ladder") != 0)
        return links_append(links, value);
    for (size_t i = 0; ok && i < sizeof links_ladder / sizeof *links_ladder; i++)
        ok = links_append(links, links_ladder[i]);
    return ok;
}

void cli_links_clear(struct cli_links *links)
{
    for (size_t i = 0; i < links->count; i++)
        if (links->items[i].to_sut != NULL)
            simnet_scenario_fini(&links->scenarios[i]);
    free(links->items);
    free(links->scenarios);
    *links = (struct cli_links){0};
}
