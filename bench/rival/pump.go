package rival

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"streampump/bench/child"
	"streampump/bench/push"
)

// pump is our own server: a stream of type mmsh_push, all else by default.
func pump() *Kind {
	k := &Kind{Name: "pump", Check: Whole, program: "stream-pump", version: []string{"version"}, start: startPump}
	// The programs are built into one folder.
	if self, err := os.Executable(); err == nil {
		k.places = []string{filepath.Join(filepath.Dir(self), "stream-pump")}
	}
	return k
}

func startPump(ctx context.Context, _ *Kind, s Setup) (*Server, error) {
	fanout := ""
	if s.Loops > 0 {
		fanout = fmt.Sprintf(`, "fanout": {"loops": %d}`, s.Loops)
	}
	config := `{"listen": ["127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"},` +
		` "streams": [{"type": "mmsh_push", "path": "live"}]` + fanout + "}\n"
	file := filepath.Join(s.Dir, "pump.json")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p, err := child.Start(child.Spec{Path: s.Path, Args: []string{"serve", file}, Cores: s.Cores})
	if err != nil {
		return nil, err
	}
	v := &Server{process: p, Path: "/streams/live"}
	err = await(ctx, p, "listened", func() bool {
		v.Addr, v.Admin = addressIn(p.Said(), "msg=listening "), addressIn(p.Said(), `msg="admin listener is open" `)
		return v.Addr != "" && v.Admin != ""
	})
	if err == nil {
		v.begin(ctx, func(ctx context.Context) error { return pushTo(ctx, v.Addr, s) })
		err = await(ctx, p, "had the stream", func() bool { return answers(v.Addr, v.Path) || v.Err() != nil })
	}
	return v.orStop(err)
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

// addressIn is the address in the first line of a pump's log that contains mark.
func addressIn(log, mark string) string {
	_, rest, _ := strings.Cut(log, mark)
	_, rest, _ = strings.Cut(rest, "address=")
	text, _, _ := strings.Cut(rest, "\n")
	text, _, _ = strings.Cut(text, " ")
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.String()
	}
	return ""
}
