// Command gortsplib is a client by others, of the library that MediaMTX and others are
// made with, which publishes or plays for the end-to-end tests; and a server, to which one
// publishes and from which others play, by UDP only. It says "listening" when it does, and
// "recording" when one publishes.
//
//	gortsplib publish|play tcp|auto URL
//	gortsplib serve ADDRESS PACKETS REPORTS
//
// The server has three addresses: of connections, and those from which packets and reports
// go, at an even port and the next.
//
// What is published are access units of H.264 that hold their number, which nobody can
// decode. Each line that it prints while it plays is what has come so far:
//
//	units=N keys=N lost=N errors=N
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gortsplib:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 4 && args[0] == "serve" {
		return serve(args[1], args[2], args[3])
	}
	if len(args) != 3 {
		return fmt.Errorf("usage: gortsplib publish|play tcp|auto URL, or gortsplib serve ADDRESS PACKETS REPORTS")
	}
	c := &gortsplib.Client{ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	if args[1] == "tcp" {
		tcp := gortsplib.ProtocolTCP
		c.Protocol = &tcp
	}
	if args[0] == "publish" {
		return publish(c, args[2])
	}
	return play(c, args[2])
}

const (
	picture = 40 * time.Millisecond
	ticks   = 3600
	gop     = 25
	size    = 4000
)

// publish sends pictures until it is ended.
func publish(c *gortsplib.Client, url string) error {
	sps, _ := base64.StdEncoding.DecodeString("Z01AHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==")
	pps, _ := base64.StdEncoding.DecodeString("aO88gA==")
	h264 := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sps, PPS: pps}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{h264}}
	if err := c.StartRecording(url, &description.Session{Medias: []*description.Media{media}}); err != nil {
		return err
	}
	defer c.Close()
	encoder, err := h264.CreateEncoder()
	if err != nil {
		return err
	}
	tick := time.NewTicker(picture)
	defer tick.Stop()
	for n := 0; ; n++ {
		slice := append(fmt.Appendf([]byte{0x41, 0x88}, "%08x", n), make([]byte, size)...)
		for i := range slice[10:] {
			slice[10+i] = byte(1 + i%255)
		}
		unit := [][]byte{slice}
		if n%gop == 0 {
			slice[0] = 0x65
			unit = [][]byte{sps, pps, slice}
		}
		packets, err := encoder.Encode(unit)
		if err != nil {
			return err
		}
		for _, p := range packets {
			p.Timestamp += uint32(n) * ticks
			if err := c.WritePacketRTP(media, p); err != nil {
				return err
			}
		}
		<-tick.C
	}
}

// play plays the pictures of a stream until its end.
func play(c *gortsplib.Client, url string) error {
	u, err := base.ParseURL(url)
	if err != nil {
		return err
	}
	c.Scheme, c.Host = u.Scheme, u.Host
	var units, keys, lost, errors int
	c.OnPacketsLost = func(n uint64) { lost += int(n) }
	c.OnDecodeError = func(err error) {
		errors++
		fmt.Fprintln(os.Stderr, "gortsplib:", err)
	}
	if err := c.Start(); err != nil {
		return err
	}
	defer c.Close()
	desc, _, err := c.Describe(u)
	if err != nil {
		return err
	}
	if err := c.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		return err
	}
	var h264 *format.H264
	media := desc.FindFormat(&h264)
	if media == nil {
		return fmt.Errorf("there is no H.264 in the stream")
	}
	decoder, err := h264.CreateDecoder()
	if err != nil {
		return err
	}
	c.OnPacketRTP(media, h264, func(p *rtp.Packet) {
		unit, err := decoder.Decode(p)
		if err != nil {
			return // it needs more packets, or has missed the first
		}
		units++
		for _, nal := range unit {
			if nal[0]&31 == 5 {
				keys++
				break
			}
		}
		fmt.Printf("units=%d keys=%d lost=%d errors=%d\n", units, keys, lost, errors)
	})
	if _, err := c.Play(nil); err != nil {
		return err
	}
	return c.Wait()
}
