package http1

import "strconv"

// AppendStatus appends a status line. proto is "HTTP/1.0" or the like; the
// reason is never empty, because libmms takes no line without one.
func AppendStatus(dst []byte, proto string, status int) []byte {
	dst = append(dst, proto...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, Reason(status)...)
	return append(dst, "\r\n"...)
}

// AppendField appends one header field, spelled exactly like this: encoders compare
// names by case. The value must be ours or checked; it is not escaped.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// AppendInt appends one header field with a number.
func AppendInt(dst []byte, name string, value int64) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, "\r\n"...)
}

// AppendBlank ends a head.
func AppendBlank(dst []byte) []byte { return append(dst, "\r\n"...) }

// AppendContinue appends the whole interim answer that lets a peer go on with
// the body of its request (RFC 9110, 15.2.1).
func AppendContinue(dst []byte, proto string) []byte {
	return AppendBlank(AppendStatus(dst, proto, 100))
}

// Reason is the phrase that goes with a status.
func Reason(status int) string {
	switch status {
	case 100:
		return "Continue"
	case 200:
		return "OK"
	case 204:
		return "No Content"
	case 302:
		return "Found"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 409:
		return "Conflict"
	case 410:
		return "Gone"
	case 411:
		return "Length Required"
	case 413:
		return "Content Too Large"
	case 415:
		return "Unsupported Media Type"
	case 422:
		return "Unprocessable Content"
	case 429:
		return "Too Many Requests"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case 505:
		return "HTTP Version Not Supported"
	default:
		return "Status " + strconv.Itoa(status)
	}
}
