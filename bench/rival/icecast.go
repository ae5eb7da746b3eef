package rival

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"streampump/bench/child"
	"streampump/bench/origin"
)

// icecast is Icecast with the limits and the burst of the file it comes with.
func icecast() *Kind {
	return &Kind{Name: "icecast", Package: "icecast2", Plain: true, Check: Marks, program: "icecast2",
		places: []string{"/usr/bin/icecast2"}, version: []string{"-v"}, start: startIcecast}
}

// icecastPassword is for a server on loopback that lives for one run.
const icecastPassword = "measured"

// icecastSpare is how many clients more than the viewers it may have: the source,
// and who asks whether it has the stream.
const icecastSpare = 16

// icecastConfig needs the number of clients, the password, the port and the
// folder.
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

func startIcecast(ctx context.Context, v *Server, s Setup) (err error) {
	if v.Addr, err = freeAddr(); err != nil {
		return err
	}
	v.Path = "/live.asf"
	user, err := unprivileged(s.Dir)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(v.Addr)
	if err != nil {
		return err
	}
	file := filepath.Join(s.Dir, "icecast.xml")
	config := fmt.Sprintf(icecastConfig, s.Viewers+icecastSpare, icecastPassword, port, s.Dir)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return err
	}
	if err := v.run(child.Spec{Path: s.Path, Args: []string{"-c", file}, Dir: s.Dir, Cores: s.Cores, Credential: user}); err != nil {
		return err
	}
	if err := v.await(ctx, "listened", func(ctx context.Context) bool { return listens(ctx, v.Addr) }); err != nil {
		return err
	}
	v.feed(func(ctx context.Context) error {
		src, err := s.Source(ctx)
		if err != nil {
			return err
		}
		return origin.Send(ctx, v.Addr, v.Path, origin.Login{User: "source", Password: icecastPassword}, src)
	})
	return v.hasStream(ctx)
}
