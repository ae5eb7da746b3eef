package loop

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// lock is a mutex of either kind, with the field that it is.
type lock struct {
	mutex interface {
		TryLock() bool
		Unlock()
	}
	name string // "stream.mu"
}

// lockFinder walks from value to value and collects the mutexes on the way, so
// that one which is added to the engine is known here too.
type lockFinder struct {
	seen  map[unsafe.Pointer]bool // what pointers led to
	known map[unsafe.Pointer]bool // locks; one may lie where its struct begins
	locks []lock
}

// ours are the packages whose values are looked into: the engine, and the
// logger, which locks for each line.
var ours = []string{
	"streampump/engine/loop", "streampump/engine/stream", "streampump/engine/session", "streampump/engine/admission",
	"streampump/engine/clock", "streampump/engine/notice", "streampump/engine/ring", "log/slog",
}

// labTypes are what the tests put in the place of sockets.
var labTypes = []string{"labLoop", "labKernel", "textProtocol", "textSession"}

func (f *lockFinder) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if p := v.UnsafePointer(); p != nil && !f.seen[p] {
			f.seen[p] = true
			f.walk(v.Elem())
		}
	case reflect.Interface:
		f.walk(v.Elem())
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k < reflect.Array { // numbers hide nothing
			return
		}
		for i := range v.Len() {
			f.walk(v.Index(i))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			f.walk(it.Value())
		}
	case reflect.Struct:
		f.walkStruct(v)
	}
}

func (f *lockFinder) walkStruct(v reflect.Value) {
	t := v.Type()
	if strings.HasPrefix(t.Name(), "Pointer[") && t.PkgPath() == "sync/atomic" {
		load := reflect.NewAt(t, unsafe.Pointer(v.UnsafeAddr())).MethodByName("Load")
		f.walk(load.Call(nil)[0])
		return
	}
	if !slices.Contains(ours, t.PkgPath()) || slices.Contains(labTypes, t.Name()) {
		return
	}
	for i := range t.NumField() {
		field := v.Field(i)
		target := field
		if field.Kind() == reflect.Pointer {
			target = field.Elem()
		}
		if target.IsValid() && target.CanAddr() {
			at := reflect.NewAt(target.Type(), unsafe.Pointer(target.UnsafeAddr()))
			switch m := at.Interface().(type) {
			case *sync.Mutex:
				f.add(lock{m, t.Name() + "." + t.Field(i).Name}, at.UnsafePointer())
				continue
			case *sync.RWMutex:
				f.add(lock{m, t.Name() + "." + t.Field(i).Name}, at.UnsafePointer())
				continue
			}
		}
		f.walk(field)
	}
}

// add enters a lock once, however many ways lead to it.
func (f *lockFinder) add(l lock, at unsafe.Pointer) {
	if !f.known[at] {
		f.known[at] = true
		f.locks = append(f.locks, l)
	}
}

// findLocks are all the mutexes of an engine with what hangs on it.
func findLocks(t *testing.T, e *Group) []lock {
	t.Helper()
	f := &lockFinder{seen: map[unsafe.Pointer]bool{}, known: map[unsafe.Pointer]bool{}}
	f.walk(reflect.ValueOf(e))
	var names []string
	for _, l := range f.locks {
		names = append(names, l.name)
	}
	for _, want := range []string{"Books.mu", "commonHandler.mu", "Loop.mailMu", "Viewers[", "Ingests.mu", "Stream.mu"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, want) }) {
			t.Fatalf("%s is not among the locks that were found: %v", want, names)
		}
	}
	return f.locks
}

// Serving a viewer takes no lock and writes no line to the log: while every
// mutex of the engine and of its logger is held by somebody else, from one
// viewer's write call to another's, all between them get their packets.
func TestServingTakesNoLock(t *testing.T) {
	for _, c := range []struct {
		name            string
		viewers, served int // served while the locks are held
	}{
		{"each_packet_at_once", 100, 100},
		{"packets_held", 1000, 60}, // of a share
	} {
		t.Run(c.name, func(t *testing.T) { serveUnderLocks(t, c.viewers, c.served) })
	}
}

func serveUnderLocks(t *testing.T, viewers, served int) {
	c := newCrowd(t, viewers, 89, labConfig())
	c.publish(1200 * time.Millisecond)
	c.viewers[viewers/2].room = 0 // one is parked on the way
	locks := findLocks(t, c.e)
	calls := 0
	c.loops[0].before = func(*peer) {
		switch calls++; calls {
		case 1:
			for _, l := range locks {
				if !l.mutex.TryLock() {
					t.Errorf("%s is held while viewers are served", l.name)
				}
			}
		case served:
			for _, l := range locks {
				l.mutex.Unlock()
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.enc.sendBytes(c.line)
		c.advance(time.Duration(settle))
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second): // a pass takes less than a millisecond
		t.Fatalf("a viewer waits for a lock: %d of %d were served", calls, served)
	}
	if calls < served {
		t.Fatalf("%d write calls, want %d at least", calls, served)
	}
	c.loops[0].before = nil
	c.finish()
}
