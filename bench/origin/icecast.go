package origin

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Login is what a source client says who it is.
type Login struct{ User, Password string }

// Send sends a stream to an Icecast server, as its source clients do, until ctx
// or the source ends; neither is an error.
func Send(ctx context.Context, addr, mount string, login Login, source Source) error {
	c, err := (&net.Dialer{Timeout: writeTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("no connection for the source: %w", err)
	}
	defer c.Close()
	// Whatever waits on it fails then.
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err = offer(c, mount, login); err == nil {
		err = pour(ctx, c, source)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// offer announces the stream and reads whether it is welcome.
func offer(c net.Conn, mount string, login Login) error {
	_ = c.SetDeadline(time.Now().Add(writeTimeout)) // one that fails fails below
	auth := base64.StdEncoding.EncodeToString([]byte(login.User + ":" + login.Password))
	if _, err := fmt.Fprintf(c, "SOURCE %s HTTP/1.0\r\nAuthorization: Basic %s\r\nContent-Type: video/x-ms-asf\r\nIce-Public: 0\r\n\r\n", mount, auth); err != nil {
		return fmt.Errorf("announcing the source: %w", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return fmt.Errorf("the answer to a source: %w", err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the source is answered with %s", answer.Status)
	}
	return nil
}

// pour sends the header and the packets.
func pour(ctx context.Context, c net.Conn, source Source) error {
	next := source.Header()
	for {
		_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.Write(next); err != nil {
			return fmt.Errorf("sending the stream: %w", err)
		}
		var err error
		next, _, err = source.Next()
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
