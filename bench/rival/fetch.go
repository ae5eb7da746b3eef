package rival

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"streampump/bench/child"
	"streampump/bench/origin"
)

// fetches runs a server that fetches the stream over HTTP from where configure
// is told.
func (v *Server) fetches(ctx context.Context, s Setup, framing origin.Framing, configure func(from string) (child.Spec, error)) error {
	src, err := s.Source(v.feeding)
	if err != nil {
		return err
	}
	from, err := origin.Listen(src, framing)
	if err != nil {
		return err
	}
	spec, err := configure(from.Addr())
	if err == nil {
		spec.Path, spec.Cores, spec.Dir = s.Path, s.Cores, s.Dir
		err = v.run(spec)
	}
	if err != nil {
		from.Close()
		return err
	}
	v.feed(from.Run)
	err = v.await(ctx, "fetched the stream", func(context.Context) bool {
		select {
		case <-from.Joined():
			return true
		default:
			return false
		}
	})
	if err != nil {
		return err
	}
	return v.hasStream(ctx)
}

// cubemap is Cubemap with the settings of the file it comes with: one thread
// for each core, and a backlog of 10 MB. It shakes hands itself and leaves the rest of
// TLS to the kernel.
func cubemap() *Kind {
	return &Kind{Name: "cubemap", Package: "cubemap", Plain: true, Check: Whole, TLS: Can, program: "cubemap",
		places: []string{"/usr/bin/cubemap"}, start: startCubemap}
}

func startCubemap(ctx context.Context, v *Server, s Setup) (err error) {
	if v.Addr, err = freeAddr(); err != nil {
		return err
	}
	v.Path = "/live.asf"
	at := v.Addr
	if s.Authority != nil {
		if err := kernelTLS(); err != nil {
			return err
		}
		pair, err := v.identify(&s)
		if err != nil {
			return err
		}
		at += " tls_cert=" + pair.Cert + " tls_key=" + pair.Key
	}
	return v.fetches(ctx, s, origin.Metacube, func(from string) (child.Spec, error) {
		config := fmt.Sprintf("num_servers %d\nlisten %s\nerror_log type=console\nstream /live.asf src=http://%s/live.asf\n",
			max(len(s.Cores), 1), at, from)
		file := filepath.Join(s.Dir, "cubemap.config")
		return child.Spec{Args: []string{file}}, os.WriteFile(file, []byte(config), 0o600)
	})
}

// vlc is VLC's own server of MMSH. It tells no version to root.
func vlc() *Kind {
	return &Kind{Name: "vlc", Package: "vlc-bin vlc-plugin-base", Check: Marks, program: "cvlc",
		places: []string{"/usr/bin/cvlc"}, start: startVLC}
}

func startVLC(ctx context.Context, v *Server, s Setup) (err error) {
	if v.Addr, err = freeAddr(); err != nil {
		return err
	}
	v.Path = "/"
	return v.fetches(ctx, s, origin.Plain, func(from string) (child.Spec, error) {
		user, err := unprivileged(s.Dir)
		return child.Spec{
			Args: []string{"-I", "dummy", "--no-stats", "http://" + from + "/live.asf", "--sout", "#std{access=mmsh,mux=asfh,dst=" + v.Addr + "/}", "--sout-keep"},
			// It leaves folders in all three.
			Env:        []string{"HOME=" + s.Dir, "TMPDIR=" + s.Dir, "XDG_RUNTIME_DIR=" + s.Dir},
			Credential: user,
		}, err
	})
}
