/* The least that a logger can do: one buffer, read, write. */
#include <unistd.h>

static char buffer[65536];

int main(void) {
    ssize_t count;
    while ((count = read(0, buffer, sizeof buffer)) > 0) {
        char *rest = buffer;
        while (count > 0) {
            ssize_t written = write(1, rest, (size_t)count);
            if (written < 0)
                return 1;
            rest += written;
            count -= written;
        }
    }
    return count != 0;
}
