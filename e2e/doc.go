// Package e2e holds the end-to-end tests: the real program, real players and
// real sources, over real sockets. The tests have the build tag e2e (`make
// e2e`), because they take minutes and need programs that a Go installation
// does not have.
//
// What is here proves what no parser of ours can: that programs by others,
// which know nothing of each other, take what the pump sends.
//
//	footage ──push──┐                 ┌─► ffmpeg, VLC, MPlayer, mpv, GStreamer, libmms
//	VLC's server ◄──pull── pump ──────┤
//	clip.asf ──file─┘      ▲ └─pull─► pump ─► …
//	                       ├ bench/push, bench/player: what is compared bit by bit,
//	                       │ through proxies too, as docs/proxies.md sets them up
//	                       └ bench/attack: what one peer does beside healthy viewers, in a
//	                         process of its own (TestAttacks; docs/attacks.md)
//
//	ffmpeg, GStreamer, gortsplib ──push──► pump ──► the same, mpv, MPlayer (RTSP)
//	gortsplib's server ──pull, by UDP only──┘ └─pull─► pump ─► …
//	ffmpeg, GStreamer, librtmp, gortmplib ──push──► pump ──► the same, mpv, VLC, MPlayer,
//	                                                        rtmpdump (RTMP)
//	nginx, MediaMTX, ffmpeg ◄──pull── pump ─► …
//	bench/rtmpclient ──push──► pump ─► viewers whose every message is checked
//	bench/rtspclient ──push──► pump ─► viewers whose every packet is checked, over TCP and UDP
//
// A player passes if it decodes what it should and its output holds no
// complaint: for each there is a list of what counts as one, and a list, with
// reasons, of what it says on a good stream too.
//
// Rules:
//
//   - Three players at a time at most, and none beside what compares delays. They
//     are heavy, and a busy machine looks like a bad stream.
//   - Processes are started and ended by their PID.
//   - A missing program skips its tests; with STREAMPUMP_NOSKIP=1 it fails them.
//   - With STREAMPUMP_LONG=1 a viewer over RTSP stops for a minute too, as one over RTMP
//     always does, and an encoder is killed under a hundred of each player in turn.
package e2e
