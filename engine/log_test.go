package engine

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/notice"
)

// Whatever the engine logs has a bound, a line for each viewer too.
func TestTheLogIsBounded(t *testing.T) {
	var out bytes.Buffer
	e, err := New(labConfig(), nil, []codec.Protocol{text.Protocol{}}, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string]*slog.Logger{"engine": e.log, "stream": e.env.Log} {
		out.Reset()
		for range 2 * notice.MostBurst {
			log.Info(name)
		}
		if n := strings.Count(out.String(), "msg="+name); n < notice.MostBurst || n >= 3*notice.MostBurst/2 {
			t.Errorf("%s: %d lines", name, n)
		}
	}
}
