package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is the release, that of Stream Pump. The build sets it:
//
//	go build -ldflags "-X main.Version=1.2.3"
var Version = "0.1.0-dev"

func newVersionCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    `Print the version of pump-bench, the commit and the Go version that it was built from, and the platform.`,
		Example: `  pump-bench version`,
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(e.stdout, versionText())
			return err
		},
	}
}

// versionText is one line with a line break.
func versionText() string {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		commit = commitOf(info.Settings)
	}
	return fmt.Sprintf("pump-bench %s%s %s %s/%s\n", Version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commitOf is the commit that the toolchain noted, with a blank in front, or
// empty: a build from a source archive has none.
func commitOf(settings []debug.BuildSetting) string {
	const enough = 12 // letters that tell commits apart
	commit, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision" && s.Value != "":
			commit = " " + s.Value[:min(enough, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
