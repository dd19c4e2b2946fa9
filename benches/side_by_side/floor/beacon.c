/* A program that only tells that it runs: its first act is to append its pid and the time to the
 * file that BEACON names, 16 bytes, and its second and last is to sleep. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t record[2] = {getpid(), now.tv_sec * 1000000000LL + now.tv_nsec};
    int file = open(argc > 1 ? argv[1] : "/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0 || write(file, record, sizeof record) != sizeof record)
        return 1;
    close(file);
    for (;;)
        pause();
}
