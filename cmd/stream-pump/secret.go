package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"streampump/cmd/internal/cli"
)

// Secrets come from the terminal, without being shown, or from standard input, and
// never from the command line: everybody on the machine can read that, and it stays
// in the shell's history.

// maxSecretLine is the longest line that is read as one.
const maxSecretLine = 4 << 10

// secretInput reads secrets, a line each.
type secretInput struct {
	env
	ctx   context.Context
	lines *bufio.Reader // nil: from the terminal
	fd    int
}

func (e env) secrets(ctx context.Context) *secretInput {
	in := &secretInput{env: e, ctx: ctx}
	if f, ok := e.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		in.fd = int(f.Fd())
	} else {
		in.lines = bufio.NewReaderSize(io.LimitReader(e.stdin, 2*maxSecretLine), maxSecretLine)
	}
	return in
}

// read reads one secret, on a terminal after a question.
func (in *secretInput) read(question string) (string, error) {
	if in.lines == nil {
		return in.fromTerminal(question)
	}
	line, err := in.lines.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("the line on standard input is longer than %d bytes", maxSecretLine)
	case err != nil && len(line) == 0:
		return "", errors.New("standard input is empty")
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// fromTerminal asks on the terminal. If the program is interrupted meanwhile, the
// terminal shows what is typed again.
func (in *secretInput) fromTerminal(question string) (string, error) {
	before, err := term.GetState(in.fd)
	if err != nil {
		return "", fmt.Errorf("the terminal cannot be asked: %w", err)
	}
	stop := context.AfterFunc(in.ctx, func() {
		_ = term.Restore(in.fd, before)
		fmt.Fprintln(in.stderr)
		in.exit(cli.ExitFailed)
	})
	defer stop()
	fmt.Fprint(in.stderr, question+": ")
	text, err := term.ReadPassword(in.fd)
	fmt.Fprintln(in.stderr)
	if err != nil {
		return "", fmt.Errorf("nothing was typed: %w", err)
	}
	return string(text), nil
}
