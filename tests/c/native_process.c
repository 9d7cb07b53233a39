/* exec and _exit: every form does what it should, and the recorder is told before, and after a
 * failure. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stub.h"

static char *const shell_argv[] = {"sh", "-c", "exit $CODE", NULL};
static char *const environment[] = {"CODE=7", NULL};

static int wait_for(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Each in a child; $CODE is 7 in both environments. */
static void by_execve(void)
{
    execve("/bin/sh", shell_argv, environment);
}
static void by_execv(void)
{
    execv("/bin/sh", shell_argv);
}
static void by_execvp(void)
{
    execvp("sh", shell_argv);
}
static void by_execvpe(void)
{
    execvpe("sh", shell_argv, environment);
}
static void by_execl(void)
{
    execl("/bin/sh", "sh", "-c", "exit $CODE", (char *)NULL);
}
static void by_execlp(void)
{
    execlp("sh", "sh", "-c", "exit $CODE", (char *)NULL);
}
static void by_execle(void)
{
    execle("/bin/sh", "sh", "-c", "exit $CODE", (char *)NULL, environment);
}
static void by_execle_of_many(void)
{
    execle("/bin/sh", "sh", "-c", "test $# = 12 && exit $CODE", "0", "1", "2", "3", "4", "5", "6",
           "7", "8", "9", "10", "11", "12", (char *)NULL, environment);
}
static void by_fexecve(void)
{
    fexecve(open("/bin/sh", O_RDONLY), shell_argv, environment);
}
static void by_execveat(void)
{
    execveat(AT_FDCWD, "/bin/sh", shell_argv, environment, 0);
}

static void test_exec(void **state)
{
    (void)state;
    static void (*const ways[])(void) = {by_execve,  by_execv,   by_execvp, by_execvpe,
                                         by_execl,   by_execlp,  by_execle, by_execle_of_many,
                                         by_fexecve, by_execveat};
    setenv("CODE", "7", 1);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct stub_events before = stub_events();
        pid_t child = fork();
        if (child == 0) {
            ways[i]();
            abort();
        }
        assert_int_equal(wait_for(child), 7);
        assert_int_equal(stub_events().exec_before, before.exec_before + 1);
        assert_int_equal(stub_events().exec_failed, before.exec_failed);
    }
}

static void test_exec_in_vfork(void **state)
{
    (void)state;
    struct stub_events before = stub_events();
    pid_t child = vfork();
    if (child == 0) {
        execle("/bin/sh", "sh", "-c", "exit $CODE", (char *)NULL, environment);
        _exit(1);
    }
    assert_int_equal(wait_for(child), 7);
    assert_int_equal(stub_events().exec_before, before.exec_before + 1);
}

static void test_failed_exec(void **state)
{
    (void)state;
    struct stub_events before = stub_events();
    char *const argv[] = {"nothing", NULL};
    errno = 0;
    assert_int_equal(execve("/no/such/program", argv, environ), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(execl("/etc/passwd", "passwd", (char *)NULL), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(execvp("no-such-program", argv), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fexecve(-1, argv, environ), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(stub_events().exec_before, before.exec_before + 4);
    assert_int_equal(stub_events().exec_failed, before.exec_failed + 4);
}

static void test_exit(void **state)
{
    (void)state;
    static void (*const ways[])(int) = {_exit, _Exit, quick_exit};
    for (int i = 0; i < 3; i++) {
        struct stub_events before = stub_events();
        pid_t child = fork();
        if (child == 0)
            ways[i](5);
        assert_int_equal(wait_for(child), 5);
        assert_int_equal(stub_events().underscore_exit, before.underscore_exit + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_exec_in_vfork),
        cmocka_unit_test(test_failed_exec),
        cmocka_unit_test(test_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
