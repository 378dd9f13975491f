/* See watch.h. Handlers of signals do nothing but write.
 * SPDX-License-Identifier: MIT */
#include "targets/watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "targets/target.h"

static const char *name = "";
static const uint8_t *made;
static size_t made_size;
static volatile sig_atomic_t running;
static unsigned seconds;
static char no_end[100];

static void say(const char *text)
{
    ssize_t written = write(2, text, strlen(text));
    (void)written;
}

/* Keeps what was made, and names it. */
static void say_running(void)
{
    if (made != NULL) {
        int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (file < 0 || write(file, made, made_size) != (ssize_t)made_size)
            say("the input cannot be written\n");
        close(file);
    }
    say("while replaying ");
    say(name);
    say("\n");
}

static void on_signal(int number)
{
    if (number == SIGALRM)
        say(no_end);
    say_running();
    signal(number, SIG_DFL);
    raise(number);
}

/* No target calls exit: a shared object that is tested in this process does. */
static void on_exit_called(void)
{
    if (!running)
        return;
    say("oracle broken: [no rule] expected an answer, found that the process was ended by exit\n");
    say_running();
    _exit(1);
}

void watch_begin(unsigned long at_most)
{
    const int signals[] = {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGALRM};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], on_signal);
    seconds = (unsigned)at_most;
    snprintf(no_end, sizeof no_end,
             "oracle broken: [no rule] expected an input to end within %u s, found that it has "
             "not\n",
             seconds);
    atexit(on_exit_called);
}

void watch_name(const char *path)
{
    name = path;
}

void watch_give(const uint8_t *data, size_t size)
{
    running = true;
    alarm(seconds);
    LLVMFuzzerTestOneInput(data, size);
    watch_over();
}

void watch_give_made(const uint8_t *data, size_t size)
{
    made = data;
    made_size = size;
    watch_give(data, size);
}

void watch_over(void)
{
    alarm(0);
    running = false;
    made = NULL;
}
