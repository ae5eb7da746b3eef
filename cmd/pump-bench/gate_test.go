package main

import (
	"strings"
	"testing"

	"streampump/cmd/internal/cli"
)

func TestGateUsage(t *testing.T) {
	for args, want := range map[string]string{
		"gate --rows speed":      `there is no row "speed"`,
		"gate --rounds 3":        "the strict form needs at least five rounds, not 3",
		"gate --rounds -1":       "--rounds must be 0 to 1000, not -1",
		"gate --short --cores x": `"x" is not a list of processors`,
		"gate now":               "",
	} {
		o := start(t, strings.Fields(args)...)
		if o.code != cli.ExitUsage || o.stdout != "" || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v", args, o)
		}
	}
	o := start(t, "gate", "--short", "--pump", "/no/such/pump")
	if o.code != cli.ExitFailed || !strings.Contains(o.stderr, "--pump /no/such/pump is not a program") {
		t.Errorf("%+v", o)
	}
}
