package rival

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"streampump/bench/child"
	"streampump/bench/origin"
)

// orStop is the server, or the error it could not be started with.
func (v *Server) orStop(err error) (*Server, error) {
	if err == nil {
		err = v.Err()
	}
	if err == nil {
		return v, nil
	}
	if v.stop != nil {
		v.stop()
		<-v.fed
	}
	_ = v.process.Stop() // the first error is the one to tell
	return nil, err
}

// fetches runs a server that fetches the stream over HTTP from where configure
// is told.
func fetches(ctx context.Context, s Setup, framing origin.Framing, v *Server, configure func(from string) (child.Spec, error)) (*Server, error) {
	// Only what is fetched begins the stream, but its header is told at once.
	src, err := s.Source(ctx)
	if err != nil {
		return nil, err
	}
	from, err := origin.Listen(src, framing)
	if err != nil {
		return nil, err
	}
	spec, err := configure(from.Addr())
	if err != nil {
		return nil, err
	}
	spec.Path, spec.Cores = s.Path, s.Cores
	if err := v.run(ctx, spec, from.Run); err != nil {
		return nil, err
	}
	return v.orStop(await(ctx, v.process, "had the stream", func() bool {
		select {
		case <-from.Joined():
			return listens(v.Addr) && answers(v.Addr, v.Path)
		default:
			return v.Err() != nil
		}
	}))
}

// answers says whether a server has the stream for whoever asks over HTTP.
func answers(addr, path string) bool {
	c := http.Client{Timeout: time.Second}
	r, err := c.Get("http://" + addr + path)
	if err != nil {
		return false
	}
	_ = r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// cubemap is Cubemap with the settings of the file it comes with: one thread
// for each core, and a backlog of 10 MB.
func cubemap() *Kind {
	return &Kind{Name: "cubemap", Package: "cubemap", Plain: true, Check: Whole, program: "cubemap",
		places: []string{"/usr/bin/cubemap"}, version: []string{"--version"}, start: startCubemap}
}

func startCubemap(ctx context.Context, _ *Kind, s Setup) (*Server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	return fetches(ctx, s, origin.Metacube, &Server{Addr: addr, Path: "/live.asf"}, func(from string) (child.Spec, error) {
		config := fmt.Sprintf("num_servers %d\nlisten %s\nerror_log type=console\nstream /live.asf src=http://%s/live.asf\n",
			max(len(s.Cores), 1), addr, from)
		file := filepath.Join(s.Dir, "cubemap.config")
		return child.Spec{Args: []string{file}, Dir: s.Dir}, os.WriteFile(file, []byte(config), 0o600)
	})
}

// vlc is VLC's own server of MMSH.
func vlc() *Kind {
	return &Kind{Name: "vlc", Package: "vlc-bin vlc-plugin-base", Check: Marks, program: "cvlc",
		version: []string{"--version"}, start: startVLC}
}

func startVLC(ctx context.Context, _ *Kind, s Setup) (*Server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	return fetches(ctx, s, origin.Plain, &Server{Addr: addr, Path: "/"}, func(from string) (child.Spec, error) {
		user, err := unprivileged(s.Dir)
		return child.Spec{
			Args: []string{"-I", "dummy", "--no-stats", "http://" + from + "/live.asf", "--sout", "#std{access=mmsh,mux=asfh,dst=" + addr + "/}", "--sout-keep"},
			Dir:  s.Dir, Env: []string{"HOME=" + s.Dir}, Credential: user,
		}, err
	})
}

// icecast is Icecast with the limits and the burst of the file it comes with.
func icecast() *Kind {
	return &Kind{Name: "icecast", Package: "icecast2", Plain: true, Check: Marks, program: "icecast2",
		places: []string{"/usr/bin/icecast2"}, version: []string{"-v"}, start: startIcecast}
}

// icecastPassword is for a server on loopback that lives for one run.
const icecastPassword = "measured"

// icecastConfig needs the number of clients, the password, the port and the
// folder, three times.
const icecastConfig = `<icecast>
<limits><clients>%d</clients><sources>2</sources><queue-size>524288</queue-size><client-timeout>30</client-timeout>
<header-timeout>15</header-timeout><source-timeout>10</source-timeout><burst-on-connect>1</burst-on-connect><burst-size>65535</burst-size></limits>
<authentication><source-password>%s</source-password><admin-user>admin</admin-user><admin-password>%[2]s</admin-password></authentication>
<hostname>localhost</hostname>
<listen-socket><port>%s</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>%s</basedir><logdir>%[4]s</logdir><webroot>%[4]s</webroot><adminroot>%[4]s</adminroot></paths>
<logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>2</loglevel></logging>
</icecast>
`

func startIcecast(ctx context.Context, _ *Kind, s Setup) (*Server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	user, err := unprivileged(s.Dir)
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	file := filepath.Join(s.Dir, "icecast.xml")
	config := fmt.Sprintf(icecastConfig, s.Viewers+16, icecastPassword, port, s.Dir)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	p, err := child.Start(child.Spec{Path: s.Path, Args: []string{"-c", file}, Dir: s.Dir, Cores: s.Cores, Credential: user})
	if err != nil {
		return nil, err
	}
	v := &Server{process: p, Addr: addr, Path: "/live.asf"}
	if err = await(ctx, p, "listened", func() bool { return listens(addr) }); err == nil {
		v.begin(ctx, func(ctx context.Context) error {
			src, err := s.Source(ctx)
			if err != nil {
				return err
			}
			return origin.Send(ctx, addr, v.Path, origin.Login{User: "source", Password: icecastPassword}, src)
		})
		err = await(ctx, p, "had the stream", func() bool { return answers(addr, v.Path) || v.Err() != nil })
	}
	return v.orStop(err)
}
