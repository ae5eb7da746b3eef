package rival

import (
	"context"
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"streampump/bench/child"
	"streampump/bench/feed"
	"streampump/bench/push"
	"streampump/bench/secure"
)

// pump is our own server: a stream that is pushed, all else by default.
func pump() *Kind {
	k := &Kind{Name: "pump", Check: Whole, TLS: Can, Over: []string{feed.MMSH, feed.RTSP, feed.RTMP}, program: "stream-pump", version: []string{"version"}, start: startPump}
	// The programs are built into one folder.
	if self, err := os.Executable(); err == nil {
		k.places = []string{filepath.Join(filepath.Dir(self), "stream-pump")}
	}
	return k
}

func startPump(ctx context.Context, v *Server, s Setup) error {
	at, err := v.runPump(ctx, s, nil)
	if err != nil {
		return err
	}
	v.Addr, v.Admin = at.players, at.admin
	if s.Feed != nil {
		return v.pushed(ctx, s, at.encoder)
	}
	v.feed(func(ctx context.Context) error { return pushTo(ctx, at.encoder, s) })
	return v.hasStream(ctx)
}

// doors are where a pump listens.
type doors struct{ encoder, players, admin string }

// runPump starts a pump with these limits, and waits until it listens.
func (v *Server) runPump(ctx context.Context, s Setup, limits map[string]any) (at doors, err error) {
	listen, pair := []string{"127.0.0.1:0"}, secure.Pair{}
	if s.Authority != nil {
		if pair, err = v.identify(&s); err != nil {
			return at, err
		}
		listen = append(listen, "tls://127.0.0.1:0")
	}
	v.Path = "/streams/live"
	kind := "mmsh_push"
	if s.Feed != nil {
		kind, v.Path = s.Feed.Protocol()+"_push", pathOver(s.Feed.Protocol())
	}
	config := map[string]any{
		"listen": listen, "ssl_cert": pair.Cert, "ssl_key": pair.Key, "admin": map[string]any{"listen": "127.0.0.1:0"}, "limits": limits,
		"streams": []any{map[string]any{"type": kind, "path": "live"}}, "fanout": s.Fanout.settings(),
	}
	maps.DeleteFunc(config, func(_ string, v any) bool { return v == "" })
	if limits == nil {
		delete(config, "limits")
	}
	text, err := json.Marshal(config)
	if err != nil {
		return at, err
	}
	file := filepath.Join(s.Dir, "pump.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return at, err
	}
	if err := v.run(child.Spec{Path: s.Path, Args: []string{"serve", file}, Dir: s.Dir, Cores: s.Cores}); err != nil {
		return at, err
	}
	return at, v.await(ctx, "listened", func(context.Context) bool {
		log := v.process.Said()
		at.encoder, at.admin = addressIn(log, "msg=listening ", ""), addressIn(log, `msg="admin listener is open" `, "")
		if at.players = at.encoder; s.Authority != nil {
			at.players = addressIn(log, "msg=listening ", " tls=true")
		}
		return at.encoder != "" && at.players != "" && at.admin != ""
	})
}

// pushTo is the encoder of a pump.
func pushTo(ctx context.Context, addr string, s Setup) error {
	c, err := push.Dial(ctx, addr, push.Options{Path: "/streams/live_push", Host: addr})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Setup(ctx, push.AutoDestroy); err != nil {
		return err
	}
	src, err := s.Source(ctx)
	if err != nil {
		return err
	}
	// The source ends with ctx, so that the end of the stream is still sent.
	return c.Run(context.WithoutCancel(ctx), src, push.RunOptions{})
}

// addressIn is the address in the first whole line of a pump's log that contains
// mark and, behind it, more; empty if there is none.
func addressIn(log, mark, more string) string {
	for line := range strings.Lines(log) {
		line, whole := strings.CutSuffix(line, "\n")
		_, rest, there := strings.Cut(line, mark)
		if !whole || !there || !strings.Contains(rest, more) {
			continue
		}
		_, rest, _ = strings.Cut(rest, "address=")
		text, _, _ := strings.Cut(rest, " ")
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			return ""
		}
		return a.String()
	}
	return ""
}
