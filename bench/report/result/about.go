package result

import (
	"fmt"

	"streampump/bench/meter"
	"streampump/bench/report"
)

// About says where and with what a result was measured.
type About struct {
	Program string        `json:"program"`
	Commit  string        `json:"commit,omitempty"`
	Date    string        `json:"date"`
	Machine meter.Machine `json:"machine"`
}

// facts are what a page tells of it. The settings of the run come first.
func (a *About) facts(settings []report.Fact) []report.Fact {
	commit := a.Commit
	if commit == "" {
		commit = "unknown: built outside the repository"
	}
	return append(settings,
		report.Fact{Name: "program", Value: a.Program}, report.Fact{Name: "commit", Value: commit},
		report.Fact{Name: "written at", Value: a.Date},
		report.Fact{Name: "kernel", Value: a.Machine.Kernel}, report.Fact{Name: "CPU", Value: a.Machine.CPU},
		report.Fact{Name: "processors", Value: fmt.Sprintf("%d, of which the load may use %d", a.Machine.Cores, a.Machine.Usable)})
}
