package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"streampump/access"
	"streampump/cmd/internal/cli"
	"streampump/codec/http1"
)

func newTokenCommand(e env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, explain or verify a token for a stream's address",
		Long: `Make, explain or verify a token: a text in a stream's address (?token=…) that lets
its bearer view the stream, or publish it, until it expires. It is signed with a key
from "token_keys" of the configuration.`,
		Example: `  stream-pump token make pump.json news --for 6h --client anna
  stream-pump token explain < token.txt`,
		Args: cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &cli.UsageError{Cmd: cmd, Err: errors.New("make, explain or verify is missing")}
		},
	}
	cmd.AddCommand(newTokenMakeCommand(e), newTokenExplainCommand(e), newTokenVerifyCommand(e))
	return cmd
}

// tokenFlags are the options of token make and token verify.
type tokenFlags struct {
	publish              bool
	key, client, network string
	life                 time.Duration
	address              string
}

func (f tokenFlags) role() access.Role {
	if f.publish {
		return access.Publish
	}
	return access.View
}

func newTokenMakeCommand(e env) *cobra.Command {
	f := tokenFlags{life: time.Hour}
	cmd := &cobra.Command{
		Use:   "make CONFIG STREAM",
		Short: "Make a token",
		Long: `Make a token for a stream of a configuration and print it. It goes to the end of the
stream's address: mms://pump.example:8086/streams/news?token=…`,
		Example: `  stream-pump token make pump.json news
  stream-pump token make pump.json news --for 6h --client anna --network 192.0.2.0/24
  stream-pump token make pump.json news --publish --for 720h`,
		Args: cli.Arguments("CONFIG", "STREAM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := f.token(args[1], time.Now())
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			keys, err := e.tokenKeys(args[0], args[1], f.role())
			if err != nil {
				return err
			}
			key, err := f.choose(keys)
			if err != nil {
				return err
			}
			t.Key = key.ID
			_, err = fmt.Fprintln(e.stdout, t.Text(key.Secret))
			return err
		},
	}
	cmd.Flags().BoolVar(&f.publish, "publish", false, "to publish the stream, not to view it")
	cmd.Flags().StringVar(&f.key, "key", "", "id of the key to sign with (default: the first)")
	cmd.Flags().DurationVar(&f.life, "for", f.life, "how long it is good, as in 90m or 24h")
	cmd.Flags().StringVar(&f.client, "client", "", "an id of the one it is for, which the log shows")
	cmd.Flags().StringVar(&f.network, "network", "", "the network, or address, that it may be used from")
	return cmd
}

// token is the token that the options ask for, without its key.
func (f tokenFlags) token(stream string, now time.Time) (t access.Token, err error) {
	t = access.Token{Role: f.role(), Stream: stream, Client: f.client, Expires: now.Add(f.life)}
	if f.life <= 0 {
		return t, errors.New("--for takes a time above 0, as in 90m or 24h")
	}
	if err := access.CheckClient(f.client); err != nil {
		return t, fmt.Errorf("--client: %w", err)
	}
	if f.network != "" {
		if t.Network, err = access.ParseNetwork(f.network); err != nil {
			return t, fmt.Errorf("--network: %w", err)
		}
	}
	return t, nil
}

// choose finds the key to sign with.
func (f tokenFlags) choose(keys []access.Key) (access.Key, error) {
	if f.key == "" {
		return keys[0], nil
	}
	var ids []string
	for _, k := range keys {
		if k.ID == f.key {
			return k, nil
		}
		ids = append(ids, k.ID)
	}
	return access.Key{}, fmt.Errorf("there is no key %q here; there are %s", f.key, strings.Join(ids, ", "))
}

// tokenKeys are the keys that a configuration has for a stream. What else may be odd
// about it, or keep one of its streams from running, is for check to say.
func (e env) tokenKeys(path, stream string, role access.Role) ([]access.Key, error) {
	c, problems := e.read(path)
	if c == nil {
		e.print(problems)
		return nil, e.refuse(path, problems)
	}
	known := false
	for _, s := range c.Streams {
		known = known || strings.EqualFold(s.Path, stream)
	}
	keys := c.Access.Rules(role, stream).Keys
	switch {
	case !known:
		return nil, fmt.Errorf("%s has no stream %q", configName(path), stream)
	case len(keys) == 0:
		return nil, fmt.Errorf(`%s has no "token_keys" in the group %q that holds for the stream %q`, configName(path), role, stream)
	}
	return keys, nil
}

func newTokenExplainCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "explain",
		Short: "Say what is in a token",
		Long: `Say what is in a token, which is asked for on the terminal or read from standard
input, and may be a whole address. Whether its signature is right, only token verify
can tell.`,
		Example: `  stream-pump token explain < token.txt`,
		Args:    cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := e.readToken(cmd.Context())
			if err != nil {
				return err
			}
			t, err := access.ParseToken(text)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(e.stdout, explain(t, time.Now()))
			return err
		},
	}
}

// readToken reads a token, or the address that it is in.
func (e env) readToken(ctx context.Context) (string, error) {
	text, err := e.secrets(ctx).read("Token, or address with it")
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && u.Scheme != "" && u.Host != "" {
		if text = http1.Token(u.RawQuery); text == "" {
			return "", errors.New("the address has no ?token=")
		}
	}
	return text, nil
}

// explain is what a token says, a line for each field.
func explain(t access.Token, now time.Time) string {
	client, network := t.Client, "anywhere"
	if client == "" {
		client = "nobody in particular"
	}
	if t.Network.IsValid() {
		network = t.Network.String()
	}
	when := "in " + t.Expires.Sub(now).Round(time.Second).String()
	if !now.Before(t.Expires) {
		when = now.Sub(t.Expires).Round(time.Second).String() + " ago"
	}
	return fmt.Sprintf("to        %s\nstream    %s\nkey       %s\nexpires   %s (%s)\nclient    %s\nfrom      %s\n",
		t.Role, t.Stream, t.Key, t.Expires.Format(time.RFC3339), when, client, network)
}

func newTokenVerifyCommand(e env) *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "verify CONFIG STREAM",
		Short: "Say whether a token is good for a stream, and if not, why",
		Long: `Say whether the pump would take a token for a stream of a configuration, and if not,
why: it has expired, is for another stream or network, or is forged. The token is
asked for on the terminal or read from standard input, and may be a whole address.
The exit code is 0 if it is good and 1 if not.`,
		Example: `  stream-pump token verify pump.json news < token.txt
  stream-pump token verify pump.json news --address 192.0.2.7 < token.txt`,
		Args: cli.Arguments("CONFIG", "STREAM"),
		RunE: func(cmd *cobra.Command, args []string) error {
			peer, err := f.peer()
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			if args[0] == stdinName {
				return &cli.UsageError{Cmd: cmd, Err: errors.New("the configuration cannot come from standard input: the token does")}
			}
			keys, err := e.tokenKeys(args[0], args[1], f.role())
			if err != nil {
				return err
			}
			text, err := e.readToken(cmd.Context())
			if err != nil {
				return err
			}
			if !peer.IsValid() {
				if t, err := access.ParseToken(text); err == nil && t.Network.IsValid() {
					peer = t.Network.Addr() // whoever has it is taken to be where it is for
				}
			}
			now := time.Now()
			t, err := access.VerifyToken(text, keys, f.role(), args[1], peer, now)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(e.stdout, "the token is good\n"+explain(t, now))
			return err
		},
	}
	cmd.Flags().BoolVar(&f.publish, "publish", false, "to publish the stream, not to view it")
	cmd.Flags().StringVar(&f.address, "address", "", "the IP address that it comes from (default: one that it is for)")
	return cmd
}

// peer is the address that a token is taken to come from; not valid if none is given.
func (f tokenFlags) peer() (netip.Addr, error) {
	if f.address == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(f.address)
	if err != nil {
		return a, fmt.Errorf("--address %q is not an IP address", f.address)
	}
	return a.Unmap(), nil
}
