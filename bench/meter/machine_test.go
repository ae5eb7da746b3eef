package meter

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	const info = "MemTotal:       2048 kB\nMemFree:        1 kB\nMemAvailable:    1024 kB\n"
	const sockets = "sockets: used 10\nTCP: inuse 5 orphan 0 tw 0 alloc 6 mem 3\nUDP: inuse 1 mem 77\n"
	want := Memory{2 << 20, 1 << 20, 3 * int64(os.Getpagesize())}
	if m, err := memoryOfTexts(info, sockets); err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
	for name, texts := range map[string][2]string{
		"no_memory":     {"MemTotal: 2048 kB\n", sockets},
		"no_number":     {"MemTotal: much kB\nMemAvailable: 1 kB\n", sockets},
		"no_word":       {info, "TCP: inuse 5 mem\n"},
		"no_sockets":    {info, ""},
		"beyond_memory": {"MemTotal: 999999999999999 kB\nMemAvailable: 1 kB\n", sockets},
	} {
		if m, err := memoryOfTexts(texts[0], texts[1]); err == nil || m != (Memory{}) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	if m, err := ReadMemory(); err != nil || m.Total < m.Available || m.Available <= 0 {
		t.Errorf("this machine: %+v, %v", m, err)
	}
}

func TestTicks(t *testing.T) {
	const text = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 40 5 6 7 8 100 100\ncpu1 10 0 0 10 0 0 0 0 0 0\ncpu10 1 1 1 1 1 1 1 1 0 0\nintr 5 6 7 8 9 10 11 12 13\n"
	for _, c := range []struct {
		cores []int
		want  Ticks
	}{
		{[]int{0}, Ticks{27, 72}}, // idle, and waiting for a disk, are not busy; guests are in user time
		{[]int{0, 1}, Ticks{37, 92}},
	} {
		if got, err := ticksIn(text, c.cores); err != nil || got != c.want {
			t.Errorf("%d: %+v, %v", c.cores, got, err)
		}
	}
	for _, c := range []struct {
		text  string
		cores []int
	}{{text, []int{0, 2}}, {text, nil}, {"cpu0 1 x 3 4 5 6 7 8\n", []int{0}}, {"cpu0 1 2\n", []int{0}}} {
		if got, err := ticksIn(c.text, c.cores); err == nil {
			t.Errorf("%q, %d: %+v", c.text, c.cores, got)
		}
	}
	if got, err := ReadTicks([]int{0}); err != nil || got.Busy == 0 || got.Busy > got.All {
		t.Errorf("this machine: %+v, %v", got, err)
	}
}

func TestIdle(t *testing.T) {
	const text = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 40 5 6 7 8 100 100\ncpu1 10 0 0 10 0 0 0 0 0 0\nintr 5 6 7 8 9 10 11 12 13\n"
	if got, err := idleIn(text); err != nil || got != (Idle{550 * time.Millisecond, 2}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "cpu  9 9 9 9 9 9 9 9 0 0\n", "cpu0 1 2 3 x 5 6 7 8\n", "cpu0 1 2 3 4\n"} {
		if got, err := idleIn(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
	got, err := ReadIdle()
	if err != nil || got.Processors < runtime.NumCPU() || got.Time <= 0 {
		t.Errorf("this machine: %+v, %v", got, err)
	}
}

func TestDescriptorsOfAProcess(t *testing.T) {
	own, err := Descriptors()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := DescriptorsOf(os.Getpid()); err != nil || n != own {
		t.Errorf("%d, %v, want %d", n, err, own)
	}
	if n, err := DescriptorsOf(1<<31 - 1); err == nil || err.Error() != "there is no process 2147483647" {
		t.Errorf("%d, %v", n, err)
	}
}
