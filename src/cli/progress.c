#include "cli/progress.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static const char *volatile subject;
static volatile sig_atomic_t seconds;

static void say(const char *text)
{
    if (write(2, text, strlen(text)) < 0)
        return; /* nothing better to do about a sign of life */
}

/* Signal handler: write() and arithmetic only. */
static void tick(int signal_number)
{
    char digits[12] = {0}, *p = digits + sizeof digits - 1;
    int saved = errno;

    (void)signal_number;
    seconds++;
    for (int n = seconds; n > 0; n /= 10)
        *--p = (char)('0' + n % 10);
    say("\r\033[Kbarrow: ");
    say(subject);
    say(" (");
    say(p);
    say(" s)");
    errno = saved;
}

static void set_timer(time_t every)
{
    struct itimerval timer = {{every, 0}, {every, 0}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

void barrow_progress_start(const char *what)
{
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};

    if (!isatty(2))
        return;
    subject = what;
    seconds = 0;
    sigaction(SIGALRM, &action, NULL);
    set_timer(1);
}

void barrow_progress_stop(void)
{
    if (!subject)
        return;
    set_timer(0);
    if (seconds)
        say("\r\033[K");
    subject = NULL;
}
