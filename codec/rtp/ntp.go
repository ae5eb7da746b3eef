package rtp

import "time"

// epoch is how many seconds lie between the epochs of NTP, 1900, and Unix, 1970.
const epoch = 2208988800

// NTP is t as sender reports write it: seconds since 1900 in the upper half, their
// fraction in the lower (RFC 3550 4). The seconds wrap in 2036.
func NTP(t time.Time) uint64 {
	return uint64(t.Unix()+epoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// Time is the moment that a sender report means, in UTC to the nanosecond. Of the
// moments that the wrap makes possible it is the one from 1968 to 2104 (RFC 4330 3). A
// sender without a clock may send anything.
func Time(ntp uint64) time.Time {
	seconds := int64(ntp >> 32)
	if seconds < 1<<31 {
		seconds += 1 << 32
	}
	fraction := ntp & (1<<32 - 1)
	return time.Unix(seconds-epoch, int64((fraction*uint64(time.Second)+1<<31)>>32)).UTC()
}
