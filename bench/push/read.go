package push

import (
	"io"

	"streampump/bench/answer"
)

const (
	// maxAnswers is how many answers may wait to be taken: a client has one
	// request under way and perhaps an early error.
	maxAnswers = 4
	// maxText bounds the body of an answer: a sentence.
	maxText = 64 << 10
)

// read reads answers until the connection or its answers end. It runs on a
// goroutine of its own and touches nothing but the connection and the channel.
func (c *Client) read() {
	var rest []byte
	for {
		r := readReply(c.conn, &rest)
		select {
		case c.answers <- r:
		default:
			// Nobody takes them; what is lost is behind maxAnswers others.
			return
		}
		if r.err != nil {
			return
		}
	}
}

// readReply reads one answer with its body. rest is what was read and not used.
func readReply(conn io.Reader, rest *[]byte) reply {
	held := &bytesThen{*rest, conn}
	head, behind, err := answer.Read(held)
	if err != nil {
		return reply{err: err}
	}
	all := &bytesThen{append(behind, held.first...), conn}
	size := int64(0) // of a 204, which says no length
	if n, ok := head.ContentLength(); ok {
		size = min(n, maxText)
	} else if head.Status != 204 {
		size = maxText // to the connection's end
	}
	// A text that is cut short is worth less than the status before it.
	body, _ := io.ReadAll(io.LimitReader(all, size))
	*rest = all.first
	return reply{head: head, body: body}
}

// bytesThen reads the first bytes and then from r.
type bytesThen struct {
	first []byte
	r     io.Reader
}

// Read never mixes the two in one call.
func (b *bytesThen) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.r.Read(p)
}
