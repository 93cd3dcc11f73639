/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See server.h. Two things say that a socket is served: the lock on
 * PATH.lock, which ends with the process that has it, and somebody who accepts
 * there. Only with the lock, and when nobody does, is an old socket removed.
 *
 * The socket's mode is 0666: everybody may ask; what each may do is decided
 * by who he is (access.h). Who shall not even ask is kept out by the directory.
 */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <holdfast/platform.h>

#include "client.h"
#include "loop.h"
#include "stop.h"

#define BACKLOG 128
#define RETRY_MS 1000
#define AT_ONCE 16 /* connections in a millisecond */

static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static char lock_path[sizeof(socket_path) + 5];
static int lock_fd = -1;
static gid_t group_id;
static uv_pipe_t listener;
static uv_timer_t retry; /* when one cannot be taken now */

/* --- alone ---------------------------------------------------------------------- */

/* -EAGAIN: the one who had the lock removed the file; once more. */
static int try_lock(void)
{
	struct stat ours, now;

	lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock_fd < 0)
		return -errno;
	if (flock(lock_fd, LOCK_EX | LOCK_NB)) {
		int err = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close(lock_fd);
		lock_fd = -1;
		return err;
	}
	if (fstat(lock_fd, &ours) || stat(lock_path, &now) ||
	    ours.st_ino != now.st_ino || ours.st_dev != now.st_dev) {
		close(lock_fd);
		lock_fd = -1;
		return -EAGAIN;
	}
	return 0;
}

static void drop_lock(void)
{
	if (lock_fd < 0)
		return;
	unlink(lock_path);
	close(lock_fd);
	lock_fd = -1;
}

static int take_lock(char *err, size_t size)
{
	int ret;

	do {
		ret = try_lock();
	} while (ret == -EAGAIN);
	if (ret == -EBUSY)
		snprintf(err, size,
			 "another holdfastd serves %s; stop it, or choose "
			 "another --socket",
			 socket_path);
	else if (ret)
		snprintf(err, size, "%s: %s", lock_path, strerror(-ret));
	return ret;
}

static void make_address(struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, socket_path, sizeof(socket_path));
}

static bool is_served(void)
{
	struct sockaddr_un addr;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served;

	if (fd < 0)
		return true; /* better not to touch it */
	make_address(&addr);
	served = !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
		 errno != ECONNREFUSED;
	close(fd);
	return served;
}

/* With the lock: what lies at the path goes if it is a socket of nobody. */
static int clear_path(char *err, size_t size)
{
	struct stat st;

	if (lstat(socket_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, size, "%s is there and is no socket",
			 socket_path);
		return -EEXIST;
	}
	if (is_served()) {
		snprintf(err, size, "another program serves %s", socket_path);
		return -EBUSY;
	}
	plat_log(PLAT_INFO, "%s is left from a daemon that is gone: replaced",
		 socket_path);
	return unlink(socket_path) ? -errno : 0;
}

/* --- binding ----------------------------------------------------------------------- */

static int find_group(const char *name, char *err, size_t size)
{
	struct group *group;

	group_id = getegid();
	if (!name)
		return 0;
	group = getgrnam(name);
	if (!group) {
		snprintf(err, size, "no group %s", name);
		return -ENOENT;
	}
	group_id = group->gr_gid;
	return 0;
}

/* Until its rights are right only we can open it. */
static int bind_socket(int fd)
{
	struct sockaddr_un addr;
	mode_t mask = umask(0177);
	int err = 0;

	make_address(&addr);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	umask(mask);
	if (!err && (chown(socket_path, (uid_t)-1, group_id) ||
		     chmod(socket_path, 0666))) {
		err = -errno;
		unlink(socket_path);
	}
	return err;
}

static void on_connection(uv_stream_t *stream, int status);

static void try_again(uv_timer_t *timer)
{
	(void)timer;
	on_connection((uv_stream_t *)&listener, 0);
}

/*
 * Who connects over and over would keep the loop at taking connections, and what
 * it closes open until it gets on. Those beyond wait for the next millisecond.
 */
static bool are_too_many_at_once(void)
{
	static uint64_t now;
	static unsigned int taken;

	if (now != uv_now(&main_loop))
		taken = 0;
	now = uv_now(&main_loop);
	return ++taken > AT_ONCE;
}

static void on_connection(uv_stream_t *stream, int status)
{
	if (status) {
		plat_log(PLAT_WARN, "a connection failed: %s",
			 uv_strerror(status));
		return;
	}
	if (!stop_begun() && are_too_many_at_once())
		uv_timer_start(&retry, try_again, 1, 0);
	else if (client_accept(stream, group_id))
		uv_timer_start(&retry, try_again, RETRY_MS, 0);
}

static int start_listening(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = bind_socket(fd);
	if (err) {
		close(fd);
		return err;
	}
	uv_pipe_init(&main_loop, &listener, 0);
	uv_timer_init(&main_loop, &retry);
	err = uv_pipe_open(&listener, fd);
	if (err)
		close(fd);
	else
		err = uv_listen((uv_stream_t *)&listener, BACKLOG,
				on_connection);
	if (err)
		unlink(socket_path);
	return err;
}

int server_open(const char *path, const char *group, char *err, size_t size)
{
	int ret;

	*err = 0;
	if (!*path || strlen(path) >= sizeof(socket_path)) {
		snprintf(err, size,
			 "the socket's path must have 1 to %zu bytes",
			 sizeof(socket_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(socket_path, path);
	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	ret = find_group(group, err, size);
	if (!ret)
		ret = take_lock(err, size);
	if (!ret)
		ret = clear_path(err, size);
	if (!ret)
		ret = start_listening();
	if (ret && !*err)
		snprintf(err, size, "%s: %s", path, strerror(-ret));
	if (ret)
		drop_lock();
	return ret;
}

void server_take_rest(void)
{
	if (uv_is_active((uv_handle_t *)&retry)) {
		uv_timer_stop(&retry);
		try_again(&retry);
	}
}

void server_close(void)
{
	uv_close((uv_handle_t *)&listener, NULL);
	uv_timer_stop(&retry);
	unlink(socket_path);
	drop_lock(); /* last: who gets it finds neither file */
}
