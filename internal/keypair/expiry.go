package keypair

import "time"

// noticeTime is how long before its end a certificate is spoken of. One that lives for a
// short time is in its last third: two thirds are when CAs ask for it to be renewed.
const noticeTime = 14 * 24 * time.Hour

// EndsSoon reports whether a certificate that is good between two times is so near its
// end, or past it, that its holder must be told.
func EndsSoon(notBefore, notAfter, now time.Time) bool {
	return notAfter.Sub(now) < min(noticeTime, notAfter.Sub(notBefore)/3)
}
