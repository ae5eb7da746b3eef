package supervisor

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watched runs a watchdog of 12 seconds in virtual time.
func watched(t *testing.T, do func(f *faked, log *book, p *pulse, end func())) {
	f := fakePath(t)
	t.Setenv(watchdogVariable, "12000000")
	t.Setenv(watchdogPIDVariable, strconv.Itoa(os.Getpid()))
	synctest.Test(t, func(t *testing.T) {
		m := opened(t)
		defer m.Close()
		for _, name := range []string{watchdogVariable, watchdogPIDVariable} {
			if _, set := os.LookupEnv(name); set {
				t.Errorf("%s is left for others", name)
			}
		}
		log, ending := newBook(), make(chan struct{})
		p := &pulse{}
		go m.Watch(t.Context(), Life{Beat: p.beat, Ending: ending, Log: log.Logger})
		synctest.Wait()
		do(f, log, p, func() { close(ending) })
	})
}

const fed = "WATCHDOG=1"

// A healthy service feeds the watchdog three times in its time.
func TestWatchdogIsFed(t *testing.T) {
	watched(t, func(f *faked, log *book, p *pulse, _ func()) {
		f.want("at once", fed)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		f.want("a third of the time later", fed)
		for range 60 {
			time.Sleep(4 * time.Second)
			synctest.Wait()
			f.want("and so on", fed)
		}
		if p.count() != 62 {
			t.Errorf("%d beats", p.count())
		}
		if !strings.Contains(log.String(), "within=12s") || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("the log says\n%s", log)
		}
	})
}

// Who shows no life starves it, and is named once.
func TestWatchdogStarves(t *testing.T) {
	watched(t, func(f *faked, log *book, p *pulse, _ func()) {
		f.want("at once", fed)
		p.set("event loop 3")
		time.Sleep(time.Hour)
		synctest.Wait()
		f.want("while a loop is stuck")
		if p.count() < 1000 {
			t.Errorf("only %d looks in an hour", p.count())
		}
		if s := log.String(); strings.Count(s, "level=ERROR") != 1 || !strings.Contains(s, `of="event loop 3" in=8s`) {
			t.Errorf("the log says\n%s", s)
		}
		p.set()
		time.Sleep(time.Second)
		synctest.Wait()
		f.want("as soon as it is back", fed)
		if !strings.Contains(log.String(), "all show signs of life again") {
			t.Errorf("the log says\n%s", log)
		}
	})
}

// A feed that the socket does not take comes soon.
func TestWatchdogWithFullSocket(t *testing.T) {
	watched(t, func(f *faked, _ *book, _ *pulse, _ func()) {
		f.want("at once", fed)
		f.stuff()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if s := f.all(); strings.Contains(s, fed) {
			t.Fatal("the queue was not full")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		f.want("a twelfth later", fed)
	})
}

// At the end, which bounds itself, nobody need show life.
func TestWatchdogAtTheEnd(t *testing.T) {
	watched(t, func(f *faked, _ *book, p *pulse, end func()) {
		f.want("at once", fed)
		p.set("everybody")
		end()
		for range 15 {
			time.Sleep(4 * time.Second)
			synctest.Wait()
			f.want("until the end", fed)
		}
		if p.count() != 1 {
			t.Errorf("%d beats", p.count())
		}
	})
}

func TestWatchdogTimes(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
		wrong     bool
	}{
		{"", "", 0, false},
		{"", self, 0, false},
		{"30000000", "", 30 * time.Second, false},
		{"30000000", self, 30 * time.Second, false},
		{"30000000", "1", 0, false},
		{"1", self, leastWatchdog, false},
		{"9223372036854775807", "", longestWatchdog, false},
		{"18446744073709551615", "", 0, true},
		{"0", "", 0, true},
		{"-5", "", 0, true},
		{"soon", "", 0, true},
	} {
		got, err := watchdogOf(c.usec, c.pid)
		if got != c.want || (err != nil) != c.wrong {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}
