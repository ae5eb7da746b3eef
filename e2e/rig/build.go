package rig

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// programs are those that were built.
var programs struct {
	dir string // made by Main, and removed by it

	mu    sync.Mutex
	built map[string]func() (string, error) // by what was built; the path
}

// Main is what TestMain does in a package that uses [Binary] or [Build]: it runs the tests
// and then removes the programs.
func Main(m *testing.M) {
	code := runMain(m)
	os.Exit(code)
}

func runMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stream-pump-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs.dir, programs.built = dir, map[string]func() (string, error){}
	defer os.RemoveAll(dir)
	return m.Run()
}

// Parallel has so many of a package's parallel tests run at the same time, for those that
// wait more than they calculate; what the command line says (-parallel) goes before. It is
// called ahead of [Main].
func Parallel(n int) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		_ = flag.Set("test.parallel", strconv.Itoa(n)) // a number, of a flag that there is
	}
}

// Binary is the path of stream-pump. STREAMPUMP_BINARY names one that is built already;
// without it the first call builds one, as [Build] does.
func Binary(t testing.TB) string {
	t.Helper()
	needMain(t)
	if path := os.Getenv("STREAMPUMP_BINARY"); path != "" {
		return path
	}
	return Build(t, ".", "streampump/cmd/stream-pump")
}

// Build builds a program from a folder, which says of what module it is, once for each
// test process, and returns its path. Any goroutine may call it.
func Build(t testing.TB, dir, target string) string {
	t.Helper()
	needMain(t)
	programs.mu.Lock()
	build := programs.built[dir+" "+target]
	if build == nil {
		path := filepath.Join(programs.dir, fmt.Sprintf("%d-%s", len(programs.built), filepath.Base(filepath.Join(dir, target))))
		build = sync.OnceValues(func() (string, error) { return path, compile(path, dir, target) })
		programs.built[dir+" "+target] = build
	}
	programs.mu.Unlock()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// needMain fails the test if nobody would remove the programs.
func needMain(t testing.TB) {
	t.Helper()
	if programs.dir == "" {
		t.Fatal("the program would be left behind: this package takes func TestMain(m *testing.M) { rig.Main(m) }")
	}
}

func compile(path, dir, target string) error {
	cmd := exec.Command("go", "build", "-o", path, target)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is shipped
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s does not build: %w\n%s", target, err, out)
	}
	return nil
}
