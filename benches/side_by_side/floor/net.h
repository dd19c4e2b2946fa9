/* Where to connect or listen: `unix:/path` or `tcp:port` on the loopback. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

union place { struct sockaddr any; struct sockaddr_un path; struct sockaddr_in port; };

static void die(const char *what) { perror(what); exit(1); }

static socklen_t place_of(const char *text, union place *place)
{
    memset(place, 0, sizeof *place);
    if (!strncmp(text, "unix:", 5)) {
        place->path.sun_family = AF_UNIX;
        strncpy(place->path.sun_path, text + 5, sizeof place->path.sun_path - 1);
        return sizeof place->path;
    }
    place->port.sin_family = AF_INET;
    place->port.sin_port = htons(atoi(text + 4));
    place->port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof place->port;
}

static char *contents(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about))
        die(path);
    char *bytes = malloc(about.st_size + 1);
    *length = fread(bytes, 1, about.st_size, file);
    bytes[*length] = 0;
    fclose(file);
    return bytes;
}

/* The length of the HTTP message at the start of the bytes, or 0 if it is not whole yet. */
static size_t message(char *bytes, size_t length)
{
    bytes[length] = 0;
    char *end = strstr(bytes, "\r\n\r\n");
    if (!end)
        return 0;
    size_t body = 0;
    for (char *line = bytes; line < end; line = strstr(line, "\r\n") + 2)
        if (!strncasecmp(line, "content-length:", 15))
            body = strtoul(line + 15, NULL, 10);
    size_t whole = end + 4 - bytes + body;
    return length >= whole ? whole : 0;
}
