/* `sipc conform check-adapter`: says in plain words what an adapter does wrong.
 * SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char check_help[] =
    "usage: sipc conform check-adapter SPEC [--limit MS] [--json]\n"
    "\n"
    "Tries out how a system under test is attached, step by step, and says what is wrong with it "
    "and\n"
    "what to do about it. It judges the adapter, not the protocol: that is `sipc conform run`.\n"
    "\n"
    "SPEC: so:PATH, exec:CMD, udp:HOST:PORT, tcp:HOST:PORT, unix:PATH, the last three also with\n"
    ",control=exec:CMD or ,control=tcp:HOST:PORT; or engine\n"
    "  --limit MS   how long a response may take (5000)\n"
    "  --json       one JSON document instead of lines\n"
    "  -h, --help   this text\n"
    "\n"
    "examples:\n"
    "  sipc conform check-adapter 'exec:python3 adapter.py'\n"
    "  sipc conform check-adapter so:./libadapter.so\n"
    "  sipc conform check-adapter udp:127.0.0.1:9000\n"
    "\n"
    "exit status: 0 all is well, 2 wrong usage, 3 the adapter is broken\n";

enum { CHECK_SLOW_MS = 1000 };

static void check_tell(struct conform__check *check, const char *verdict, const char *what,
                       const char *text, const char *advice)
{
    check->done++;
    if (check->json) {
        json_t *item = json_pack("{s:s,s:s,s:s}", "check", what, "verdict", verdict, "text", text);
        if (!item) { /* text that is not UTF-8: an adapter's own words may be anything */
            item = json_pack("{s:s,s:s}", "check", what, "verdict", verdict);
        }
        if (advice) {
            json_object_set_new(item, "advice", json_string(advice));
        }
        json_array_append_new(check->items, item);
        return;
    }
    printf("%-5s %s: %s\n", verdict, what, text);
    if (advice) {
        printf("      -> %s\n", advice);
    }
}

void conform__check_ok(struct conform__check *check, const char *what, const char *format, ...)
{
    struct conform_error text;
    va_list args;
    va_start(args, format);
    vsnprintf(text.text, sizeof text.text, format, args);
    va_end(args);
    check_tell(check, "ok", what, text.text, NULL);
}

void conform__check_fail(struct conform__check *check, const char *what, const char *advice,
                         const char *format, ...)
{
    struct conform_error text;
    va_list args;
    va_start(args, format);
    vsnprintf(text.text, sizeof text.text, format, args);
    va_end(args);
    check->failed++;
    check_tell(check, "FAIL", what, text.text, advice);
}

void conform__check_skip(struct conform__check *check, const char *what, const char *why)
{
    check_tell(check, "-", what, why, NULL);
}

static void check_slowest(struct conform__check *check)
{
    unsigned long ms = (unsigned long)(check->slowest_ns / SIPC_NS_PER_MS);
    if (!check->slowest_what) {
        return;
    }
    struct conform_error text;
    conform_error_set(&text, "the slowest response took %lu ms (%s)", ms, check->slowest_what);
    const bool slow = ms > CHECK_SLOW_MS; /* no fault: the machine may have been busy */
    check_tell(check, slow ? "slow" : "ok", "time", text.text,
               slow ? "a run asks thousands of times: answer at once" : NULL);
}

/* -1: go on; otherwise the exit code. */
static int check_parse(int argc, char **argv, struct conform__check *check)
{
    static const struct option options[] = {
        {"limit", required_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        char *end;
        unsigned long limit;
        switch (c) {
        case 'l':
            limit = strtoul(optarg, &end, 10);
            if (*end || limit < 1 || limit > 3600000) {
                fprintf(stderr, "check-adapter: --limit must be 1..3600000 ms, is \"%s\"\n",
                        optarg);
                return 2;
            }
            check->limit_ms = (unsigned)limit;
            break;
        case 'j':
            check->json = true;
            break;
        case 'h':
            fputs(check_help, stdout);
            return 0;
        default:
            return 2;
        }
    }
    if (optind != argc - 1) {
        fprintf(stderr, "check-adapter: exactly one SPEC is needed; try --help\n");
        return 2;
    }
    return -1;
}

int conform_cmd_check_adapter(int argc, char **argv)
{
    struct conform__check check = {.limit_ms = 5000};
    int status = check_parse(argc, argv, &check);
    if (status >= 0) {
        return status;
    }
    const char *spec = argv[optind];
    check.items = json_array();
    bool exec = strncmp(spec, "exec:", 5) == 0;
    if (!exec || conform__check_lines(&check, spec + 5)) {
        conform__check_work(&check, spec);
    }
    check_slowest(&check);
    if (check.json) {
        json_t *all = json_pack("{s:s,s:i,s:O}", "spec", spec, "failed", (int)check.failed,
                                "checks", check.items);
        json_dumpf(all, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(all);
    } else {
        printf("%s: %u checks, %u failed\n", spec, check.done, check.failed);
    }
    json_decref(check.items);
    return check.failed ? 3 : 0;
}
