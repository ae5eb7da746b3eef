package main

import (
	"fmt"
	"os"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// relay is a server that sends on what one publishes to it, and to those who play nothing
// over TCP.
type relay struct {
	server *gortsplib.Server

	mu     sync.Mutex
	stream *gortsplib.ServerStream // nil: nobody has published
}

// serve runs a relay until it is ended.
func serve(address, packets, reports string) error {
	r := &relay{}
	r.server = &gortsplib.Server{Handler: r, RTSPAddress: address, UDPRTPAddress: packets, UDPRTCPAddress: reports}
	if err := r.server.Start(); err != nil {
		return err
	}
	fmt.Println("listening")
	return r.server.Wait()
}

// current is the stream, and the answer to who asks for it.
func (r *relay) current() (*base.Response, *gortsplib.ServerStream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream, nil
}

// OnDescribe is called for DESCRIBE.
func (r *relay) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return r.current()
}

// OnAnnounce is called for ANNOUNCE.
func (r *relay) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	stream := &gortsplib.ServerStream{Server: r.server, Desc: ctx.Description}
	if err := stream.Initialize(); err != nil {
		return &base.Response{StatusCode: base.StatusBadRequest}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream = stream
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSetup is called for SETUP.
func (r *relay) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	switch {
	case ctx.Session.State() == gortsplib.ServerSessionStatePreRecord:
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	case ctx.Transport.Protocol == gortsplib.ProtocolTCP:
		return &base.Response{StatusCode: base.StatusUnsupportedTransport}, nil, nil
	}
	return r.current()
}

// OnPlay is called for PLAY.
func (r *relay) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnRecord is called for RECORD.
func (r *relay) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	_, stream, _ := r.current()
	fmt.Println("recording")
	ctx.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		if err := stream.WritePacketRTP(m, p); err != nil {
			fmt.Fprintln(os.Stderr, "gortsplib:", err)
		}
	})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose is called when a session ends.
func (r *relay) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	fmt.Println("session over:", ctx.Error)
}
