package tuning

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// mount is where Linux mounts the control groups: version 2 alone, or version 1
// with each controller in a folder.
const mount = "sys/fs/cgroup"

// bound is something that control groups limit: how one group's limit is read
// from its folder in either version, 0 without a limit.
type bound struct {
	controller string // of version 1, and the folder of its groups
	v1, v2     func(root fs.FS, dir string) float64
}

var (
	// cpuBound is in processors' time.
	cpuBound = bound{"cpu", readQuotaV1, readQuotaV2}
	// memoryBound is in bytes.
	memoryBound = bound{"memory", readMemory("memory.limit_in_bytes"), readMemory("memory.max")}
)

// quota is how many processors' time the control groups of the process allow,
// 0 without a bound.
func quota(root fs.FS, process string) float64 { return least(root, process, cpuBound) }

// memoryLimit is how many bytes they allow, 0 without a bound below what the
// machine has: version 1 writes a number near 2^63 for none. A machine of 0 is
// one that is not known.
func memoryLimit(root fs.FS, process string, machine int64) int64 {
	limit := least(root, process, memoryBound)
	if limit >= math.MaxInt64 || machine > 0 && limit >= float64(machine) {
		return 0
	}
	return int64(limit)
}

// least is the bound that the process's control groups set: every group from
// its own up to the top may set one; the least counts.
func least(root fs.FS, process string, b bound) float64 {
	text, err := fs.ReadFile(root, path.Join("proc", process, "cgroup"))
	if err != nil {
		return 0
	}
	least := 0.0
	for line := range strings.Lines(string(text)) {
		q := b.line(root, strings.TrimSpace(line))
		if q > 0 && (least == 0 || q < least) {
			least = q
		}
	}
	return least
}

// line is the bound of one line of /proc/PID/cgroup:
// hierarchy:controllers:path, where version 2 is hierarchy 0 without controllers.
func (b bound) line(root fs.FS, line string) float64 {
	parts := strings.SplitN(line, ":", 3)
	switch {
	case len(parts) != 3:
		return 0
	case parts[0] == "0" && parts[1] == "":
		return climb(root, mount, parts[2], b.v2)
	case controls(parts[1], b.controller):
		return climb(root, path.Join(mount, b.controller), parts[2], b.v1)
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

// climb is the least bound of the groups from group up to the top. In a
// container the path can be that of the host and not exist here; the folders
// that do exist still count.
func climb(root fs.FS, top, group string, read func(fs.FS, string) float64) float64 {
	least := 0.0
	// Rooted and cleaned, so that a path with ".." (a group outside our
	// namespace) stays below the top.
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		if q := read(root, path.Join(top, dir)); q > 0 && (least == 0 || q < least) {
			least = q
		}
		if dir == "/" {
			return least
		}
	}
}

// readMemory reads a file of one number; "max", and what is none, is no bound.
func readMemory(file string) func(fs.FS, string) float64 {
	return func(root fs.FS, dir string) float64 {
		n, err := strconv.ParseInt(word(root, path.Join(dir, file)), 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		return float64(n)
	}
}

// readQuotaV2 reads cpu.max: "max 100000", or "150000 100000" for one and a half
// processors.
func readQuotaV2(root fs.FS, dir string) float64 {
	text, err := fs.ReadFile(root, path.Join(dir, "cpu.max"))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) != 2 {
		return 0
	}
	return share(fields[0], fields[1])
}

// readQuotaV1 reads the two files of version 1, where a quota of -1 is no bound.
func readQuotaV1(root fs.FS, dir string) float64 {
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
