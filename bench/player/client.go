package player

import (
	"strconv"
	"strings"
)

// Client is a program that plays streams, by the requests it sends. In the
// texts {path}, {host} and {id} stand for the path, the host with its port and
// the client-id that the Describe was answered with.
type Client struct {
	Name string
	// Describe is empty for a client that asks once and wants a file.
	Describe string
	Play     string
	// Plain: the client does not speak MMSH and is to get raw ASF.
	Plain bool
	// SameConn: the Play may follow the Describe on its connection.
	SameConn bool
	// Switch: the client follows $E(1) $C $H to another header.
	Switch bool
}

// Requests to the letter, odd spellings and trailing blanks included; all but
// those of libmms, Windows Media Player and the Windows download reader were
// recorded from the programs themselves.
const (
	ffmpegDescribe = "GET {path} HTTP/1.1\r\n" +
		"Range: bytes=0-\r\n" +
		"Icy-MetaData: 1\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/4.1.0.3856\r\n" +
		"Host: {host}\r\n" +
		"Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n" +
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\n" +
		"Connection: Close\r\n\r\n"

	// The last Pragma line lacks its end of line: a fault of ffmpeg's.
	ffmpegPlay = "GET {path} HTTP/1.1\r\n" +
		"Range: bytes=0-\r\n" +
		"Connection: close\r\n" +
		"Icy-MetaData: 1\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/4.1.0.3856\r\n" +
		"Host: {host}\r\n" +
		"Pragma: no-cache,rate=1.000000,request-context=2\r\n" +
		"Pragma: xPlayStrm=1\r\n" +
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\n" +
		"Pragma: stream-switch-count=2\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 ffff:2:0 \r\n" +
		"Pragma: no-cache,rate=1.000000,stream-time=0Connection: Close\r\n\r\n"

	vlcDescribe = "GET {path} HTTP/1.0\r\n" +
		"Host: {host}\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/7.10.0.3059\r\n" +
		"Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n" +
		"Pragma: xClientGUID={0xbabac001-0xde29-0x5150-0x519ce2ec8b030018}\r\n" +
		"Connection: Close\r\n\r\n"

	vlcPlay = "GET {path} HTTP/1.0\r\n" +
		"Host: {host}\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/7.10.0.3059\r\n" +
		"Pragma: no-cache,rate=1.000000,request-context=2\r\n" +
		"Pragma: xPlayStrm=1\r\n" +
		"Pragma: xClientGUID={0xbabac001-0xde29-0x5150-0x519ce2ec8b030018}\r\n" +
		"Pragma: stream-switch-count=2\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 ffff:2:0 \r\n" +
		"Connection: Close\r\n\r\n"

	mplayerDescribe = "GET {path} HTTP/1.0\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/4.1.0.3856\r\n" +
		"Host: {host}\r\n" +
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\n" +
		"Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n" +
		"Connection: Close\r\n\r\n"

	mplayerPlay = "GET {path} HTTP/1.0\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/4.1.0.3856\r\n" +
		"Host: {host}\r\n" +
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\n" +
		"Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=2,max-duration=0\r\n" +
		"Pragma: xPlayStrm=1\r\n" +
		"Pragma: stream-switch-entry=ffff:2:0 ffff:1:0\r\n" +
		"Pragma: stream-switch-count=2\r\n" +
		"Connection: Close\r\n\r\n"

	libmmsDescribe = "GET {path} HTTP/1.0\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/4.1.0.3856\r\n" +
		"Host: {host}\r\n" +
		"Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n" +
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\n" +
		"Connection: Close\r\n\r\n"

	libmmsPlay = "GET {path} HTTP/1.0\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/4.1.0.3856\r\n" +
		"Host: {host}\r\n" +
		"Pragma: no-cache,rate=1.000000,request-context=2\r\n" +
		"Pragma: xPlayStrm=1\r\n" +
		"Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\n" +
		"Pragma: stream-switch-count=3\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 ffff:2:0 ffff:4:2 \r\n" +
		"Connection: Close\r\n\r\n"

	wmpHead = "GET {path} HTTP/1.1\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/12.0.7680.0\r\n" +
		"Host: {host}\r\n" +
		"X-Accept-Authentication: Negotiate, NTLM, Digest, Basic\r\n" +
		"Pragma: version11-enabled=1\r\n"

	wmpTail = "Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch, com.microsoft.wm.predstrm, com.microsoft.wm.startupprofile\r\n" +
		"Pragma: xClientGUID={52CB2BDB-6925-4E19-8D1D-62D10E9E2705}\r\n" +
		"Accept-Language: en-US, *;q=0.1\r\n\r\n"

	wmpDescribe = wmpHead +
		"Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=0:0,packet-num=4294967295,max-duration=0\r\n" +
		"Pragma: packet-pair-experiment=1\r\n" +
		"Pragma: pipeline-experiment=1\r\n" + wmpTail

	wmpPlay = wmpHead +
		"Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=4294967295:4294967295,packet-num=4294967295,max-duration=0\r\n" +
		"Pragma: xPlayStrm=1\r\n" +
		"Pragma: client-id={id}\r\n" +
		"Pragma: LinkBW=2147483647, AccelBW=2147483647, AccelDuration=18000\r\n" +
		"Pragma: playlist-seek-id=1\r\n" +
		"Pragma: stream-switch-count=2\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 ffff:2:0\r\n" + wmpTail

	// Windows' plain HTTP download says NSPlayer and means a file.
	downloadGet = "GET {path} HTTP/1.1\r\n" +
		"Accept: */*\r\n" +
		"User-Agent: NSPlayer/12.00.26100.7813 WMFSDK/12.00.26100.7813\r\n" +
		"GetContentFeatures.DLNA.ORG: 1\r\n" +
		"Accept-Encoding: gzip, deflate\r\n" +
		"Host: {host}\r\n" +
		"Connection: Keep-Alive\r\n\r\n"

	// A radio program that plays without asking first.
	playOnlyGet = "GET {path} HTTP/1.0\r\n" +
		"Host: {host}\r\n" +
		"User-Agent: NSPlayer/4.1.0.3856\r\n" +
		"Pragma: xPlayStrm=1\r\n" +
		"Pragma: stream-switch-count=2\r\n" +
		"Pragma: stream-switch-entry=ffff:1:0 ffff:2:0\r\n\r\n"

	curlGet = "GET {path} HTTP/1.1\r\n" +
		"Host: {host}\r\n" +
		"User-Agent: curl/7.88.1\r\n" +
		"Accept: */*\r\n\r\n"

	browserGet = "GET {path} HTTP/1.1\r\n" +
		"Host: {host}\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
		"Accept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate\r\n" +
		"Connection: keep-alive\r\n\r\n"
)

// FFmpeg is ffmpeg 5.1 on an mmsh:// URL.
func FFmpeg() Client { return Client{Name: "ffmpeg", Describe: ffmpegDescribe, Play: ffmpegPlay} }

// VLC is VLC 3.0 on an mms:// or mmsh:// URL.
func VLC() Client { return Client{Name: "vlc", Describe: vlcDescribe, Play: vlcPlay} }

// MPlayer is MPlayer on an mms:// URL.
func MPlayer() Client {
	return Client{Name: "mplayer", Describe: mplayerDescribe, Play: mplayerPlay}
}

// Libmms is the library libmms 0.6, from its sources.
func Libmms() Client { return Client{Name: "libmms", Describe: libmmsDescribe, Play: libmmsPlay} }

// WMP12 is Windows Media Player 12, from the specification's examples.
func WMP12() Client {
	return Client{Name: "wmp12", Describe: wmpDescribe, Play: wmpPlay, SameConn: true, Switch: true}
}

// PlayOnly is a program that plays without a Describe before.
func PlayOnly() Client { return Client{Name: "play-only", Play: playOnlyGet} }

// Curl is curl, and near enough to every program that wants a file.
func Curl() Client { return Client{Name: "curl", Play: curlGet, Plain: true} }

// Browser is Firefox.
func Browser() Client { return Client{Name: "browser", Play: browserGet, Plain: true} }

// Download is the file reader of Windows, which calls itself NSPlayer.
func Download() Client { return Client{Name: "wmf-download", Play: downloadGet, Plain: true} }

// Clients are all of them.
func Clients() []Client {
	return []Client{FFmpeg(), VLC(), MPlayer(), Libmms(), WMP12(), PlayOnly(), Curl(), Browser(), Download()}
}

// AppendDescribe appends the client's Describe request.
func (c Client) AppendDescribe(dst []byte, path, host string) []byte {
	return appendRequest(dst, c.Describe, path, host, 0)
}

// AppendPlay appends the client's Play request, or its only one. id is what
// the Describe was answered with.
func (c Client) AppendPlay(dst []byte, path, host string, id uint32) []byte {
	return appendRequest(dst, c.Play, path, host, id)
}

func appendRequest(dst []byte, text, path, host string, id uint32) []byte {
	r := strings.NewReplacer("{path}", path, "{host}", host, "{id}", strconv.FormatUint(uint64(id), 10))
	return append(dst, r.Replace(text)...)
}
