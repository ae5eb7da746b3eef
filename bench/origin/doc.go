// Package origin gives one encoder's stream to servers of other protocols than
// the pump's, so that they carry the same bytes: as a body that they fetch over
// HTTP, or as a body that is sent to them.
//
//	live ──packet──► origin ──HTTP──► Cubemap (Metacube), VLC (plain ASF)
//	                        └──SOURCE──► Icecast (plain ASF)
//
// The stream is always the same: the header, and full-size data packets behind
// it. A server that connects late, or again, gets the header and goes on at the
// next packet that starts a key frame.
package origin
