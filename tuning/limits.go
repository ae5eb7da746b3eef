package tuning

import (
	"io/fs"
	"path"
	"strings"
)

// What a box has left, for estimates of what it can carry. What cannot be read is 0.

// Available is the memory in bytes that is free or could be, within the control
// groups' limit.
func (b *Box) Available() int64 {
	free, _ := meminfo(b.Root, "MemAvailable")
	if limit := b.Machine.MemoryLimit; limit > 0 && (free == 0 || limit < free) {
		return limit
	}
	return free
}

// SocketPages is how many pages all sockets may hold before the kernel shrinks
// their buffers.
func (b *Box) SocketPages() int64 {
	text, err := readWords(b.Root, sysctlFile("net.ipv4.tcp_mem"))
	n, ok := numbers(text)
	if err != nil || !ok || len(n) != 3 || n[1] > maxKiB {
		return 0
	}
	return int64(n[1])
}

// Tracked is how many connections a firewall may track.
func (b *Box) Tracked() int64 {
	return int64(max(0, number(b.Root, sysctlFile("net.netfilter.nf_conntrack_max"))))
}

// Speed is the speed in Mbit/s of an interface of any kind, 0 if it tells none, and
// whether there is such an interface.
func Speed(root fs.FS, name string) (mbits int, exists bool) {
	if name == "." || strings.Contains(name, "/") || !fs.ValidPath(name) {
		return 0, false
	}
	dir := path.Join(netFolder, name)
	if _, err := fs.Stat(root, dir); err != nil {
		return 0, false
	}
	return max(0, number(root, path.Join(dir, "speed"))), true
}
