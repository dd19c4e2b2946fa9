/* Asks one thing again and again over so many connections, each with one request on its way.
 *
 *   ask PLACE REQUEST-FILE CONNECTIONS KEEP-ALIVE SECONDS
 *
 * Prints calls a second, and the median and the 99th percentile of the latency in microseconds.
 * Without keep-alive each call is a connection of its own. With CONNECTIONS 0 it asks once and
 * prints the answer.
 */
#define _GNU_SOURCE
#include "net.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define ROOM (8 << 20)
#define MOST (4 << 20)

struct line { int fd; double begun; size_t had; char *bytes; };

static union place place;
static socklen_t place_size;
static char *request;
static size_t request_length;
static int poll_fd;
static float *latencies;
static size_t count;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void send_request(struct line *it)
{
    it->had = 0;
    if (write(it->fd, request, request_length) != (ssize_t)request_length)
        die("write");
}

static void connect_line(struct line *it)
{
    it->begun = now();
    it->fd = socket(place.any.sa_family, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(it->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (connect(it->fd, &place.any, place_size))
        if (errno != EAGAIN && errno != ECONNREFUSED)
            die("connect");
        else
            usleep(100);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = it};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, it->fd, &event);
    send_request(it);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    place_size = place_of(argv[1], &place);
    request = contents(argv[2], &request_length);
    int connections = atoi(argv[3]), keep = atoi(argv[4]), once = connections == 0;
    double seconds = atof(argv[5]);
    if (once)
        connections = 1;
    latencies = malloc(MOST * sizeof *latencies);
    poll_fd = epoll_create1(0);
    struct line *lines = calloc(connections, sizeof *lines);
    double begun = now(), end = begun + seconds * 1e6;
    for (int i = 0; i < connections; i++) {
        lines[i].bytes = malloc(ROOM);
        connect_line(&lines[i]);
    }
    /* Whoever needs longer for one answer gets the time for one. */
    while (now() < (count ? end : end + 30e6) && count < MOST) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll_fd, events, 64, 1000);
        for (int i = 0; i < ready; i++) {
            struct line *it = events[i].data.ptr;
            ssize_t got = read(it->fd, it->bytes + it->had, ROOM - 1 - it->had);
            if (got <= 0) {
                close(it->fd);
                connect_line(it);
                continue;
            }
            it->had += got;
            size_t whole = message(it->bytes, it->had);
            if (!whole)
                continue;
            if (once) {
                fwrite(it->bytes, 1, whole, stdout);
                return 0;
            }
            latencies[count++] = now() - it->begun;
            if (keep) {
                it->begun = now();
                send_request(it);
            } else {
                close(it->fd);
                connect_line(it);
            }
        }
    }
    double took = (now() - begun) / 1e6;
    qsort(latencies, count, sizeof *latencies, ascending);
    if (!count)
        return 1;
    printf("%.0f %.1f %.1f\n", count / took, latencies[count / 2], latencies[count * 99 / 100]);
    return 0;
}
