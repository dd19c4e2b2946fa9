/* The least that starts, logs, restarts and stops N programs: three pipes and two logs for each,
 * vfork, exec; an epoll that hears of output and of deaths; TERM to all at the end.
 *
 *   spawn N LOGDIR PROGRAM [ARGUMENT...]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct stream { int pipe, log; };
static struct program { pid_t pid; int in; struct stream out[2]; } *programs;
static int count, poll_fd, leaving;
static char **command;
static char room[128 * 1024];

static void die(const char *what) { perror(what); exit(1); }

static void copy(struct stream *stream)
{
    ssize_t got;
    while ((got = read(stream->pipe, room, sizeof room)) > 0)
        if (write(stream->log, room, got) < 0)
            die("write");
}

static void start(struct program *it)
{
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
        die("pipe2");
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    pid_t pid = vfork();
    if (pid == 0) {
        setpgid(0, 0);
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execv(command[0], command);
        _exit(127);
    }
    if (pid < 0)
        die("vfork");
    close(in[0]);
    close(out[1]);
    close(err[1]);
    it->pid = pid;
    it->in = in[1];
    it->out[0].pipe = out[0];
    it->out[1].pipe = err[0];
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &it->out[i]};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, it->out[i].pipe, &event))
            die("epoll_ctl");
    }
}

static void bury(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < count; i++)
            if (programs[i].pid == pid) {
                for (int j = 0; j < 2; j++) {
                    copy(&programs[i].out[j]);
                    close(programs[i].out[j].pipe);
                }
                close(programs[i].in);
                programs[i].pid = 0;
                if (!leaving)
                    start(&programs[i]);
                break;
            }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    count = atoi(argv[1]);
    command = argv + 3;
    programs = calloc(count, sizeof *programs);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int heard = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, heard, &event);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < 2; j++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%d-%d.log", argv[2], i, j);
            int log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
            if (log < 0)
                die(path);
            programs[i].out[j].log = log;
        }
        start(&programs[i]);
    }
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll_fd, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                copy(events[i].data.ptr);
                continue;
            }
            struct signalfd_siginfo info;
            while (read(heard, &info, sizeof info) == sizeof info)
                if (info.ssi_signo == SIGTERM) {
                    leaving = 1;
                    for (int j = 0; j < count; j++)
                        if (programs[j].pid)
                            kill(programs[j].pid, SIGTERM);
                }
            bury();
            int left = 0;
            for (int j = 0; leaving && j < count; j++)
                left += programs[j].pid != 0;
            if (leaving && !left)
                return 0;
        }
    }
}
