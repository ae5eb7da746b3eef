package rtmpclient

import (
	"context"
	"errors"

	"streampump/bench/amf0"
)

// Peer is a server's side of a conversation up to its stream: as little of a server as clients
// need, for those who test clients. It is used by one goroutine.
type Peer struct {
	*Conn
	// Refuse is the call that is answered with an error, such as "play"; empty: none is.
	Refuse string
}

// Wish is what a client has asked for.
type Wish struct {
	Call      string // play or publish
	App, Name string
}

// peerStream is the message stream that everybody gets.
const peerStream = 1

// peerWindow is the window of a server.
const peerWindow = 2_500_000

// errRefused ends a conversation in which a call was refused.
var errRefused = errors.New("a call was refused")

// Meet shakes hands and answers up to the first call of play or publish, which is accepted.
func (p *Peer) Meet(ctx context.Context) (w Wish, err error) {
	b, err := p.Bytes(ctx, 1+greeting)
	if err != nil {
		return w, err
	}
	answer := append(make([]byte, 1+greeting), b[1:]...)
	answer[0] = version
	if err := p.Send(ctx, answer); err != nil {
		return w, err
	}
	if _, err := p.Bytes(ctx, greeting); err != nil {
		return w, err
	}
	for w.Call == "" {
		m, err := p.Next(ctx)
		if err != nil {
			return w, err
		}
		if m.Type != TypeCommand {
			continue
		}
		a, err := m.Command()
		if err == nil {
			err = p.answer(ctx, a, &w)
		}
		if err != nil {
			return w, err
		}
	}
	return w, nil
}

// answer answers a call.
func (p *Peer) answer(ctx context.Context, a Command, w *Wish) error {
	if a.Name == p.Refuse {
		return errors.Join(p.Put(ctx, Told("error", "NetStream."+a.Name+".Failed")), errRefused)
	}
	switch a.Name {
	case "connect":
		w.App, _ = amf0.Field(a.Values[0], "app").(string)
		err := p.Put(ctx, NumberMessage(TypeWindow, peerWindow))
		if err == nil {
			err = p.SetSize(ctx, publisherSize)
		}
		if err == nil {
			err = p.result(ctx, a, amf0.Object{{Name: "fmsVer", Value: "FMS/3,5,7,7009"}}, status("status", "NetConnection.Connect.Success"))
		}
		return err
	case "createStream":
		return p.result(ctx, a, nil, float64(peerStream))
	case "play", "publish":
		w.Call = a.Name
		w.Name, _ = a.Values[1].(string)
		code := "NetStream.Play.Start"
		if a.Name == "publish" {
			code = "NetStream.Publish.Start"
		}
		return p.Put(ctx, ControlMessage(StreamBegin, peerStream), Told("status", code))
	}
	return p.result(ctx, a, nil, amf0.Undefined{})
}

// result answers a call with success.
func (p *Peer) result(ctx context.Context, a Command, values ...any) error {
	return p.Put(ctx, ValuesMessage(TypeCommand, chunkCommands, 0, 0, append([]any{"_result", a.ID}, values...)...))
}

// status is the object that tells of a status.
func status(level, code string) amf0.Object {
	return amf0.Object{{Name: "level", Value: level}, {Name: "code", Value: code}, {Name: "description", Value: "as asked"}}
}

// Told is a status as a server tells of it.
func Told(level, code string) Message {
	return ValuesMessage(TypeCommand, chunkCommands, peerStream, 0, "onStatus", 0.0, nil, status(level, code))
}
