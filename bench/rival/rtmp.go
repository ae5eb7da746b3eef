package rival

import (
	"fmt"

	"streampump/bench/child"
	"streampump/bench/feed"
)

// The servers of RTMP alone.

// nginxRTMPModule is the part of nginx that serves RTMP, which Debian packs by itself.
const nginxRTMPModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// nginxRTMP is nginx with its module for RTMP and one worker, because a stream is its
// worker's: others cannot give it to their viewers.
func nginxRTMP() *Kind {
	return &Kind{Name: "nginx-rtmp", Package: "libnginx-mod-rtmp nginx-light", Check: Whole, Over: []string{feed.RTMP},
		workers: true, program: "nginx", places: []string{"/usr/sbin/nginx"}, needs: []string{nginxRTMPModule},
		start: takesPush(func(addr string, s Setup) (child.Spec, error) {
			file, err := configured(s, "nginx.conf", fmt.Sprintf(nginxRTMPConfig, s.Dir, s.Viewers+serverSpare, addr))
			return child.Spec{Args: []string{"-e", "stderr", "-c", file}}, err
		})}
}

// serverSpare is how many descriptors a server has beside one for each viewer.
const serverSpare = 64

// nginxRTMPConfig needs the folder, the most connections, and where it listens.
const nginxRTMPConfig = `daemon off;
worker_processes 1;
worker_rlimit_nofile %[2]d;
pid %[1]s/nginx.pid;
load_module ` + nginxRTMPModule + `;
events { worker_connections %[2]d; }
rtmp {
    server {
        listen %[3]s;
        application streams {
            live on;
        }
    }
}
`

// srs is SRS with nothing but RTMP.
func srs() *Kind {
	return &Kind{Name: "srs", Home: "https://github.com/ossrs/srs (./configure && make, in trunk)", Check: Whole, Over: []string{feed.RTMP},
		program: "srs", version: []string{"-v"}, start: takesPush(func(addr string, s Setup) (child.Spec, error) {
			file, err := configured(s, "srs.conf", fmt.Sprintf(srsConfig, s.Dir, s.Viewers+serverSpare, addr))
			return child.Spec{Args: []string{"-c", file}}, err
		})}
}

// srsConfig needs the folder, the most connections, and where it listens.
const srsConfig = `daemon off;
srs_log_tank console;
srs_log_level warn;
pid %[1]s/srs.pid;
max_connections %[2]d;
listen %[3]s;
vhost __defaultVhost__ {
}
`
