package rig

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// refusal is the kernel's line on a system call that a pump's filter refused.
var refusal = regexp.MustCompile(`type=1326 .* pid=(\d+) comm="stream-pump" .* syscall=(\d+) `)

// clone3 is refused on purpose; glibc asks for it first.
const clone3 = "435"

// refused are the kernel's lines on calls of a process that were refused: something that
// the pump does and that its filter does not know. Where the kernel's log is closed, as in
// a container, there are none, and the kernel keeps the newest only.
func refused(pid int) (lines []string) {
	log, err := exec.Command("dmesg").Output()
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(log)) {
		if m := refusal.FindStringSubmatch(line); m != nil && m[1] == strconv.Itoa(pid) && m[2] != clone3 {
			lines = append(lines, line)
		}
	}
	return lines
}
