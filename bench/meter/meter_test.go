package meter

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestOfProcessMeasuresThisOne(t *testing.T) {
	before, err := OfProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for own := OwnCPU(); OwnCPU() == own; {
		ThreadCPU()
	}
	after, err := OfProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after.CPU <= before.CPU || after.RSS <= 1<<20 || after.Descriptors != before.Descriptors+1 {
		t.Errorf("before %+v, with one more descriptor %+v", before, after)
	}
}

func TestProcessThatHasEnded(t *testing.T) {
	c := exec.Command("true")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if u, err := OfProcess(c.Process.Pid); err == nil || !strings.Contains(err.Error(), "there is no process") {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestResident(t *testing.T) {
	for text, want := range map[string]int64{
		"Name:\tx\nVmRSS:\t     123 kB\nThreads:\t1\n": 123 << 10,
		"Name:\tx\nState:\tZ (zombie)\n":               -1,
		"VmRSS:\tmuch kB\n":                            -1,
	} {
		got, err := residentOf([]byte(text))
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestClockRises(t *testing.T) {
	last := Now()
	for range 1000 {
		now := Now()
		if now < last {
			t.Fatalf("%d after %d", now, last)
		}
		last = now
	}
}

func TestThisMachine(t *testing.T) {
	if m := ThisMachine(); m.Usable < 1 || m.Cores < m.Usable || m.Kernel == "" || m.CPU == "" {
		t.Errorf("%+v", m)
	}
	if n, err := Descriptors(); err != nil || n < 10 {
		t.Errorf("%d descriptors, %v", n, err)
	}
}
