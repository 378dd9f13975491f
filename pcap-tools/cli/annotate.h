/* A capture written again as pcapng with more comments. */
#ifndef PCAPT_ANNOTATE_H
#define PCAPT_ANNOTATE_H

#include "pcapt/source.h"

struct annotate;
/* NULL: told on stderr. `source` must outlive it. */
struct annotate *annotate_begin(const char *path, struct pcapt_source *source);
/* Neither the section's comment nor those of frames are written. */
void annotate_silently(struct annotate *annotate);
/* A comment for the next frame that is written. */
void annotate_comment(struct annotate *annotate, const char *text);
void annotate_frame(struct annotate *annotate, const struct pcapt_frame *frame);
/* Frees. false: not all of it could be written; told on stderr. */
bool annotate_end(struct annotate *annotate);

#endif
