package pace

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, n := time.Now(), 0
		next := func() (time.Duration, func() error) {
			due := 5*time.Second + time.Duration(n)*time.Second
			return due, func() error { n++; return nil }
		}
		if err := Send(t.Context(), next, func() bool { return n == 4 }); err != nil || n != 4 || time.Since(began) != 3*time.Second {
			t.Errorf("%d after %v, %v", n, time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if err := Send(ctx, next, func() bool { return false }); err != nil || n != 7 {
			t.Errorf("%d, %v", n, err)
		}
		failed := errors.New("it failed")
		if err := Send(t.Context(), func() (time.Duration, func() error) { return 0, func() error { return failed } }, func() bool { return false }); !errors.Is(err, failed) {
			t.Error(err)
		}
	})
}
