package rtmp

import (
	"errors"
	"strings"
	"testing"
)

func TestAggregate(t *testing.T) {
	for _, c := range []struct {
		name string
		time uint32
		hex  string
		want string
		err  error
	}{
		{"Empty", 5000, "", "", nil},
		{"AudioAndVideo", 5000, "08 000003 0003e8 00 000000 af0121 0000000e | 09 000002 0003f0 00 000000 2701 0000000d", "8/7/5000:af0121 9/7/5008:2701", nil},
		{"LastSizeMissing", 10, "08 000001 000000 00 000000 aa 0000000c | 08 000001 000005 00 000000 bb", "8/7/10:aa 8/7/15:bb", nil},
		{"LastSizeCut", 10, "08 000001 000000 00 000000 aa 0000", "8/7/10:aa", nil},
		{"Backwards", 100, "08 000001 000010 00 000000 aa 0000000c | 09 000001 000008 00 000000 bb 0000000c", "8/7/100:aa 9/7/92:bb", nil},
		{"UpperByte", 1 << 25, "08 000001 ffffff 00 000000 aa 0000000c | 08 000001 000001 01 000000 bb 0000000c", "8/7/33554432:aa 8/7/33554434:bb", nil},
		{"TimeWraps", 0xFFFFFFFF, "08 000001 000000 00 000000 aa 0000000c | 08 000001 000002 00 000000 bb 0000000c", "8/7/4294967295:aa 8/7/1:bb", nil},
		{"Data", 10, "12 000001 000000 00 000000 02 0000000c", "18/7/10:02", nil},
		{"OthersPassedOver", 10, "16 000001 000000 00 000000 aa 0000000c | 01 000001 000000 00 000000 aa 0000000c | 08 000000 000001 00 000000 0000000b", "8/7/11:", nil},
		{"HeadCut", 10, "08 000001 000000 00 000000 aa 0000000c | 08 000001 000005 00 0000", "8/7/10:aa", errAggregate},
		{"BodyCut", 10, "08 000002 000000 00 000000 aa", "", errAggregate},
		{"LengthBeyond", 10, "08 ffffff 000000 00 000000 aa", "", errAggregate},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAggregate(message{typ: typeAggregate, stream: 7, time: c.time, body: unhex(t, c.hex)})
			var all []message
			m, ok, err := a.next()
			for ; ok; m, ok, err = a.next() {
				all = append(all, m)
			}
			if got := tell(all); got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s, %v; want %s, %v", got, err, c.want, c.err)
			}
			if _, ok, err := a.next(); ok || err != nil {
				t.Errorf("behind the end: %t, %v", ok, err)
			}
		})
	}
}

// TestAggregateDoesNotAllocate: some sources send nothing else.
func TestAggregateDoesNotAllocate(t *testing.T) {
	body := unhex(t, strings.Repeat("08 000003 0003e8 00 000000 af0121 0000000e", 50))
	count := 0
	if n := testing.AllocsPerRun(20, func() {
		a := newAggregate(message{body: body})
		for {
			_, ok, err := a.next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return
			}
			count++
		}
	}); n != 0 || count != 21*50 {
		t.Errorf("%v allocations for %d messages", n, count)
	}
}
