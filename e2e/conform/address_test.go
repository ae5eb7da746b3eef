package conform

import (
	"net"
	"os"
	"strings"

	"streampump/bench/player"
	"streampump/bench/synth"
)

// addressRows are about IPv6 and IPv4 on one listener.
func addressRows() []row {
	return []row{
		{0, "IPv6Viewer", "viewers are served over IPv6 and IPv4 at once", "RFC 3493, 5.3", dual, viewIPv6},
		{0, "IPv6Encoder", "an encoder pushes over IPv6", "RFC 3493, 5.3", dual, pushIPv6},
		{0, "UnmappedAddresses", "an IPv4 peer of the dual-stack listener stands in the log as one", "RFC 4291, 2.5.5.2", dual, unmapped},
		{0, "IPv6Playlist", "a playlist asked for over IPv6 names the address in brackets", "RFC 3986, 3.2.2", dual, playlistIPv6},
	}
}

// six is the same row over IPv6. A machine without it can run no such row.
func (k *kit) six() *kit {
	k.Helper()
	other := *k
	other.addr = k.all.address(k.pump, true)
	c, err := net.Dial("tcp", other.addr)
	if err != nil {
		if os.Getenv("STREAMPUMP_NOSKIP") == "1" {
			k.Fatalf("no IPv6 here: %v", err)
		}
		k.Skipf("no IPv6 here: %v", err)
	}
	k.check(c.Close())
	return &other
}

func viewIPv6(k *kit) {
	six := k.six()
	e := k.push(synth.Plain(rate))
	over6, over4 := six.view(player.VLC(), player.Options{}), k.view(player.WMP12(), player.Options{})
	e.send(gop)
	over6.reaches(e)
	over4.reaches(e)
	k.check(over6.Close())
	k.logged("viewer left", k.tag(), "peer=[::1]:")
}

func pushIPv6(k *kit) {
	e := k.six().push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	e.send(gop)
	v.reaches(e)
	k.logged("encoder is connected", k.tag(), "peer=[::1]:")
}

func unmapped(k *kit) {
	k.push(synth.Plain(rate))
	v := k.view(player.VLC(), player.Options{})
	from := v.LocalAddr().String()
	k.check(v.Close())
	k.logged("viewer left", k.tag(), "peer="+from+" ")
	k.want(len(k.log("::ffff:")) == 0, "the log has mapped addresses: %v", k.log("::ffff:"))
}

func playlistIPv6(k *kit) {
	six := k.six()
	k.push(synth.Plain(rate))
	_, body := six.final("GET " + k.url() + ".asx HTTP/1.0\r\n" + firefox + "\r\n\r\n") // names no Host
	k.want(strings.Contains(body, `"`+k.scheme()+`://`+six.addr+k.url()+`.asf"`), "the playlist is %q", body)
	_, body = k.final("GET " + k.url() + ".asx HTTP/1.0\r\n" + firefox + "\r\n\r\n")
	k.want(strings.Contains(body, `"`+k.scheme()+`://`+k.addr+k.url()+`.asf"`), "the playlist is %q", body)
}
