package rtsp

import (
	"errors"
	"fmt"

	"streampump/codec/http1"
)

// errorText is an error of a message, with its status.
func errorText(err error) string {
	var e *http1.Error
	if !errors.As(err, &e) {
		return "not an *http1.Error: " + err.Error()
	}
	return fmt.Sprintf("%d %v", e.Status, e)
}
