/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon that says what a test tells it: fake SOCKET ANSWERS takes one
 * client, answers each line that comes with the next line of the file, as it
 * stands, and hangs up where the file ends.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 1))
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	char request[65536], answer[65536];
	FILE *answers, *client;
	int fd;

	if (argc != 3)
		return 2;
	answers = fopen(argv[2], "r");
	fd = listen_at(argv[1]);
	if (!answers || fd < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	fd = accept(fd, NULL, NULL);
	client = fdopen(fd, "r");
	if (!client)
		return 1;
	while (fgets(request, sizeof(request), client) &&
	       fgets(answer, sizeof(answer), answers))
		if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			break;
	fclose(client);
	fclose(answers);
	return 0;
}
