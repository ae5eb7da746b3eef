package affinity

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	last := strconv.Itoa(maxCores - 1)
	for text, want := range map[string][]int{
		"0": {0}, "0,2-3": {0, 2, 3}, "3,1,2,1": {1, 2, 3}, "4-4": {4}, "1-2,0-1": {0, 1, 2}, last: {maxCores - 1},
	} {
		if got, err := Parse(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ",", "0,", "-1", "1-", "-", "2-1", "+1", "0-+3", "x", "0 1", "1.5", strconv.Itoa(maxCores), "99999999999999999999"} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), strconv.Quote(text)) {
			t.Errorf("%q is taken for %v, %v", text, got, err)
		}
	}
}

// FuzzParse: what is taken is sorted, once each, within bounds, and is read again
// from its text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "0,2-3", "0-1023,5", "-", "1-,", "7-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cores, err := Parse(text)
		if err != nil {
			return
		}
		if len(cores) == 0 || len(cores) > maxCores || cores[0] < 0 || cores[len(cores)-1] >= maxCores || !slices.IsSorted(cores) ||
			len(slices.Compact(slices.Clone(cores))) != len(cores) {
			t.Fatalf("%q: %v", text, cores)
		}
		if again, err := Parse(Text(cores)); err != nil || !slices.Equal(again, cores) {
			t.Fatalf("%q becomes %q, and that %v, %v", text, Text(cores), again, err)
		}
	})
}

func TestText(t *testing.T) {
	for want, cores := range map[string][]int{"": nil, "0": {0}, "0-2": {0, 1, 2}, "0,2-3,7": {0, 2, 3, 7}} {
		if got := Text(cores); got != want {
			t.Errorf("%v: %q", cores, got)
		}
	}
}

func TestSplitAndWithout(t *testing.T) {
	for _, c := range []struct{ cores, server, load []int }{
		{[]int{0}, []int{0}, []int{0}}, {[]int{1, 3, 4}, []int{1}, []int{3, 4}},
	} {
		if server, load := Split(c.cores); !slices.Equal(server, c.server) || !slices.Equal(load, c.load) {
			t.Errorf("%v: %v and %v", c.cores, server, load)
		}
	}
	for _, c := range []struct{ cores, taken, left []int }{
		{[]int{0, 1, 2}, []int{1}, []int{0, 2}}, {[]int{0, 1}, []int{0, 1}, []int{0, 1}}, {[]int{0, 1}, []int{7}, []int{0, 1}},
	} {
		if left := Without(c.cores, c.taken); !slices.Equal(left, c.left) {
			t.Errorf("%v without %v: %v", c.cores, c.taken, left)
		}
	}
}

// TestLockedThreadIsOnItsCores: what runs there is, and nobody else.
func TestLockedThreadIsOnItsCores(t *testing.T) {
	own, err := Own()
	if err != nil || len(own) == 0 {
		t.Fatalf("%v, %v", own, err)
	}
	last := own[len(own)-1:]
	on := make(chan []int, 1)
	done := make(chan error, 1)
	go func() {
		done <- Locked(last, func() error {
			cores, err := allowed()
			on <- cores
			return err
		})
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := <-on; !slices.Equal(got, last) {
		t.Errorf("the thread is on %v, not %v", got, last)
	}
	if here, err := allowed(); err != nil || !slices.Equal(here, own) {
		t.Errorf("this thread is on %v, %v; it was on %v", here, err, own)
	}
}

func TestCoresThatAreNotThere(t *testing.T) {
	done := make(chan error, 1)
	none := []int{maxCores - 1}
	go func() { done <- Locked(none, func() error { t.Error("it ran"); return nil }) }()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "the processors "+Text(none)+" cannot be used") {
		t.Errorf("%v", err)
	}
}

// TestConfineKeepsEveryThread confines this test's process to all that it has,
// so that no other test notices.
func TestConfineKeepsEveryThread(t *testing.T) {
	own, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	narrowed, confined := make(chan int), make(chan struct{})
	done := make(chan []int, 1)
	go func() {
		// A thread of less than all, which Confine has to find.
		_ = Locked(own[:1], func() error {
			narrowed <- unix.Gettid()
			<-confined
			cores, err := allowed()
			done <- cores
			return err
		})
	}()
	<-narrowed
	if err := Confine(own); err != nil {
		t.Fatal(err)
	}
	close(confined)
	if got := <-done; !slices.Equal(got, own) {
		t.Errorf("a thread stayed on %v", got)
	}
	if again, err := Own(); err != nil || !slices.Equal(again, own) {
		t.Errorf("%v, %v", again, err)
	}
}
