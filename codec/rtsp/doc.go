// Package rtsp speaks RTSP 1.0 (RFC 2326) with packets of RTP between its messages.
package rtsp
