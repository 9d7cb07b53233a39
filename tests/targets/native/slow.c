/* A library whose loading stops half way until somebody writes to descriptor 201, having said so on
 * 200: with SLOW_RESOLVER in the middle of its relocations, else in its constructor. */
#include <stdlib.h>

static long slow_call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#endif
}

#include <sys/syscall.h>

/* Once only: dlsym of what has a resolver asks the resolver again. */
static void stop(void)
{
    static int done;
    char byte = 'x';
    if (done++)
        return;
    slow_call(SYS_write, 200, (long)&byte, 1);
    slow_call(SYS_read, 201, (long)&byte, 1);
}

void *slow_make(size_t bytes)
{
    return malloc(bytes);
}

void slow_drop(void *p)
{
    free(p);
}

#ifdef SLOW_RESOLVER
static int answer(void)
{
    return 42;
}

__attribute__((used)) static int (*resolve_answer(void))(void)
{
    stop();
    return answer;
}

int slow_answer(void) __attribute__((ifunc("resolve_answer")));
int (*slow_pointer)(void) = slow_answer;
#else
__attribute__((constructor)) static void begin(void)
{
    stop();
}
#endif
