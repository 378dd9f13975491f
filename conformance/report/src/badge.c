/* The claim as a badge: one small SVG that needs nothing else. What it says is the rules kept, of
 * how many there are, so that what was not decided is not hidden by what was. */
#include "internal.h"

enum { BADGE_PAD = 6 };

/* About what the text takes at 11 px; textLength makes it exact, whatever font there is. */
static size_t badge_width(const char *text)
{
    return pcapt_text_width(text) * 13 / 2;
}

/* What the right half says, and its colour. */
static const char *badge_word(const struct conform_report *report, char *text, size_t room)
{
    const struct conform_report_counts counts = conform_report_count(report, NULL);
    const size_t *must = counts.rules[SIPC_MUST], *advisory = counts.rules[SIPC_ADVISORY];
    size_t must_total = 0, advisory_total = 0;
    for (int s = 0; s < CONFORM_RULE_STATUS_COUNT; s++) {
        must_total += must[s];
        advisory_total += advisory[s];
    }
    const size_t failures = counts.failures + counts.known_failures;
    const bool stopped = report->summary == NULL || counts.verdicts[CONFORM_ERROR] > 0 ||
                         json_object_get(report->summary, "error") != NULL;
    if (must[CONFORM_RULE_BROKEN] > 0 || failures > 0) {
        snprintf(text, room, "%zu of %zu MUST rules broken", must[CONFORM_RULE_BROKEN], must_total);
        return "#b3261e";
    }
    if (stopped || counts.decided == 0) {
        snprintf(text, room, "%s", stopped ? "run did not end" : "nothing decided");
        return "#6a7280";
    }
    snprintf(text, room, "%zu/%zu MUST \xc2\xb7 %zu/%zu advisory kept", must[CONFORM_RULE_KEPT],
             must_total, advisory[CONFORM_RULE_KEPT], advisory_total);
    return must[CONFORM_RULE_KEPT] == must_total ? "#1f7a56" : "#8a5a00";
}

static void badge_text(size_t x, size_t width, const char *text, FILE *out)
{
    pcapt_xml(out, "<text x=\"%zu\" y=\"14\" textLength=\"%zu\">%s</text>\n", x, width, text);
}

void conform_report_write_badge(const struct conform_report *report, FILE *out)
{
    static const char label[] = "ScalableIPC";
    char word[80];
    const char *colour = badge_word(report, word, sizeof word);
    const size_t left = badge_width(label), right = badge_width(word);
    const size_t middle = left + 2 * (size_t)BADGE_PAD;
    const size_t width = middle + right + 2 * (size_t)BADGE_PAD;
    pcapt_xml(out,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"20\" role=\"img\""
              " aria-label=\"%s: %s\">\n<title>%s: %s</title>\n",
              width, label, word, label, word);
    pcapt_xml(out,
              "<rect width=\"%zu\" height=\"20\" rx=\"3\" fill=\"%s\"/>\n"
              "<path fill=\"#474d55\" d=\"M3 0H%zuv20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z\"/>\n",
              width, colour, middle);
    fputs("<g fill=\"#fff\" font-size=\"11\" font-family=\"Verdana,DejaVu Sans,sans-serif\">\n",
          out);
    badge_text(BADGE_PAD, left, label, out);
    badge_text(middle + BADGE_PAD, right, word, out);
    fputs("</g>\n</svg>\n", out);
}
