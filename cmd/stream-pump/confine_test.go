package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"streampump/e2e/rig"
	"streampump/internal/account"
)

// open is a copy of a program that everybody may run.
func open(t *testing.T, program string) string {
	t.Helper()
	from, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(rig.Reachable(t), "program"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// needRoot skips a test that only root can make.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("STREAMPUMP_NOSKIP") == "1" {
		t.Fatal("this takes root, and nothing may be skipped")
	}
	t.Skip("this takes root")
}

// taken wants every thread of a process to be nobody without any rights.
func (p *process) taken() {
	p.t.Helper()
	a, err := account.Lookup(account.Nobody, "")
	if err != nil {
		p.t.Fatal(err)
	}
	const none = "0000000000000000"
	ids := func(id int) string { return strings.TrimSpace(strings.Repeat(fmt.Sprint(id)+"\t", 4)) }
	want := map[string]string{
		"Uid": ids(a.UID), "Gid": ids(a.GID), "Groups": "", "NoNewPrivs": "1", "Seccomp": "2",
		"CapInh": none, "CapPrm": none, "CapEff": none, "CapBnd": none, "CapAmb": none,
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.cmd.Process.Pid))
	if err != nil || len(tasks) < 3 {
		p.t.Fatalf("%q, %v", tasks, err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			if w, ok := want[key]; ok && strings.TrimSpace(value) != w {
				p.t.Errorf("%s: %s is %q, want %q", task, key, strings.TrimSpace(value), w)
			}
		}
	}
}

// The demo gives root up as the pump does.
func TestRootIsGivenUp(t *testing.T) {
	needRoot(t)
	t.Parallel()
	p := serving(t, oneStream)
	if said := p.said.String(); !strings.Contains(said, "msg=confined user=nobody") || !strings.Contains(said, "capabilities=none no_new_privs=true") {
		t.Errorf("the log does not say what was given up:\n%s", said)
	}
	p.taken()
	p.well()
	p.signal(syscall.SIGTERM)
	p.await("msg=down")
	p.ends(0)
	if strings.Contains(p.said.String(), "level=WARN") || strings.Contains(p.said.String(), "level=ERROR") {
		t.Errorf("a warning:\n%s", p.said.String())
	}

	demo := launch(t, "", "demo", "--port", "0", "--verbose")
	demo.await("msg=listening")
	demo.taken()
	demo.signal(os.Interrupt)
	demo.ends(0)
}

// A key that only root can read is found at the start, wherever somebody may look, with
// the command that mends it.
func TestClosedKey(t *testing.T) {
	needRoot(t)
	dir := rig.Reachable(t)
	t.Chdir(dir)
	issued(t, "one", 80*day, "one.example")
	if err := os.Chown("one.key", 0, 0); err != nil {
		t.Fatal(err)
	}
	sentence := fmt.Sprintf("the file %q cannot be read by the user nobody (group nogroup); open it with: setfacl -m u:nobody:r %s", "one.key", filepath.Join(dir, "one.key"))
	tls := `{"listen": ["127.0.0.1:0", "tls://127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"}, "ssl_cert": "one.pem", "ssl_key": "one.key",
  "streams": [{"type": "mmsh_push", "path": "live"}]%s}`
	usual, required := fmt.Sprintf(tls, ""), fmt.Sprintf(tls, `, "sandbox": "required"`)

	p := serving(t, usual)
	if said := p.said.String(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, strings.ReplaceAll(sentence, `"`, `\"`)) {
		t.Errorf("the log does not say it:\n%s", said)
	}
	if got := p.certificates(); len(got) != 1 || got[0].Problem != sentence {
		t.Errorf("the status says %+v", got)
	}
	// It is mended, and renewed.
	issued(t, "one", 85*day, "one.example")
	p.await(`msg="a certificate was read anew"`)
	if got := p.certificates(); len(got) != 1 || got[0].Problem != "" {
		t.Errorf("the status says %+v", got)
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)

	if err := os.Chown("one.key", 0, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config  string
		command []string
		code    int
		says    string
	}{
		{usual, []string{"check", "-"}, 0, "standard input: warning: " + sentence},
		{required, []string{"check", "-"}, 1, `standard input: "sandbox" is "required": ` + sentence + "\nstandard input cannot be used: 1 mistake"},
		{required, []string{"serve", "-"}, 1, `\"sandbox\" is \"required\": ` + strings.ReplaceAll(sentence, `"`, `\"`)},
	} {
		p := launch(t, c.config, c.command...)
		said, err := io.ReadAll(p.lines)
		if err != nil || !strings.Contains(string(said), c.says) {
			t.Errorf("%q: %v, want %q in\n%s", c.command, err, c.says, said)
		}
		p.ends(c.code)
	}
}

// What an ordinary user's pump could not do is said, if it was asked for.
func TestServeAsAnOrdinaryUser(t *testing.T) {
	needRoot(t)
	t.Parallel()
	for config, says := range map[string]string{
		oneStream: `level=INFO msg=confined user=4123456 uid=4123456`,
		strings.Replace(oneStream, "{", `{"user": "daemon",`, 1): `missing="the user stays 4123456: only root could become daemon"`,
	} {
		p := launchAs(t, 4123456, config, "serve", "-")
		p.await("msg=listening")
		if !strings.Contains(p.said.String(), says) {
			t.Errorf("no %q in\n%s", says, p.said.String())
		}
		p.signal(syscall.SIGTERM)
		p.ends(0)
	}
}

func TestUserThatDoesNotExist(t *testing.T) {
	t.Parallel()
	config := strings.Replace(oneStream, "{", `{"user": "no-such-user",`, 1)
	for _, command := range []string{"check", "serve"} {
		p := launch(t, config, command, "-")
		p.await(`standard input:1:10: /user: there is no user "no-such-user" on this machine; make one with:`)
		p.ends(1)
	}
}
