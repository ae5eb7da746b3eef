package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asProgram makes the test's binary the program itself: what signals and pipes do
// to a process is seen in one only.
const asProgram = "STREAM_PUMP_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running pump.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   *os.File // what it writes to standard error
	lines *bufio.Reader
	said  strings.Builder
	admin string
}

// silence is how long a program under test is listened to.
const silence = 2 * time.Minute

// launch starts the program, of which only standard error is looked at.
func launch(t *testing.T, stdin string, args ...string) *process {
	t.Helper()
	return launchAs(t, 0, stdin, args...)
}

// launchAs is launch as the user of a number; 0 is the test's own.
func launchAs(t *testing.T, uid uint32, stdin string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdin = strings.NewReader(stdin)
	if uid != 0 {
		cmd.Path = open(t, os.Args[0])
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	return started(t, cmd)
}

// started is a command that becomes the program, running.
func started(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// A line that never comes fails the test, with what was said instead.
	if err := r.SetReadDeadline(time.Now().Add(silence)); err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	p := &process{t: t, cmd: cmd, log: r, lines: bufio.NewReader(r)}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		_ = r.Close()
	})
	return p
}

const oneStream = `{
  "listen": ["127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"},
  "streams": [{"type": "mmsh_push", "path": "live", "name": "Live from here"}],
}`

// serving is a pump that serves, with its configuration from standard input.
func serving(t *testing.T, config string) *process {
	t.Helper()
	p := launch(t, config, "serve", "-")
	_, p.admin, _ = strings.Cut(p.await(`msg="admin listener is open"`), "address=")
	p.admin = strings.TrimSpace(p.admin)
	p.await("msg=listening")
	return p
}

// await reads the log up to a line with the text, and returns it.
func (p *process) await(text string) string {
	p.t.Helper()
	for {
		line, err := p.lines.ReadString('\n')
		p.said.WriteString(line)
		switch {
		case strings.Contains(line, text):
			return line
		case err != nil:
			p.t.Fatalf("the pump did not say %q: %v\n%s", text, err, p.said.String())
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// well checks that the pump serves.
func (p *process) well() {
	p.t.Helper()
	tr := &http.Transport{DisableKeepAlives: true}
	r, err := (&http.Client{Transport: tr}).Get("http://" + p.admin + "/healthz")
	if err != nil {
		p.t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK {
		p.t.Fatalf("the pump says %s", r.Status)
	}
}

// ends waits for the process's own end.
func (p *process) ends(code int) {
	p.t.Helper()
	_ = p.cmd.Wait()
	if got := p.cmd.ProcessState; got.ExitCode() != code {
		p.t.Fatalf("the pump ended with %v, want exit code %d\n%s", got, code, p.said.String())
	}
}

func TestSIGHUPHarmsNothing(t *testing.T) {
	t.Parallel()
	p := serving(t, oneStream)
	p.signal(syscall.SIGHUP)
	p.await("did not come from a file and cannot be read again")
	p.well()
	p.signal(syscall.SIGTERM)
	p.await("msg=down")
	p.ends(0)
	if !strings.Contains(p.said.String(), `msg="stream is configured" stream=live name="Live from here" type=mmsh_push`) {
		t.Errorf("the stream's name is not in the log:\n%s", p.said.String())
	}
}

// The reader of the log dies: the next line is lost, and nothing else is.
func TestLogWhoseReaderDies(t *testing.T) {
	t.Parallel()
	p := serving(t, oneStream)
	_ = p.log.Close()
	for range 3 {
		p.signal(syscall.SIGHUP)
	}
	p.dropped()
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

// dropped waits until lines of the log were dropped, as the status tells.
func (p *process) dropped() {
	p.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for range look.C {
		r, err := http.Get("http://" + p.admin + "/status")
		if err != nil {
			p.t.Fatal(err)
		}
		var s struct {
			Dropped uint64 `json:"log_lines_dropped"`
		}
		err = json.NewDecoder(r.Body).Decode(&s)
		_ = r.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		if s.Dropped > 0 {
			return
		}
	}
}

// Nobody reads the log, and its pipe is full: the pump serves, and ends when asked.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	p := serving(t, oneStream)
	size, err := unix.FcntlInt(p.log.Fd(), unix.F_SETPIPE_SZ, 4096)
	if err != nil {
		t.Fatal(err)
	}
	for full := false; !full; {
		p.signal(syscall.SIGHUP)
		p.well()
		n, err := unix.IoctlGetInt(int(p.log.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		full = n > size-600 // room for one or two more lines
	}
	for range 20 {
		p.signal(syscall.SIGHUP)
	}
	p.well()
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

// A fatal error is in the log's own format.
func TestFatalErrorsAreInTheLogsFormat(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := fmt.Sprintf(`{"listen": [%q], "log": {"format": "json"}, "timeouts": {"push_idle": "1s"},
		"streams": [{"type": "mmsh_push", "path": "live"}]}`, taken.Addr())
	p := launch(t, config, "serve", "-")
	text, err := io.ReadAll(p.lines)
	if err != nil {
		t.Fatal(err)
	}
	p.ends(1)
	var last struct{ Level, Msg, Why string }
	for line := range bytes.Lines(text) {
		if err := json.Unmarshal(line, &last); err != nil {
			t.Errorf("no JSON: %q", line)
		}
	}
	if last.Level != "ERROR" || !strings.Contains(last.Why, "address already in use: another program has it") || !strings.Contains(last.Why, `"port" or "listen"`) {
		t.Errorf("the last line is %+v", last)
	}
}

// Where descriptors are too few to serve anybody, the pump does not listen.
func TestTooFewDescriptors(t *testing.T) {
	t.Parallel()
	name := t.TempDir() + "/pump.json"
	write(t, name, oneStream)
	cmd := exec.Command("sh", "-c", `ulimit -n 128 && exec "$0" serve "$1"`, os.Args[0], name)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.Contains(out, []byte("is not enough")) || bytes.Contains(out, []byte("listening")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// A file that is not there keeps its own stream from running, and no other; check
// refuses it.
func TestMissingFileOfOneStream(t *testing.T) {
	t.Parallel()
	config := strings.Replace(oneStream, `"streams": [`, `"streams": [{"type": "file", "path": "clip", "source_options": {"file": "/nowhere/clip.wmv"}},`, 1)
	p := serving(t, config)
	if !strings.Contains(p.said.String(), "level=ERROR msg=\"the configuration has a problem\"") || !strings.Contains(p.said.String(), "/nowhere/clip.wmv") {
		t.Errorf("the log does not tell what is missing:\n%s", p.said.String())
	}
	p.well()
	p.signal(syscall.SIGTERM)
	p.await("msg=down")
	p.ends(0)

	p = launch(t, config, "check", "-")
	p.await("standard input can be served only in part: 1 mistake (serve runs the other streams)")
	p.ends(1)
}

// The demo's port is set by an option.
func TestDemoWithPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "[::]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := launch(t, "", "demo", "--port", fmt.Sprint(taken.Addr().(*net.TCPAddr).Port))
	p.await(`make run ARGS="--port 9000"`)
	p.ends(1)
}
