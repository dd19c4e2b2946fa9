/* The least HTTP server: answers every request with the same bytes, on one thread.
 *
 *   answer PLACE RESPONSE-FILE
 */
#define _GNU_SOURCE
#include "net.h"
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

struct client { int fd; size_t had; char bytes[8192]; };

static char *response;
static size_t response_length;

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t wrote = write(fd, bytes, length);
        if (wrote <= 0)
            return;
        bytes += wrote;
        length -= wrote;
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    /* Who hangs up early ends nobody else's service. */
    signal(SIGPIPE, SIG_IGN);
    union place place;
    socklen_t size = place_of(argv[1], &place);
    response = contents(argv[2], &response_length);
    int listener = socket(place.any.sa_family, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, &place.any, size) || listen(listener, 1024))
        die(argv[1]);
    int poll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll_fd, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            struct client *it = events[i].data.ptr;
            if (!it) {
                it = calloc(1, sizeof *it);
                it->fd = accept(listener, NULL, NULL);
                setsockopt(it->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                struct epoll_event add = {.events = EPOLLIN, .data.ptr = it};
                epoll_ctl(poll_fd, EPOLL_CTL_ADD, it->fd, &add);
                continue;
            }
            ssize_t got = read(it->fd, it->bytes + it->had, sizeof it->bytes - 1 - it->had);
            if (got <= 0) {
                close(it->fd);
                free(it);
                continue;
            }
            it->had += got;
            size_t whole = message(it->bytes, it->had);
            if (whole) {
                int last = strcasestr(it->bytes, "connection: close") != NULL;
                write_all(it->fd, response, response_length);
                it->had = 0;
                if (last) {
                    close(it->fd);
                    free(it);
                }
            }
        }
    }
}
