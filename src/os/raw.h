/* System calls as the recorder may use them: inside allocator hooks and in a fork's child.
 *
 * They never allocate, take no lock of the C library's, and go past barrow's own hooks.  Each
 * returns the kernel's value, or -errno; the caller's errno is left alone.
 */
#ifndef BARROW_OS_RAW_H
#define BARROW_OS_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define BARROW_RAW(...)                                     \
    ({                                                      \
        int saved_errno_ = errno;                           \
        long result_ = syscall(__VA_ARGS__);                \
        if (result_ == -1)                                  \
            result_ = -errno;                               \
        errno = saved_errno_;                               \
        result_;                                            \
    })

static inline void *raw_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    long r = BARROW_RAW(SYS_mmap, at, bytes, protection, flags, fd, offset);
    return r < 0 && r > -4096 ? NULL : (void *)r;
}

/* Zeroed memory of our own, never huge pages (sparse tables would fill them); NULL on failure. */
static inline void *raw_memory(size_t bytes)
{
    void *p = raw_mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p)
        BARROW_RAW(SYS_madvise, p, bytes, MADV_NOHUGEPAGE);
    return p;
}

static inline void raw_munmap(void *p, size_t bytes)
{
    BARROW_RAW(SYS_munmap, p, bytes);
}

static inline int raw_open(const char *path, int flags, int mode)
{
    return (int)BARROW_RAW(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static inline void raw_close(int fd)
{
    BARROW_RAW(SYS_close, fd);
}

static inline ssize_t raw_read(int fd, void *buffer, size_t bytes)
{
    return BARROW_RAW(SYS_read, fd, buffer, bytes);
}

/* Writes all of it; 0 or -errno. */
static inline int raw_write_all(int fd, const void *data, size_t bytes, off_t offset)
{
    const char *at = data;
    while (bytes > 0) {
        long r = BARROW_RAW(SYS_pwrite64, fd, at, bytes, offset);
        if (r == -EINTR)
            continue;
        if (r <= 0)
            return r == 0 ? -ENOSPC : (int)r;
        at += r;
        offset += r;
        bytes -= (size_t)r;
    }
    return 0;
}

static inline uint64_t raw_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t raw_monotonic_ns(void)
{
    return raw_clock(CLOCK_MONOTONIC);
}

static inline int raw_getpid(void)
{
    return (int)BARROW_RAW(SYS_getpid);
}

static inline int raw_gettid(void)
{
    return (int)BARROW_RAW(SYS_gettid);
}

/* A spin lock for slow paths that hold it for microseconds and do nothing but memory work and the
 * calls above.  Never taken twice by a thread: the hook guard keeps signal handlers out. */
typedef struct {
    int taken;
} raw_lock;

static inline void raw_lock_take(raw_lock *lock)
{
    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
            BARROW_RAW(SYS_sched_yield);
}

static inline int raw_lock_try(raw_lock *lock)
{
    return !__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE);
}

static inline void raw_lock_release(raw_lock *lock)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
