package main

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"streampump/bench/meter"
	"streampump/bench/report"
	"streampump/bench/report/result"
	"streampump/cmd/internal/cli"
)

// htmlUsage is what the flag for a page does.
const htmlUsage = "also write the result to this file as an HTML page"

// errNothing ends a run that was interrupted too early: it did not do what it was
// asked for, whatever it has printed.
var errNothing = errors.New("interrupted before anything was measured")

// shown is a result as people get it; as it is, it is what programs get.
type shown interface {
	Text() []byte
	Page() *report.Page
}

// show prints a result and writes its page. A page is worth having even if nobody
// takes what is printed.
func (e env) show(r shown, asJSON bool, page *report.File) error {
	return errors.Join(e.print(r, asJSON), page.Write(r.Page()))
}

func (e env) print(r shown, asJSON bool) error {
	if !asJSON {
		_, err := e.stdout.Write(r.Text())
		return err
	}
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// about says where and with what a result was measured: here, now, by this.
func about() result.About {
	return result.About{
		Program: strings.TrimSuffix(cli.VersionText("pump-bench"), "\n"), Commit: cli.Commit(),
		Date: time.Now().UTC().Format(time.RFC3339), Machine: meter.ThisMachine(),
	}
}
