package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is the release. The build sets it:
//
//	go build -ldflags "-X streampump/cmd/internal/cli.Version=1.2.3"
var Version = "0.1.0-dev"

// commit is what the Makefile says that the program is built from.
var commit string

// versionCommand prints the version.
func versionCommand(program string, stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of " + program + ", the commit and the Go version that it was built from, and the platform.",
		Example: "  " + program + " version",
		Args:    Arguments(),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(stdout, VersionText(program))
			return err
		},
	}
}

// VersionText is the version of a program as one line with a line break.
func VersionText(program string) string {
	from := Commit()
	if from != "" {
		from = " " + from
	}
	return fmt.Sprintf("%s %s%s %s %s/%s\n", program, Version, from, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Commit is what the program was built from, with "+changes" if it was not
// that alone. It is empty if the build does not know.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if commit != "" || !ok {
		return commit
	}
	return commitOf(info.Settings)
}

// commitOf is the commit that the toolchain noted, or empty: a build from a
// source archive has none.
func commitOf(settings []debug.BuildSetting) string {
	const enough = 12 // letters that tell commits apart
	commit, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision" && s.Value != "":
			commit = s.Value[:min(enough, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
