package main

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"streampump/cmd/internal/fetch"
)

// Where there is no terminal a long measurement is heard of now and then, and one
// of the moment not at all.
func TestWaitingIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		e := env{stdout: io.Discard, stderr: &b}
		cpu, _ := fetch.KindOf("cpu")
		done := e.waiting(fetch.Order{Kind: cpu, Seconds: 20})
		time.Sleep(21 * time.Second)
		done()
		if want := "measuring cpu for 20 s\nmeasuring cpu: 10 of 20 s\n"; b.String() != want {
			t.Errorf("got %q, want %q", b.String(), want)
		}
		b.Reset()
		heap, _ := fetch.KindOf("heap")
		e.waiting(fetch.Order{Kind: heap})()
		if b.Len() > 0 {
			t.Errorf("got %q", b.String())
		}
	})
}
