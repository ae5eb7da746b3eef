package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// verify reads what the kernel says of each thread. Where there is no /proc, that cannot
// be known, and is said.
func (s *steps) verify() error {
	const tasks = "/proc/self/task"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return s.miss("whether every thread is confined cannot be read: %v", err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(filepath.Join(tasks, thread.Name(), "status"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return s.miss("whether every thread is confined cannot be read: %v", err)
		}
		if wrong := s.wrong(string(text)); wrong != "" {
			return fmt.Errorf("thread %s is not confined as it should be: %s", thread.Name(), wrong)
		}
	}
	return nil
}

// wrong is the line of a thread's status that is not as it should be.
func (s *steps) wrong(status string) string {
	a := s.Report.Account
	want := map[string]string{
		"Uid": fourTimes(a.UID), "Gid": fourTimes(a.GID),
		"CapInh": noCapabilities, "CapPrm": noCapabilities, "CapEff": noCapabilities, "CapAmb": noCapabilities,
		"NoNewPrivs": "1",
	}
	if s.Report.Seccomp {
		want["Seccomp"] = "2"
	}
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		if w, ok := want[key]; ok && value != w {
			return key + " is " + value + ", not " + w
		}
		if key == "Groups" && !sameGroups(value, a.Groups, a.GID) {
			return "Groups is " + value
		}
	}
	return ""
}

const noCapabilities = "0000000000000000"

// fourTimes is a number as real, effective, saved and file system's.
func fourTimes(id int) string {
	text := strconv.Itoa(id)
	return strings.Join([]string{text, text, text, text}, "\t")
}

// sameGroups compares groups without the own one, which may be among them.
func sameGroups(text string, groups []int, own int) bool {
	var have []int
	for field := range strings.FieldsSeq(text) {
		if n, err := strconv.Atoi(field); err == nil && n != own {
			have = append(have, n)
		}
	}
	slices.Sort(have)
	return slices.Equal(slices.Compact(have), groups)
}
