package config

import (
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"streampump/access"
)

// The groups of access rules, at the top of the file and in a stream.
const (
	publishGroup = "publish"
	viewGroup    = "view"
)

// accessTable is a group of rules; in is what it is in, "" or a stream's table.
func accessTable(group, in string) table {
	t := table{name: in + group, keys: []string{"networks", "trusted_networks", "users", "users_file", "token_keys"}}
	if group == viewGroup {
		t.keys = append(t.keys, "callback", "pump_clients")
	}
	return t
}

// callbackTable is how a web site is asked about viewers.
func callbackTable() table {
	return table{name: "callback", keys: []string{"url", "timeout", "when_down"}}
}

// tokenKeyTable is an element of a group's token_keys.
func tokenKeyTable() table {
	return table{name: "token_keys[]", keys: []string{"id", "secret", "secret_file"}}
}

// accessTables are all kinds of object that access rules are made of.
func accessTables() []table {
	in := streamTable().name + "."
	return []table{
		accessTable(publishGroup, ""), accessTable(viewGroup, ""),
		accessTable(publishGroup, in), accessTable(viewGroup, in),
		tokenKeyTable(), callbackTable(),
	}
}

// A question must be over before the player that waits for it is told that it was not
// (timeouts.request).
const (
	defaultCallback = 3 * time.Second
	maxCallback     = 5 * time.Second
)

const (
	maxTokenKeys  = 8       // two are needed to change one; a few front ends may have their own
	maxSecretFile = 4 << 10 // of one key
	maxUsersFile  = 4 << 20 // some ten thousand accounts
	maxUsers      = 1 << 16 // in one group
	maxNetworks   = 1 << 10 // each is looked at for each request
	everybodyRead = 0o004   // the permission
)

// access reads the rules that hold for streams without rules of their own.
func (w *walker) access(root object, c *Config) {
	for _, a := range c.Listen {
		w.clear = w.clear || !a.Addr().IsLoopback()
	}
	if n, ok := root.get(publishGroup); ok {
		c.Access.Default[access.Publish], _ = w.rules(n, accessTable(publishGroup, ""), true)
	}
	if n, ok := root.get(viewGroup); ok {
		c.Access.Default[access.View], _ = w.rules(n, accessTable(viewGroup, ""), true)
	}
}

// streamAccess reads a stream's own rules. The files of a stream that is not enabled
// are not opened.
func (w *walker) streamAccess(o object, s *Stream) {
	in := streamTable().name + "."
	if n, ok := o.get(publishGroup); ok {
		if r, ok := w.rules(n, accessTable(publishGroup, in), s.Enabled); ok {
			s.Access.Publish = &r
		}
		if s.Type != "" && !s.Type.Pushed() {
			w.warn(n, "no encoder can publish a stream of type %s, whatever the rules", s.Type)
		}
	}
	if n, ok := o.get(viewGroup); ok {
		if r, ok := w.rules(n, accessTable(viewGroup, in), s.Enabled); ok {
			s.Access.View = &r
		}
	}
}

// enterAccess notes a stream's own rules where they are looked for.
func (c *Config) enterAccess(s Stream) {
	if !s.Enabled || s.Access == (access.StreamRules{}) {
		return
	}
	if c.Access.Streams == nil {
		c.Access.Streams = map[string]access.StreamRules{}
	}
	c.Access.Streams[strings.ToLower(s.Path)] = s.Access
}

// rules reads one group. Files are opened only if open is set.
func (w *walker) rules(n node, t table, open bool) (r access.Rules, ok bool) {
	o, ok := w.object(n, t)
	if !ok {
		return r, false
	}
	if v, ok := o.get("networks"); ok {
		r.Networks = w.networks(v)
	}
	if v, ok := o.get("trusted_networks"); ok {
		r.Trusted = w.networks(v)
	}
	u := users{walker: w, seen: map[string]bool{}}
	if v, ok := o.get("users"); ok {
		u.list(v)
	}
	if v, ok := o.get("users_file"); ok && literal(v) != "" {
		u.file(v, open)
	}
	r.Accounts = u.accounts
	if v, ok := o.get("token_keys"); ok {
		r.Keys = w.tokenKeys(v, open)
	}
	if v, ok := o.get("callback"); ok {
		r.Callback = w.callback(v)
		if open {
			w.callbacks++
		}
	}
	if v, ok := o.get("pump_clients"); ok {
		r.Pumps = w.clients(v)
	}
	for i := range r.Accounts {
		if w.clear && r.Accounts[i].Kind == access.Argon2id {
			w.warn(n, "the passwords of accounts with argon2id travel in clear text (Basic) where a peer connects without TLS, and whoever is on the way can read them; those of accounts for Digest do not")
			break
		}
	}
	return r, true
}

// networks reads a list of networks.
func (w *walker) networks(n node) (out []netip.Prefix) {
	elements, _ := w.several(n)
	if len(elements) > maxNetworks {
		w.fail(n, "there are %d networks, and at most %d can be given", len(elements), maxNetworks)
		return nil
	}
	for _, e := range elements {
		if p, ok := w.network(e); ok {
			out = append(out, p)
		}
	}
	return out
}

// network reads one network, or an address alone.
func (w *walker) network(n node) (p netip.Prefix, ok bool) {
	s, ok := w.filled(n)
	if !ok {
		return p, false
	}
	p, err := access.ParseNetwork(s)
	if err != nil {
		w.fail(n, "%v", err)
	}
	return p, err == nil
}

// users gathers the accounts of one group.
type users struct {
	*walker
	accounts []access.Account
	seen     map[string]bool
	realm    string
}

// list reads accounts that are in the configuration itself.
func (u *users) list(n node) {
	elements, _ := u.several(n)
	for _, e := range elements {
		line, ok := u.filled(e)
		if !ok {
			continue
		}
		u.inline = append(u.inline, e)
		if err := u.add(line); err != nil {
			u.fail(e, "%v", err)
		}
	}
}

// file reads accounts from a file, one a line; empty lines and those that begin with
// # are passed over.
func (u *users) file(n node, open bool) {
	path, ok := u.walker.file(n)
	if !ok || !open {
		return
	}
	text, err := u.secretFile(n, path, maxUsersFile)
	if err != nil {
		u.fail(n, "the file %s %v", quote(path), err)
		return
	}
	number, before := 0, len(u.accounts)
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := u.add(line); err != nil {
			u.fail(n, "the file %s, line %d: %v", quote(path), number, err)
			before = -1
		}
	}
	if len(u.accounts) == before {
		u.fail(n, "the file %s has no accounts, so that it would keep nobody out", quote(path))
	}
}

// add takes one account's line.
func (u *users) add(line string) error {
	a, err := access.ParseAccount(line)
	if err != nil {
		return err
	}
	key := fmt.Sprint(a.Kind, a.Name)
	switch {
	case u.seen[key]:
		return fmt.Errorf("the account %s has a password for %s already", quote(a.Name), a.Kind)
	case a.Realm != "" && u.realm != "" && a.Realm != u.realm:
		return fmt.Errorf("the realm %s of the account %s is not that of the others, %s: a peer is told one only", quote(a.Realm), quote(a.Name), quote(u.realm))
	case len(u.accounts) == maxUsers:
		return fmt.Errorf("there are more than %d accounts", maxUsers)
	}
	if a.Realm != "" {
		u.realm = a.Realm
	}
	u.seen[key] = true
	u.accounts = append(u.accounts, a)
	return nil
}

// tokenKeys reads the keys that tokens may be signed with.
func (w *walker) tokenKeys(n node, open bool) (keys []access.Key) {
	elements, ok := w.list(n)
	if !ok {
		return nil
	}
	if len(elements) > maxTokenKeys {
		w.fail(n, "there are %d keys, and at most %d can be given: two are enough to change one", len(elements), maxTokenKeys)
	}
	seen := map[string]bool{}
	for _, e := range elements {
		k, ok := w.tokenKey(e, open)
		if !ok {
			continue
		}
		if seen[k.ID] {
			w.fail(e, "there are two keys with the id %s", quote(k.ID))
		}
		seen[k.ID] = true
		keys = append(keys, k)
	}
	return keys
}

// tokenKey reads one key.
func (w *walker) tokenKey(n node, open bool) (k access.Key, ok bool) {
	o, ok := w.object(n, tokenKeyTable())
	if !ok {
		return k, false
	}
	id, ok := o.get("id")
	if !ok {
		w.fail(n, `this key has no "id", which tokens name it by`)
		return k, false
	}
	if k.ID, ok = w.filled(id); !ok {
		return k, false
	}
	if err := access.CheckKeyID(k.ID); err != nil {
		w.fail(id, "%v", err)
		return k, false
	}
	inline, isInline := o.get("secret")
	file, isFile := o.get("secret_file")
	switch {
	case isInline == isFile:
		w.fail(n, `a key needs either "secret" or "secret_file"`)
		return k, false
	case isInline:
		text, ok := w.filled(inline)
		if !ok {
			return k, false
		}
		w.inline = append(w.inline, inline)
		return w.secret(inline, k, text)
	}
	path, ok := w.file(file)
	if !ok || !open {
		return k, ok
	}
	text, err := w.secretFile(file, path, maxSecretFile)
	if err != nil {
		w.fail(file, "the file %s %v", quote(path), err)
		return k, false
	}
	return w.secret(file, k, strings.TrimSpace(text))
}

// clients reads a list of client ids.
func (w *walker) clients(n node) (ids []string) {
	elements, _ := w.several(n)
	for _, e := range elements {
		s, ok := w.filled(e)
		if !ok {
			continue
		}
		if err := access.CheckClient(s); err != nil {
			w.fail(e, "%v", err)
			continue
		}
		ids = append(ids, s)
	}
	return ids
}

// callback reads how a web site is asked about viewers.
func (w *walker) callback(n node) *access.Callback {
	o, ok := w.object(n, callbackTable())
	if !ok {
		return nil
	}
	c := &access.Callback{Timeout: defaultCallback}
	if v, ok := o.get("url"); ok {
		c.URL = w.callbackURL(v)
	} else {
		w.fail(n, `this callback has no "url"`)
	}
	if v, ok := o.get("timeout"); ok {
		if d, ok := w.seconds(v, minTimer, maxCallback); ok {
			c.Timeout = d
		}
	}
	if v, ok := o.get("when_down"); ok {
		i, _ := w.choice(v, "refuse", "allow")
		c.AllowWhenDown = i == 1
	}
	return c
}

// callbackURL reads the address of a web site that is asked. It may have a secret in
// it, so no sentence shows it.
func (w *walker) callbackURL(n node) string {
	s, ok := w.filled(n)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || !hostPort(u.Host):
		w.fail(n, `this is not a web address that begins with "http://" or "https://" and a host`)
	case u.User != nil:
		w.fail(n, "a user name or password in this address is not sent; a key in its query is")
	}
	return s
}

// secret gives a key its secret, if that is long enough.
func (w *walker) secret(n node, k access.Key, text string) (access.Key, bool) {
	switch {
	case len(text) < access.MinSecret:
		w.fail(n, "the secret of the key %s has %d characters, and needs %d at least; make one with: openssl rand -base64 32", quote(k.ID), len(text), access.MinSecret)
		return k, false
	case len(text) < access.ShortSecret:
		w.warn(n, "the secret of the key %s has %d characters only, and whoever guesses it can make tokens; make one with: openssl rand -base64 32", quote(k.ID), len(text))
	}
	k.Secret = access.NewSecret(text)
	return k, true
}

// secretFile reads a file that holds secrets.
func (w *walker) secretFile(n node, path string, most int64) (string, error) {
	f, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && readable(st.Mode()) {
		w.warn(n, "the file %s holds secrets, and everybody on this machine may read it: chmod o-r", quote(path))
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return "", plain("cannot be read", err)
	case int64(len(text)) > most:
		return "", fmt.Errorf("is larger than %s", sizeText(most))
	}
	w.secrets = append(w.secrets, path)
	return string(text), nil
}

// readable reports whether everybody may read a file.
func readable(m fs.FileMode) bool { return m.Perm()&everybodyRead != 0 }

// openSecrets warns of secrets in a configuration that everybody may read.
func (w *walker) openSecrets(st os.FileInfo) {
	if st == nil || !readable(st.Mode()) {
		return
	}
	for _, n := range w.inline {
		w.warn(n, "this is secret, and everybody on this machine may read the configuration: chmod o-r, or use a file")
		return
	}
}
