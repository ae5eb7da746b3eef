package rival

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"streampump/bench/child"
	"streampump/bench/secure"
)

// nginxStream is the part of nginx that carries TCP, which Debian packs by itself.
const nginxStream = "/usr/lib/nginx/modules/ngx_stream_module.so"

// nginx is nginx in front of a pump, for TLS alone: a worker for each core, and TLS 1.3,
// which this version does not offer unless it is told to.
func nginx() *Kind {
	return &Kind{Name: "nginx", Package: "nginx-light libnginx-mod-stream", Check: Whole, TLS: Only, Fronts: true,
		workers: true, program: "nginx", places: []string{"/usr/sbin/nginx"}, needs: []string{nginxStream}, start: startFront(nginxBefore)}
}

// nginxConfig needs the number of workers, the folder, the most connections, where it
// listens, its certificate and key, and the pump's address.
const nginxConfig = `daemon off;
worker_processes %d;
worker_rlimit_nofile %[3]d;
pid %[2]s/nginx.pid;
load_module ` + nginxStream + `;
events { worker_connections %[3]d; }
stream {
    server {
        listen %[4]s ssl;
        ssl_certificate %[5]s;
        ssl_certificate_key %[6]s;
        ssl_protocols TLSv1.2 TLSv1.3;
        proxy_pass %[7]s;
    }
}
`

func nginxBefore(s Setup, at, pump string, p secure.Pair) (child.Spec, error) {
	file := filepath.Join(s.Dir, "nginx.conf")
	config := fmt.Sprintf(nginxConfig, max(len(s.Cores), 1), s.Dir, 2*s.Viewers+frontSpare, at, p.Cert, p.Key, pump)
	return child.Spec{Args: []string{"-e", "stderr", "-c", file}}, os.WriteFile(file, []byte(config), 0o600)
}

// frontSpare is how many descriptors a proxy has beside two for each viewer.
const frontSpare = 64

// stunnel is stunnel in front of a pump, with a thread for each viewer. It sends what
// it has at once, as this project's README has encoders do.
func stunnel() *Kind {
	return &Kind{Name: "stunnel", Package: "stunnel4", Check: Whole, TLS: Only, Fronts: true,
		workers: true, program: "stunnel4", places: []string{"/usr/bin/stunnel4"}, start: startFront(stunnelBefore)}
}

// stunnelConfig needs where it listens, the pump's address, its certificate and key.
const stunnelConfig = `foreground = yes
pid =
debug = warning
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[live]
accept = %s
connect = %s
cert = %s
key = %s
`

func stunnelBefore(s Setup, at, pump string, p secure.Pair) (child.Spec, error) {
	file := filepath.Join(s.Dir, "stunnel.conf")
	return child.Spec{Args: []string{file}}, os.WriteFile(file, fmt.Appendf(nil, stunnelConfig, at, pump, p.Cert, p.Key), 0o600)
}

// startFront starts a pump that speaks no TLS and, configured for it, the server that
// does so in its place.
func startFront(configure func(s Setup, at, pump string, p secure.Pair) (child.Spec, error)) func(context.Context, *Server, Setup) error {
	return func(ctx context.Context, v *Server, s Setup) error {
		pair, err := v.identify(&s)
		if err != nil {
			return err
		}
		behind := s
		behind.Authority, behind.Path = nil, s.Pump
		// All its viewers come from the address of the proxy.
		pump, err := v.runPump(ctx, behind, map[string]any{"connections_without_stream_per_address": 0})
		if err != nil {
			return fmt.Errorf("the pump behind it: %w", err)
		}
		v.behind, v.process = v.process, nil
		if v.Addr, err = freeAddr(); err != nil {
			return err
		}
		spec, err := configure(s, v.Addr, pump.encoder, pair)
		if err != nil {
			return err
		}
		spec.Path, spec.Cores, spec.Dir = s.Path, s.Cores, s.Dir
		if err := v.run(spec); err != nil {
			return err
		}
		v.feed(func(ctx context.Context) error { return pushTo(ctx, pump.encoder, behind) })
		return v.hasStream(ctx)
	}
}
