package tuning

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Where Linux mounts the control groups: version 2 alone, or version 1 with
// each controller in a folder.
const (
	mountV2 = "sys/fs/cgroup"
	mountV1 = "sys/fs/cgroup/cpu"
)

// quota is how many processors' time the control groups of the process allow,
// 0 without a bound. Every group from ours up to the top may set one; the
// least counts.
func quota(root fs.FS) float64 {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := 0.0
	for line := range strings.Lines(string(text)) {
		q := lineQuota(root, strings.TrimSpace(line))
		if q > 0 && (least == 0 || q < least) {
			least = q
		}
	}
	return least
}

// lineQuota is the bound of one line of /proc/self/cgroup:
// hierarchy:controllers:path, where version 2 is hierarchy 0 without controllers.
func lineQuota(root fs.FS, line string) float64 {
	parts := strings.SplitN(line, ":", 3)
	switch {
	case len(parts) != 3:
		return 0
	case parts[0] == "0" && parts[1] == "":
		return climb(root, mountV2, parts[2], readV2)
	case controls(parts[1], "cpu"):
		return climb(root, mountV1, parts[2], readV1)
	}
	return 0
}

func controls(list, controller string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == controller {
			return true
		}
	}
	return false
}

// climb is the least bound of the groups from group up to the mount. In a
// container the path can be that of the host and not exist here; the folders
// that do exist still count.
func climb(root fs.FS, mount, group string, read func(fs.FS, string) float64) float64 {
	least := 0.0
	// Rooted and cleaned, so that a path with ".." (a group outside our
	// namespace) stays below the mount.
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		if q := read(root, path.Join(mount, dir)); q > 0 && (least == 0 || q < least) {
			least = q
		}
		if dir == "/" {
			return least
		}
	}
}

// readV2 reads cpu.max: "max 100000", or "150000 100000" for one and a half
// processors.
func readV2(root fs.FS, dir string) float64 {
	text, err := fs.ReadFile(root, path.Join(dir, "cpu.max"))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) != 2 {
		return 0
	}
	return share(fields[0], fields[1])
}

// readV1 reads the two files of version 1, where a quota of -1 is no bound.
func readV1(root fs.FS, dir string) float64 {
	q, err1 := fs.ReadFile(root, path.Join(dir, "cpu.cfs_quota_us"))
	p, err2 := fs.ReadFile(root, path.Join(dir, "cpu.cfs_period_us"))
	if err1 != nil || err2 != nil {
		return 0
	}
	return share(strings.TrimSpace(string(q)), strings.TrimSpace(string(p)))
}

// share divides a quota by its period, both in microseconds; 0 is no bound.
func share(quota, period string) float64 {
	q, err1 := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return float64(q) / float64(p)
}
