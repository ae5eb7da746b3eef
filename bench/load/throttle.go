package load

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"streampump/bench/pace"
)

// Throttle says what share of the players read no faster than a rate, in bits per
// second on average since they connected: viewers behind a line too narrow for the
// stream.
type Throttle struct {
	Percent float64
	Rate    float64
}

// ParseThrottle reads a throttle such as "5%:300k".
func ParseThrottle(s string) (Throttle, error) {
	share, rate, ok := strings.Cut(s, "%:")
	percent, err1 := strconv.ParseFloat(share, 64)
	factor := 1.0
	if number, found := strings.CutSuffix(rate, "k"); found {
		rate, factor = number, 1e3
	} else if number, found := strings.CutSuffix(rate, "M"); found {
		rate, factor = number, 1e6
	}
	bits, err2 := strconv.ParseFloat(rate, 64)
	if !ok || err1 != nil || err2 != nil || !(percent > 0 && percent <= 100) || !(bits*factor >= minThrottle && bits*factor <= maxThrottle) {
		return Throttle{}, errors.New(`a throttle is a share of the players and a bitrate of 1k to 1000M, as in "5%:300k"`)
	}
	return Throttle{percent, bits * factor}, nil
}

const (
	// maxThrottle is the highest rate that can be asked for: what is faster than
	// any stream throttles nobody.
	maxThrottle = 1e9
	// minThrottle is the lowest: what is slower takes longer than any run for
	// one packet, and is a stall.
	minThrottle = 1e3
)

// String is the throttle as it is parsed; empty for none.
func (t Throttle) String() string {
	if t.Rate == 0 {
		return ""
	}
	rate, unit := t.Rate/1e3, "k"
	if t.Rate >= 1e6 {
		rate, unit = t.Rate/1e6, "M"
	}
	return strconv.FormatFloat(t.Percent, 'g', -1, 64) + "%:" + strconv.FormatFloat(rate, 'f', -1, 64) + unit
}

// lag is how long a player at this rate takes for the given number of bytes.
func (t Throttle) lag(bytes int64) time.Duration {
	return time.Duration(float64(bytes) * 8 / t.Rate * float64(time.Second))
}

// pace holds back a throttled player that has read the given number of bytes since
// began; false if ctx ended.
func (t Throttle) pace(ctx context.Context, began time.Time, bytes int64) bool {
	return pace.Sleep(ctx, time.Until(began.Add(t.lag(bytes))))
}

// sip reads from the throttled players what their rate allows by now.
func (c *crowd) sip(now time.Time) {
	for fd, m := range c.slow {
		allowed := int64(now.Sub(m.began).Seconds()*c.o.Throttle.Rate/8) - m.sipped
		if allowed <= 0 {
			continue
		}
		n, err := c.drained.Take(fd, allowed)
		m.sipped += n
		c.got(fd, n, err)
	}
}
