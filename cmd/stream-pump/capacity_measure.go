package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"streampump/bench/floor"
	"streampump/codec/mmsh"
	"streampump/tuning/capacity"
)

// measured is the price of write calls, and how it came about.
type measured struct {
	line capacity.Price
	runs []priceRun
}

// priceRun is one measurement.
type priceRun struct {
	floor.Options
	*floor.Result
}

// The self-measurement: its length in all, how many sockets it writes to at most,
// and how busy it may be, by a rough guess at the price of a call, so that it
// neither floods a small machine nor falls behind.
const (
	measureTime    = 2 * time.Second
	measureViewers = 1000
	measureBusy    = 0.5
	roughCall      = 20 * time.Microsecond
	// measureTicks is how many packets a measurement sends to each viewer at least.
	measureTicks = 50
	// measureReserve are descriptors that are left over while it runs.
	measureReserve = 256
)

// price measures what a write call costs here: calls of the fewest and of the
// most bytes that the plan makes, over loopback, by the bench's floor.
func (e env) price(ctx context.Context, p *capacity.Plan) (measured, error) {
	least, most := p.Extremes()
	calls := []capacity.Calls{most}
	if least.Bytes != most.Bytes {
		calls = append(calls, least)
	}
	var m measured
	for _, c := range calls {
		o := measurement(c, measureTime/time.Duration(len(calls)), p)
		// The floor catches up when it is late; it is stopped when it is very late.
		bounded, cancel := context.WithTimeout(ctx, 2*o.Duration)
		r, err := e.floor(bounded, o)
		cancel()
		if err != nil {
			return m, fmt.Errorf("the cost of a write call cannot be measured: %w", err)
		}
		m.runs = append(m.runs, priceRun{o, r})
	}
	if err := ctx.Err(); err != nil {
		return m, errors.New("interrupted: nothing can be said from half a measurement")
	}
	first, last := m.runs[0], m.runs[len(m.runs)-1]
	m.line = capacity.Line(first.bytes(), first.NsPerCall/1e9, last.bytes(), last.NsPerCall/1e9)
	return m, nil
}

// bytes is how many are in a call.
func (r priceRun) bytes() int { return int(math.Round(float64(r.PacketSize) * r.Coalesce)) }

// measurement is a run of the floor that makes such calls.
func measurement(c capacity.Calls, d time.Duration, p *capacity.Plan) floor.Options {
	packets := min(max(1, c.Packets), floor.MaxCoalesce)
	i := slices.IndexFunc(p.Streams, func(s capacity.Stream) bool { return s.Name == c.Stream })
	size := p.Streams[i].PacketSize + capacity.Framing
	rate := max(float64(p.Streams[i].Bitrate)/8/float64(size), measureTicks/d.Seconds())
	viewers := measureBusy / (rate / packets * roughCall.Seconds())
	if p.Descriptors > 0 {
		viewers = min(viewers, (float64(p.Descriptors)-measureReserve)/2)
	}
	return floor.Options{
		Viewers: int(max(1, min(viewers, measureViewers))), PacketSize: size, Coalesce: packets,
		Bitrate: int(rate * 8 * float64(size)), Duration: d,
	}
}

// That the model counts the framing that we send is checked when this is compiled:
// a difference would be a negative number here, on one side or the other.
const _ = uint(capacity.Framing-mmsh.PrefixSize) + uint(mmsh.PrefixSize-capacity.Framing)

// How the cipher is measured: so many times, each for long enough that the clock does
// not matter, on what a record holds. The least counts, as nothing else then ran.
const (
	cipherRuns  = 5
	cipherTime  = 20 * time.Millisecond
	cipherBytes = 16 << 10
)

// measureCipher measures what AES-128-GCM, which most players choose, takes for a byte,
// in seconds.
func measureCipher() float64 {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		panic(err) // the key has a length that AES knows
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // the block has the size that GCM wants
	}
	nonce, plain := make([]byte, gcm.NonceSize()), make([]byte, cipherBytes)
	out := make([]byte, 0, cipherBytes+gcm.Overhead())
	least := math.Inf(1)
	for range cipherRuns {
		n, began := 0, time.Now()
		for time.Since(began) < cipherTime {
			nonce[0]++ // what is encrypted goes nowhere
			gcm.Seal(out, nonce, plain, nil)
			n += cipherBytes
		}
		least = min(least, time.Since(began).Seconds()/float64(n))
	}
	return least
}
