// Package confine takes from this process what it no longer needs: root, capabilities,
// the way to more of either, and most of the file system and of the kernel. It knows
// nothing of what the process does: a [Policy] says what must still be possible.
//
// [Apply] works in this order, on every thread, and threads that come later inherit all
// of it:
//
//	bounding set      no program could give capabilities back; wants CAP_SETPCAP
//	landlock          as root, so that rules can name what only root can look up
//	groups, gid, uid  effective, real and saved
//	capabilities      none permitted, effective, inheritable or ambient
//	no_new_privs      nor by programs with the set-user-ID bit
//	seccomp           last: the calls above are not among those that are allowed
//
// Then it reads of each thread what the kernel says of it, and fails if that is not so.
//
// A mechanism that is missing, such as landlock on an old kernel, is in the [Report], or
// an error if the policy requires it.
//
// # Threads
//
// The kernel keeps all of this for each thread. [psx] makes a system call on all of them,
// with cgo and without; Go and glibc do so for the user and the groups; seccomp does it
// by itself (TSYNC). Nothing may lock a goroutine to a thread and change that thread's
// rights meanwhile: Go ends a process whose threads do not answer alike.
//
// [psx]: https://pkg.go.dev/kernel.org/pub/linux/libs/security/libcap/psx
package confine
