package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/confine"
	"streampump/demo"
	"streampump/e2e/rig"
)

// What check says of closed files follows from who may start the pump, and no mistake
// hides another.
func TestCheckClosed(t *testing.T) {
	needRoot(t)
	dir := rig.Reachable(t)
	t.Chdir(dir)
	issued(t, "one", 80*day, "one.example")
	write(t, "clip.asf", string(demo.Clip()))
	write(t, "token.key", strings.Repeat("k", 40))
	for _, name := range []string{"one.key", "one.pem", "clip.asf", "token.key"} {
		if err := errors.Join(os.Chown(name, 0, 0), os.Chmod(name, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	const tls, clip, key = `"ssl": true, "ssl_cert": "one.pem", "ssl_key": "one.key"`, `"streams": [{"type": "file", "path": "clip", "source_options": {"file": "clip.asf"}}]`,
		`"view": {"token_keys": [{"id": "a", "secret_file": "token.key"}]}`
	const start = "warning: a pump that is started as the user daemon, as the systemd unit does, does not start; one that is started as root only cannot read this file again later: "
	of := func(name, user, group string) string {
		return fmt.Sprintf("the file %q cannot be read by the user %s (group %s); open it with: ", name, user, group)
	}
	chgrp := func(name string) string {
		return fmt.Sprintf("chgrp daemon %[1]s && chmod g+r %[1]s\n", filepath.Join(dir, name))
	}
	const valid, part = "pump.json is valid: ", "pump.json can be served only in part: 1 mistake (serve runs the other streams)\n"
	for config, want := range map[string]struct {
		code   int
		says   []string
		silent string
	}{
		`{"user": "daemon", ` + tls + `}`: {0, []string{start + of("one.key", "daemon", "daemon") + chgrp("one.key"), start + of("one.pem", "daemon", "daemon") + chgrp("one.pem"), valid}, "mistake"},
		`{"user": "daemon", ` + key + `}`: {0, []string{start + of("token.key", "daemon", "daemon") + chgrp("token.key"), valid}, "for a reload"},
		`{` + key + `}`:                   {0, []string{"warning: for a reload: " + of("token.key", "nobody", "nogroup"), valid}, "systemd"},
		`{"user": "daemon", ` + clip + `, ` + tls + `}`: {1, []string{
			"pump.json: a stream cannot run: " + of("clip.asf", "daemon", "daemon") + chgrp("clip.asf"), start + of("one.key", "daemon", "daemon"), "certificate of one.example", part}, valid},
		`{"user": "daemon", "prot": 1, ` + tls + `}`: {1, []string{"/prot: the key", start + of("one.key", "daemon", "daemon"), "cannot be used: 1 mistake"}, valid},
		`{"user": "no-such-user", ` + tls + `}`:      {1, []string{"there is no user", "cannot be used: 1 mistake"}, valid},
		`{` + tls + `, "sandbox": "required"}`:       {1, []string{`pump.json: "sandbox" is "required": ` + of("one.key", "nobody", "nogroup"), "cannot be used: 2 mistakes"}, valid},
	} {
		write(t, "pump.json", config)
		if err := os.Chmod("pump.json", 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "check", "pump.json")
		cmd.Env = append(os.Environ(), asProgram+"=1")
		out, _ := cmd.CombinedOutput()
		for _, text := range want.says {
			if !strings.Contains(string(out), text) {
				t.Errorf("%s: no %q in\n%s", config, text, out)
			}
		}
		if cmd.ProcessState.ExitCode() != want.code || strings.Contains(string(out), want.silent) {
			t.Errorf("%s: exit code %d, wanted %d, and nothing of %q in\n%s", config, cmd.ProcessState.ExitCode(), want.code, want.silent, out)
		}
	}

	p := serving(t, strings.Replace(oneStream, `"streams": [`, `"streams": [{"type": "file", "path": "clip", "source_options": {"file": "clip.asf"}},`, 1))
	if said := p.said.String(); !strings.Contains(said, "and its stream cannot run") || strings.Contains(said, "until_then") {
		t.Errorf("the log says\n%s", said)
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

// Whatever a configuration is, what is left of it can be looked at.
func TestPartialConfigurations(t *testing.T) {
	t.Chdir(t.TempDir())
	e := env{confine: func(confine.Policy) (confine.Report, error) { return confine.Report{}, nil }}
	for _, text := range []string{
		"", "{", "[[[[", "{}", `{"port": 1e400}`, `{"user": 7, "group": []}`, `{"user": "no-such-user"}`,
		`{"listen": [":1", ":1"], "port": 1, "streams": [null, {"path": 1, "type": "file"}, {"type": "mmsh_pull", "source_options": {"url": "mmshs://"}}]}`,
		`{"listen": ["tls://:1"], "ssl": true, "certificates": [{}, {"cert": 1, "key": "."}], "ssl_domains": ["", "a..b", "*.a.b"], "acme": {"email": "<a@b>"}}`,
		`{"ssl": 1, "ssl_port": "tls://", "ssl_cert": "a", "ssl_domains": {}, "acme": {"accept_terms": 1, "folder": [], "directory": "https://"}}`,
		`{"prot": 1, "ssl": true, "ssl_cert": "nothing.pem", "ssl_key": "nothing.key", "publish": {"users_file": "nothing.txt"}}`,
	} {
		write(t, "pump.json", text)
		for _, p := range e.closedBesides("pump.json") {
			if p.File != "pump.json" || strings.Contains(p.Text, "nothing") || !p.Warning {
				t.Errorf("%s: %s", text, p)
			}
		}
	}
	if got := e.closedBesides(stdinName); got != nil {
		t.Errorf("standard input: %v", got)
	}
}

// An ordinary user is told that such a pump takes root, or the user itself.
func TestCheckAsAnotherUser(t *testing.T) {
	needRoot(t)
	t.Parallel()
	p := launchAs(t, 4123456, strings.Replace(oneStream, "{", `{"user": "daemon", "sandbox": "required",`, 1), "check", "-")
	p.await(`standard input: warning: "sandbox" is "required", and only root and the user daemon itself can start such a pump: started as you, it does not start`)
	p.ends(0)
}

// What cannot be printed is no success.
func TestCheckIntoAFullFile(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	t.Chdir(t.TempDir())
	write(t, "pump.json", `{"streams": [{"type": "mmsh_push", "path": "live"}]}`)
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), newRootCommand(world(full, &stderr)), []string{"check", "pump.json"}, &stderr)
	if code != cli.ExitFailed || !strings.Contains(stderr.String(), syscall.ENOSPC.Error()) {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
