/* What happens when an assertion fails and the driver has no sipc_panic of its own. */
#include "sipc/base.h"

__attribute__((weak)) void sipc_panic(const char *file, int line, const char *expression)
{
    (void)file;
    (void)line;
    (void)expression;
    __builtin_trap();
}
