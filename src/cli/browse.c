#include "cli/browse.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 20, PATIENCE_MS = 1500 };

/* In the child.  The browser is on its own: it neither writes here nor ends with this terminal. */
static void become_browser(const char *path)
{
    const char *browser = getenv("BROWSER");
    int null = open("/dev/null", O_RDWR);

    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        dup2(null, fd);
    setsid();
    if (browser &&
        *browser) /* words, as other programs read it; the path is one whatever it holds */
        execl("/bin/sh", "sh", "-c", "exec $BROWSER \"$1\"", "sh", path, (char *)NULL);
    else
        execlp("xdg-open", "xdg-open", path, (char *)NULL);
    _exit(127);
}

/* Whether it failed at once. */
static bool has_failed(pid_t child)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    int status;

    for (int waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended != 0)
            return ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        nanosleep(&pause, NULL);
    }
    return false;
}

int barrow_browse(const char *path, struct barrow_error *err)
{
    pid_t child = fork();

    if (child == 0)
        become_browser(path);
    if (child < 0 || has_failed(child))
        return barrow_fail(err, BARROW_E_UNSUPPORTED,
                           "there is no browser to open %s with: set BROWSER to one, or install "
                           "xdg-utils",
                           path);
    return 0;
}
