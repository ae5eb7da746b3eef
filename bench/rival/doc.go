// Package rival knows how the servers are run that a pump is measured beside:
// the pump itself and its rivals, each with the settings it comes with.
//
//	name        gets the stream by                players speak
//	pump        a push, MMSH, RTSP or RTMP        what it came by
//	cubemap     fetching it, Metacube over HTTP   HTTP
//	icecast     a source client, ASF over HTTP    HTTP
//	vlc         fetching it, ASF over HTTP        MMSH
//	nginx       standing in front of a pump       MMSH over TLS
//	stunnel     standing in front of a pump       MMSH over TLS
//	mediamtx    a push, RTSP or RTMP              what it came by
//	go2rtc      a push, RTSP                      RTSP
//	lal         a push, RTSP                      RTSP
//	live555     fetching it from a pump, RTSP     RTSP
//	nginx-rtmp  a push, RTMP                      RTMP
//	srs         a push, RTMP                      RTMP
//
// A rival is somebody else's program that has to be installed; [Kind.Find] says
// where. Nothing is changed of how they work: only ports, limits on
// connections, logs and folders are set. Each run of a server is a process of
// its own on the cores it is given, in a folder of its own, on loopback.
package rival
