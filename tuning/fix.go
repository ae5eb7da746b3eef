package tuning

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// What [Finding.Fix] says holds from now on and after each start of the system,
// or says that it does not.

// SysctlFile is the name of the file for sysctl.d that comes with the pump, and
// UnitFile that of its unit.
const (
	SysctlFile = "90-stream-pump.conf"
	UnitFile   = "stream-pump.service"
)

// Where packages and `make install` put these files.
var (
	sysctlFolders = []string{"etc/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d", "lib/sysctl.d"}
	unitFolders   = []string{"etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"}
)

// Files of the operator's own, behind ours in their order.
const (
	ownSysctl   = "/etc/sysctl.d/95-stream-pump.conf"
	ownTmpfiles = "/etc/tmpfiles.d/stream-pump.conf"
)

// untilStart is behind a command whose effect the next start of the system ends.
const untilStart = "    # until the next start"

// setSysctl sets a setting of the kernel for good.
func setSysctl(name, value string) string {
	return fmt.Sprintf("echo '%s = %s' >> %s && sysctl -p %s", name, value, ownSysctl, ownSysctl)
}

// setFile writes a value into a file of the kernel for good; the name may be a
// pattern.
func setFile(name, value string) string {
	return fmt.Sprintf("echo 'w %s - - - - %s' >> %s && systemd-tmpfiles --create %s", name, value, ownTmpfiles, ownTmpfiles)
}

// find is the first of the folders that has a file, with that; empty if none has.
func find(root fs.FS, folders []string, name string) string {
	for _, folder := range folders {
		if _, err := fs.Stat(root, path.Join(folder, name)); err == nil {
			return path.Join(folder, name)
		}
	}
	return ""
}

// fixSysctl makes a finding about a setting of the kernel say what sets it: our
// own file, where it is installed and has it.
func (r *Row) fixSysctl(b *Box, f Finding, want string) Finding {
	if f.State != Change {
		return f
	}
	f.Fix = []string{setSysctl(r.Name, want)}
	if r.File == Written {
		if file := b.SysctlFile(); file != "" {
			f.Fix = []string{"sysctl --system    # /" + file + " has it; if that changes nothing, another file there says otherwise"}
		}
	}
	return f
}

// SysctlFile is where our file for sysctl.d is installed; empty if it is not.
func (b *Box) SysctlFile() string { return find(b.Root, sysctlFolders, SysctlFile) }

// unitSetting is what the installed unit sets a key of its [Service] to; empty if
// it does not, or is not installed. Drop-ins are asked in their order.
func unitSetting(root fs.FS, key string) (value string, installed bool) {
	file := find(root, unitFolders, UnitFile)
	if file == "" {
		return "", false
	}
	files := []string{file}
	for _, folder := range unitFolders {
		more, err := fs.Glob(root, path.Join(folder, UnitFile+".d", "*.conf"))
		if err == nil {
			files = append(files, more...)
		}
	}
	for _, name := range files {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.TrimSpace(k) == key {
				value = strings.TrimSpace(v)
			}
		}
	}
	return value, true
}
