/* What SQLite's addon needs and glibc 2.28 or the libstdc++ of GCC 7 does not have. Hidden: nobody else gets them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Until 2.33 these were inline functions of the headers. On 64 bits the kernel's structure is the same under both names. */
int stat64(const char *path, struct stat64 *found) { return (int)syscall(SYS_newfstatat, AT_FDCWD, path, found, 0); }

int lstat64(const char *path, struct stat64 *found) {
  return (int)syscall(SYS_newfstatat, AT_FDCWD, path, found, AT_SYMLINK_NOFOLLOW);
}

int fstat64(int file, struct stat64 *found) { return (int)syscall(SYS_fstat, file, found); }

int fstat(int file, struct stat *found) { return (int)syscall(SYS_fstat, file, found); }

/* std::__throw_bad_array_new_length() of GLIBCXX_3.4.29. The addon is compiled without exceptions: nobody would catch it. */
void _ZSt28__throw_bad_array_new_lengthv(void) { abort(); }
