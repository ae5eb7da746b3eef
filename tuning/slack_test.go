package tuning

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// relaxed relaxes the timers of the test's threads.
func relaxed(t *testing.T) *Timers {
	t.Helper()
	timers, err := RelaxTimers()
	if err != nil {
		t.Skip(err) // without CAP_SYS_NICE
	}
	return timers
}

// slacks are those of the threads of this process, in the order of the threads.
func slacks(t *testing.T) (threads, slacks []int) {
	t.Helper()
	threads, err := threadsOf(Root(), strconv.Itoa(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		slacks = append(slacks, slackOf(t, thread))
	}
	return threads, slacks
}

func slackOf(t *testing.T, thread int) int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/timerslack_ns")
	if os.IsNotExist(err) {
		return TimerSlack // it has just ended
	}
	n, errNumber := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || errNumber != nil {
		t.Fatal(err, errNumber)
	}
	return n
}

// The tests' own threads take it as well as the pump's.
func TestRelaxTimers(t *testing.T) {
	relaxed(t)
	threads, all := slacks(t)
	for i, slack := range all {
		if want := map[bool]int{false: TimerSlack, true: MonitorSlack}[i == monitor]; slack != want {
			t.Errorf("thread %d of %d has %d ns, and is to have %d", i, len(threads), slack, want)
		}
	}
}

// What the unit set for all threads is left.
func TestRelaxTimersLeavesWhatIsInherited(t *testing.T) {
	relaxed(t)
	runtime.LockOSThread() // and not unlocked: the thread ends with the test
	const inherited = 2 * TimerSlack
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, inherited, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	relaxed(t)
	t.Cleanup(func() {
		if err := (&Timers{slack: TimerSlack}).set(); err != nil {
			t.Error(err)
		}
	})
	is, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || is != inherited {
		t.Errorf("%d ns, %v; want what was there", is, err)
	}
}

// A thread that has the monitor's slack, as those have that it starts, is given
// that of all others.
func TestTimersAgain(t *testing.T) {
	timers := relaxed(t)
	number, done := make(chan int), make(chan struct{})
	go func() {
		runtime.LockOSThread() // and not unlocked: the thread ends with the test
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, MonitorSlack, 0, 0, 0); err != nil {
			t.Error(err)
		}
		number <- unix.Gettid()
		<-done
	}()
	defer close(done)
	thread := <-number
	if is := slackOf(t, thread); is != MonitorSlack {
		t.Fatalf("the thread has %d ns", is)
	}
	if err := timers.Again(); err != nil {
		t.Error(err)
	}
	if is := slackOf(t, thread); is != TimerSlack {
		t.Errorf("the thread has %d ns", is)
	}
}

func TestThreadsAreInTheOrderOfTheirStart(t *testing.T) {
	for name, c := range map[string]struct {
		process string
		want    []int
	}{
		"rising": {"97", []int{97, 98, 4194303, 2, 11}}, "from_the_last_number": {"4194303", []int{4194303, 2, 11, 97, 98}},
	} {
		root := fstest.MapFS{}
		for _, thread := range c.want {
			root["proc/"+c.process+"/task/"+strconv.Itoa(thread)+"/comm"] = &fstest.MapFile{}
		}
		if got, err := threadsOf(root, c.process); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
	if got, err := threadsOf(fstest.MapFS{}, "97"); err == nil {
		t.Errorf("%v of a process that is not there", got)
	}
}
