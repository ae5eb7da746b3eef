package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"streampump/access"
	"streampump/cmd/internal/cli"
)

// The kinds of password that passwd makes.
const (
	kindDigest = "digest" // both of the next two
	kindMD5    = "md5"
	kindSHA256 = "sha256"
	kindBasic  = "basic"
)

func newPasswdCommand(e env) *cobra.Command {
	kind, realm := kindDigest, access.DefaultRealm
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Make the lines of an account from a password",
		Long: `Make the lines of an account, for "users" or a "users_file" in the groups publish
and view of a configuration. The password is asked for on the terminal, or read
from standard input; what is printed is not the password.

With --kind digest, the default, these are two lines for Digest, for programs that
know MD5 only and for those that know SHA-256. A password for Digest does not travel
in clear text, but these lines are as good as the password to whoever reads them.
With --kind md5 or sha256 it is one of the two. With --kind basic it is a line with
an argon2id hash, for programs that know Basic only; then it is the other way round.`,
		Example: `  stream-pump passwd encoder1 >> encoders.txt
  stream-pump passwd anna --kind basic < password.txt`,
		Args: cli.Arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lines, err := accountLines(kind)
			if err == nil {
				err = access.CheckName(args[0])
			}
			if err == nil {
				err = access.CheckRealm(realm)
			}
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			password, err := e.newPassword(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			for _, line := range lines {
				if _, err := fmt.Fprintln(e.stdout, line(args[0], realm, password)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&kind, "kind", "k", kind, "digest, md5, sha256 or basic")
	cmd.Flags().StringVarP(&realm, "realm", "r", realm, "what peers are shown beside the question for the password; all accounts of a group for Digest have the same")
	return cmd
}

// accountLine makes one line of an account.
type accountLine func(name, realm, password string) string

// accountLines are the lines of a kind.
func accountLines(kind string) ([]accountLine, error) {
	md5 := func(name, realm, password string) string {
		return access.NewDigest(access.DigestMD5, name, realm, password)
	}
	sha256 := func(name, realm, password string) string {
		return access.NewDigest(access.DigestSHA256, name, realm, password)
	}
	basic := func(name, _, password string) string { return access.NewArgon2id(name, password) }
	switch kind {
	case kindDigest:
		return []accountLine{md5, sha256}, nil
	case kindMD5:
		return []accountLine{md5}, nil
	case kindSHA256:
		return []accountLine{sha256}, nil
	case kindBasic:
		return []accountLine{basic}, nil
	}
	return nil, fmt.Errorf("--kind %q is none of digest, md5, sha256 and basic", kind)
}

// newPassword asks for a password, twice on a terminal.
func (e env) newPassword(ctx context.Context, name string) (string, error) {
	in := e.secrets(ctx)
	password, err := in.read("Password for " + name)
	switch {
	case err != nil:
		return "", err
	case password == "":
		return "", errors.New("the password is empty")
	case in.lines != nil:
		return password, nil
	}
	again, err := in.read("The same again")
	if err == nil && again != password {
		err = errors.New("the two are not the same")
	}
	return password, err
}
