/*
 * First process of a sandbox: holds the namespaces that the containers of a pod share. Ends with 0 on SIGTERM or
 * SIGINT and takes in children that nobody waits for. No C library: the whole program is a few hundred bytes, the same
 * for everybody who builds it.
 */

#if defined(__x86_64__)

enum { rt_sigprocmask = 14, wait4 = 61, rt_sigtimedwait = 128, exit_group = 231 };

static long system_call(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

enum { exit_group = 94, rt_sigprocmask = 135, rt_sigtimedwait = 137, wait4 = 260 };

static long system_call(long number, long a, long b, long c, long d)
{
    register long which __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(first) : "r"(which), "r"(second), "r"(third), "r"(fourth) : "memory");
    return first;
}

#else
#error "A sandbox is built for x86-64 and aarch64"
#endif

enum { sig_int = 2, sig_term = 15, sig_chld = 17 };
enum { sig_block = 0, wait_no_hang = 1, any_child = -1 };

#define BIT(number) (1ull << ((number) - 1))

void _start(void)
{
    /* Blocked and waited for: as process 1 it would never see a signal that it has no handler for. */
    unsigned long long signals = BIT(sig_int) | BIT(sig_term) | BIT(sig_chld);
    system_call(rt_sigprocmask, sig_block, (long)&signals, 0, sizeof signals);
    for (;;) {
        long came = system_call(rt_sigtimedwait, (long)&signals, 0, 0, sizeof signals);
        if (came == sig_int || came == sig_term)
            system_call(exit_group, 0, 0, 0, 0);
        /* Several children may have ended under one signal. */
        while (came == sig_chld && system_call(wait4, any_child, 0, wait_no_hang, 0) > 0)
            continue;
    }
}
