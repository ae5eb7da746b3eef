package player

import (
	"fmt"
	"strconv"
	"strings"

	"streampump/bench/answer"
)

// The media types of answers to MMSH players [MS-WMSP] 2.2.1.2, and of raw ASF.
const (
	typeDescribe = "application/vnd.ms.wms-hdr.asfv1"
	typePlay     = "application/x-mms-framed"
	typePlain    = "video/x-ms-asf"
)

// clientID is the client-id of an answer [MS-WMSP] 2.2.1.4.5.
func clientID(h *answer.Head) (uint32, error) {
	text, ok := h.Pragma("client-id")
	id, err := strconv.ParseUint(text, 10, 32)
	if !ok || err != nil {
		return 0, fmt.Errorf("the answer's client-id is %q and not a number of 32 bits", text)
	}
	return uint32(id), nil
}

// CheckDescribe judges the head of the answer to a Describe [MS-WMSP] 2.2.2.1
// by what the known players need of it.
func CheckDescribe(h *answer.Head) error {
	if err := checkMMSH(h, typeDescribe); err != nil {
		return err
	}
	if _, ok := h.ContentLength(); !ok {
		return fmt.Errorf("a Describe is answered without Content-Length; Media Foundation refuses it")
	}
	return nil
}

// CheckPlay judges the head of the answer to a Play [MS-WMSP] 2.2.2.6.
func CheckPlay(h *answer.Head) error {
	if err := checkMMSH(h, typePlay); err != nil {
		return err
	}
	return checkEndless(h)
}

// CheckPlain judges the head of the answer to a client that wants a file.
func CheckPlain(h *answer.Head) error {
	if h.Status != 200 {
		return fmt.Errorf("the answer is %s", h)
	}
	if h.Get("Content-Type") != typePlain {
		return fmt.Errorf("the media type of raw ASF is %q", h.Get("Content-Type"))
	}
	return checkEndless(h)
}

func checkEndless(h *answer.Head) error {
	if h.Has("Content-Length") || h.Has("Transfer-Encoding") {
		return fmt.Errorf("a body without an end is announced with Content-Length or Transfer-Encoding")
	}
	if !strings.EqualFold(h.Get("Connection"), "close") {
		return fmt.Errorf("a body that ends with its connection is announced with Connection %q", h.Get("Connection"))
	}
	return nil
}

func checkMMSH(h *answer.Head, mediaType string) error {
	features, _ := h.Pragma("features")
	_, noCache := h.Pragma("no-cache")
	_, idErr := clientID(h)
	server := h.Get("Server")
	switch {
	case h.Status != 200:
		return fmt.Errorf("the answer is %s", h)
	case h.Reason == "":
		return fmt.Errorf("the status line has no reason phrase; libmms does not match it")
	case !strings.HasPrefix(server, "Rex/") && !strings.HasPrefix(server, "Cougar/"):
		return fmt.Errorf("the server is %q; Windows Media Player wants Rex or Cougar", server)
	case h.Get("Content-Type") != mediaType:
		return fmt.Errorf("the media type is %q and not %q", h.Get("Content-Type"), mediaType)
	case h.Has("Transfer-Encoding"):
		return fmt.Errorf("the body is in a transfer encoding; VLC, MPlayer and libmms read it as it comes")
	case h.Has("Location"):
		return fmt.Errorf("the answer has a Location; libmms fails on it")
	case !noCache || idErr != nil:
		return fmt.Errorf("the answer's Pragma lacks no-cache or client-id")
	case features != "broadcast" && !strings.HasPrefix(features, "broadcast,"):
		return fmt.Errorf("the features are %q; MPlayer looks for broadcast in the first place", features)
	case strings.Contains(features, "seekable"):
		return fmt.Errorf("the features are %q; players would seek", features)
	}
	return nil
}
