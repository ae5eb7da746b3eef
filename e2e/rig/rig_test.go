package rig

import (
	"strings"
	"testing"

	"streampump/engine"
)

func TestStartsAnswersAndEnds(t *testing.T) {
	p := Start(t, Options{Config: `"streams": [{"type": "mmsh_push", "path": "x"}]`})
	s := p.AwaitStatus("one stream", func(s engine.Snapshot) bool { return len(s.Streams) == 1 })
	if s.Streams[0].Path != "x" {
		t.Fatalf("%+v", s)
	}
	if err := p.Terminate(); err != nil {
		t.Fatalf("%v\n%s", err, p.Log())
	}
}

func TestBadConfigurationIsReported(t *testing.T) {
	_, err := Launch(t, Options{Config: `"strems": []`})
	if err == nil || !strings.Contains(err.Error(), "strems") {
		t.Fatalf("%v", err)
	}
}
