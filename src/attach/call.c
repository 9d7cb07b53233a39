#include "attach/call.h"

#if defined(__x86_64__)

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "attach/stop.h"
#include "attach/target.h"

enum { RED_ZONE = 128, FRAME = 256, VECTORS_ROOM = 1 << 14 };

struct state {
    struct user_regs_struct registers;
    size_t vector_bytes;
    char vectors[VECTORS_ROOM];
};

/* ---- does it wait? ---- */

static bool is_wait(long number)
{
    static const long waits[] = {
        SYS_read,       SYS_poll,      SYS_ppoll,           SYS_select,   SYS_pselect6,
        SYS_epoll_wait, SYS_nanosleep, SYS_clock_nanosleep, SYS_accept,   SYS_accept4,
        SYS_recvfrom,   SYS_recvmsg,   SYS_epoll_pwait,     SYS_futex,    SYS_wait4,
        SYS_waitid,     SYS_pause,     SYS_rt_sigsuspend,   SYS_recvmmsg, SYS_rt_sigtimedwait};

    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        if (waits[i] == number)
            return true;
    return false;
}

/* "232 0x4 0x7f… … 0x7ffd… 0x7f…": the call, its arguments, stack pointer, place; "running". */
static bool read_syscall(uint32_t pid, pid_t thread, char *line, int room)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%" PRIu32 "/task/%d/syscall", pid, (int)thread);
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(line, room, file) && line[0] >= '0' && line[0] <= '9';
    if (file)
        fclose(file);
    return ok && is_wait(strtol(line, NULL, 10));
}

static bool waits_in_kernel(uint32_t pid, pid_t thread)
{
    const struct timespec pause = {0, 20000000};
    char first[256], then[256];

    if (!read_syscall(pid, thread, first, sizeof first))
        return false;
    nanosleep(&pause, NULL);
    return read_syscall(pid, thread, then, sizeof then) && strcmp(first, then) == 0;
}

/* ---- registers ---- */

static bool save(struct barrow_call *call)
{
    struct state *s = call->state;
    struct iovec vectors = {s->vectors, sizeof s->vectors};

    if (ptrace(PTRACE_GETREGS, call->thread, NULL, &s->registers) < 0)
        return false;
    if (ptrace(PTRACE_GETREGSET, call->thread, (void *)NT_X86_XSTATE, &vectors) == 0)
        s->vector_bytes = vectors.iov_len;
    return true;
}

static void hold_signals(sigset_t *mask)
{
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGQUIT);
    sigprocmask(SIG_BLOCK, &held, mask);
}

bool barrow_call_begin(struct barrow_call *call, uint32_t pid, pid_t thread)
{
    *call = (struct barrow_call){.thread = thread};
    if (!waits_in_kernel(pid, thread))
        return false;
    call->state = calloc(1, sizeof(struct state));
    if (!call->state)
        return false;
    hold_signals(&call->mask);
    if (barrow_stop_thread(thread, &call->signal)) {
        /* Stopped by a signal it was leaving the call anyway. */
        if (!call->signal && save(call) &&
            is_wait((long)((struct state *)call->state)->registers.orig_rax))
            return true;
        barrow_stop_release(thread, call->signal);
    }
    sigprocmask(SIG_SETMASK, &call->mask, NULL);
    free(call->state);
    call->state = NULL;
    return false;
}

/* ---- calling ---- */

/* Lets the thread run until it comes back to address 0, where nothing is.  What else stops it is
 * passed on. */
static bool wait_for_return(struct barrow_call *call, struct user_regs_struct *registers)
{
    int signal = 0, status;

    for (;;) {
        if (ptrace(PTRACE_CONT, call->thread, NULL, (void *)(uintptr_t)(unsigned)signal) < 0)
            return false;
        while (waitpid(call->thread, &status, __WALL) < 0)
            if (errno != EINTR)
                return false;
        if (!WIFSTOPPED(status)) {
            call->gone = true;
            return false;
        }
        signal = status >> 16 ? 0 : WSTOPSIG(status);
        if (signal == SIGSEGV || signal == SIGBUS || signal == SIGILL)
            return ptrace(PTRACE_GETREGS, call->thread, NULL, registers) == 0 &&
                   registers->rip == 0;
    }
}

bool barrow_call_make(struct barrow_call *call, uint64_t function, uint64_t argument,
                      uint64_t *result)
{
    const struct state *s = call->state;
    struct user_regs_struct registers = s->registers;
    uint64_t nowhere = 0;

    /* A function begins with its stack 8 bytes off a multiple of 16, the return address on it. */
    registers.rsp = ((registers.rsp - RED_ZONE - FRAME) & ~(uint64_t)15) - 8;
    registers.rip = function;
    registers.rdi = argument;
    registers.rax = 0;
    registers.orig_rax = (unsigned long long)-1; /* the system call isn't repeated meanwhile */
    registers.eflags &= ~(1ull << 10);           /* the direction flag */
    if (call->gone ||
        !barrow_target_write((uint32_t)call->thread, registers.rsp, &nowhere, sizeof nowhere) ||
        ptrace(PTRACE_SETREGS, call->thread, NULL, &registers) < 0 ||
        !wait_for_return(call, &registers))
        return false;
    *result = registers.rax;
    return true;
}

/* With its old registers the thread repeats the system call, or is told that it was interrupted, as
 * after any signal. */
void barrow_call_end(struct barrow_call *call)
{
    struct state *s = call->state;
    struct iovec vectors = {s->vectors, s->vector_bytes};

    if (!call->gone) {
        if (s->vector_bytes)
            ptrace(PTRACE_SETREGSET, call->thread, (void *)NT_X86_XSTATE, &vectors);
        ptrace(PTRACE_SETREGS, call->thread, NULL, &s->registers);
        barrow_stop_release(call->thread, call->signal);
    }
    free(s);
    call->state = NULL;
    sigprocmask(SIG_SETMASK, &call->mask, NULL);
}

#else

bool barrow_call_begin(struct barrow_call *call, uint32_t pid, pid_t thread)
{
    (void)call, (void)pid, (void)thread;
    return false;
}

bool barrow_call_make(struct barrow_call *call, uint64_t function, uint64_t argument,
                      uint64_t *result)
{
    (void)call, (void)function, (void)argument, (void)result;
    return false;
}

void barrow_call_end(struct barrow_call *call)
{
    (void)call;
}

#endif
