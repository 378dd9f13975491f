/* Runs a fuzz target over files, without libFuzzer: replay TARGET's corpus with any compiler, in
 * every test run. Arguments are files and folders, searched to the bottom; each must hold at least
 * one file. The name of an input is printed before it runs: the last one is the one that broke.
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

/* The target gets a block of exactly the file's size, so that a sanitizer sees a read past it. */
static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size + (size == 0));
    if (file == NULL || data == NULL)
        fail(path, strerror(errno));
    if (fread(data, 1, size, file) != size)
        fail(path, "shorter than it was a moment ago");
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned long replay(const char *path);

static unsigned long replay_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        fail(path, strerror(errno));
    unsigned long files = 0;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (name[0] != '.') {
            size_t size = strlen(path) + 1 + strlen(name) + 1;
            char *inner = malloc(size);
            if (inner == NULL)
                fail(path, strerror(errno));
            snprintf(inner, size, "%s/%s", path, name);
            files += replay(inner);
            free(inner);
        }
        free(entries[i]);
    }
    free(entries);
    return files;
}

static unsigned long replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        fail(path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return replay_folder(path);
    replay_file(path, (size_t)info.st_size);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", argv[0]);
        return 2;
    }
    unsigned long files = 0;
    for (int i = 1; i < argc; i++) {
        unsigned long found = replay(argv[i]);
        if (found == 0)
            fail(argv[i], "expected files to replay, found none");
        files += found;
    }
    printf("%lu inputs replayed\n", files);
    return 0;
}
