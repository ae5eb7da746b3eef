package certs

import (
	"fmt"
	"math"
	"time"

	"streampump/internal/keypair"
)

const day = 24 * time.Hour

// Days are the whole days until a certificate ends; below 0 once it has.
func (c Certificate) Days(now time.Time) int {
	return int(math.Floor(float64(c.NotAfter.Sub(now)) / float64(day)))
}

// Worry is the sentence on a certificate that has ended, is about to end, or is not
// good yet; empty for any other. ended says that nothing worse can follow.
func (c Certificate) Worry(now time.Time) (sentence string, ended bool) {
	if c.NotAfter.IsZero() {
		return "", false
	}
	left := c.NotAfter.Sub(now)
	switch {
	case left < 0:
		return "the certificate expired on " + c.NotAfter.UTC().Format(timeForm) + ", and clients that check it refuse the pump", true
	case now.Before(c.NotBefore):
		return "the certificate is not valid before " + c.NotBefore.UTC().Format(timeForm) + ", or the clock is wrong", false
	case !keypair.EndsSoon(c.NotBefore, c.NotAfter, now):
		return "", false
	}
	return "the certificate expires in " + span(left), false
}

// span is a time in words: whole days, or hours on the last one.
func span(d time.Duration) string {
	n, unit := int(d/day), "day"
	if n == 0 {
		n, unit = int(d/time.Hour), "hour"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// remind warns of certificates that end soon, once a day each, and when they end.
func (s *Store) remind(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		worry, ended := e.show().Worry(now)
		switch {
		case worry == "" || now.Sub(e.told) < day && ended == e.ended:
			continue
		case ended:
			s.log.Error(worry, e.attrs(now)...)
		default:
			s.log.Warn(worry, e.attrs(now)...)
		}
		e.told, e.ended = now, ended
	}
}

// announce writes each certificate to the log, as at the start.
func (s *Store) announce(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.cert != nil {
			s.log.Info("certificate", e.attrs(now)...)
		}
	}
}
