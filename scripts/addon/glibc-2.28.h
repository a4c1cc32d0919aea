/*
 * Given to the compiler before every file of SQLite's addon. These functions have a newer version than glibc 2.28 knows;
 * their older one is still in every glibc. An addon that asks for nothing newer loads wherever Node itself does.
 */
#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#endif

#define FIRST(name) __asm__(".symver " #name "," #name "@" FIRST_VERSION)

/* 2.29: errors no longer go through matherr. */
FIRST(exp);
FIRST(log);
FIRST(log2);
FIRST(pow);
/* 2.34: moved from libdl and libpthread into libc. */
FIRST(dlclose);
FIRST(dlerror);
FIRST(dlopen);
FIRST(dlsym);
FIRST(pthread_create);
FIRST(pthread_join);
FIRST(pthread_mutex_trylock);
FIRST(pthread_mutexattr_destroy);
FIRST(pthread_mutexattr_init);
FIRST(pthread_mutexattr_settype);
FIRST(pthread_once);
