// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gopkg.in/ini.v1"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// The environment variables of the SDK.
const (
	envAccess      = "HUAWEICLOUD_SDK_AK"
	envSecret      = "HUAWEICLOUD_SDK_SK"
	envToken       = "HUAWEICLOUD_SDK_SECURITY_TOKEN"
	envIDP         = "HUAWEICLOUD_SDK_IDP_ID"
	envIDTokenFile = "HUAWEICLOUD_SDK_ID_TOKEN_FILE"
	envProfile     = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
	envIAM         = "HUAWEICLOUD_SDK_IAM_ENDPOINT"
	envPodURI      = "HC_CONTAINER_CREDENTIALS_FULL_URI"
	envPodToken    = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

// errNothing says that a source has nothing to offer here at all, so that a
// chain goes on without a word.
var errNothing = errors.New("nothing there")

// newSource makes the source that the configuration names.
func newSource(c *config.Credentials, r *remote) (source, error) {
	switch c.Source {
	case config.SourceStatic:
		return &written{access: c.AccessKey, secret: c.SecretKey, token: c.SecurityToken, now: r.now, files: files{
			c.AccessKeyFile, c.SecretKeyFile, c.SecurityTokenFile,
		}}, nil
	case config.SourceEnvironment:
		return environment{r}, nil
	case config.SourceProfile:
		return &profile{remote: r, path: c.ProfileFile}, nil
	case config.SourceECSAgency:
		return agency{r}, nil
	case config.SourcePodIdentity:
		return podIdentity{r}, nil
	case config.SourceOIDC:
		return federation{r, c.IDPID, c.IDTokenFile}, nil
	case config.SourceChain, "":
		return &chain{sources: []named{
			{"environment", environment{r}},
			{"profile file", &profile{remote: r, path: c.ProfileFile}},
			{"ECS agency", agency{r}},
			{"pod identity", podIdentity{r}},
		}}, nil
	default:
		return nil, fmt.Errorf("credentials.source: unknown source %q", c.Source)
	}
}

// chain takes the first of its sources that has a key, and stays with it while
// it has one.
type chain struct {
	sources []named
	chosen  source
}

type named struct {
	name string
	source
}

func (c *chain) look() bool { return c.chosen != nil && c.chosen.look() }

func (c *chain) fetch(ctx context.Context) (*key, error) {
	if c.chosen != nil {
		if k, err := c.chosen.fetch(ctx); err == nil || ctx.Err() != nil {
			return k, err
		}
	}
	var faults []string
	for _, s := range c.sources {
		k, err := s.fetch(ctx)
		if err == nil {
			c.chosen = s.source
			return k, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		faults = append(faults, fmt.Sprintf("%s: %s", s.name, err))
	}
	return nil, errors.New(strings.Join(faults, "; "))
}

// files are the paths that a key is read from; "" is none.
type files []string

// stamps tells one state of the files from another, without reading them.
func (f files) stamps() string {
	var b strings.Builder
	for _, path := range f {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintf(&b, "%s;", err)
			continue
		}
		fmt.Fprintf(&b, "%d %d %s;", info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	return b.String()
}

// unsettled tells whether one of several files was written just now.
func (f files) unsettled(now time.Time) bool {
	n, fresh := 0, false
	for _, path := range f {
		if path == "" {
			continue
		}
		n++
		if info, err := os.Stat(path); err == nil {
			age := now.Sub(info.ModTime())
			fresh = fresh || age >= 0 && age < settle
		}
	}
	return n > 1 && fresh
}

// readSecret reads a file that holds one secret. An empty one is an error: it
// is being written, or was forgotten.
func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fileError(path, err)
	}
	if len(text) > 64<<10 {
		return "", fmt.Errorf("%s is too large", path)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return "", fmt.Errorf("%s is empty", path)
	}
	return string(text), nil
}

func fileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read", path)
	default:
		return fmt.Errorf("%s cannot be read", path)
	}
}

// written is a key of the configuration: inline, or in files of its own.
type written struct {
	access        string
	secret, token config.Secret
	files         files // of access key, secret key and token
	now           func() time.Time
	last          *key
	seen          string
}

// settle is how long files that belong together must not have changed: they
// are rarely replaced at one moment, and a new access key with the old secret
// key would be refused.
const settle = 2 * time.Second

func (w *written) look() bool { return w.files.stamps() != w.seen }

func (w *written) fetch(context.Context) (*key, error) {
	seen := w.files.stamps()
	if w.last != nil && w.files.unsettled(w.now()) {
		return w.last, nil // seen stays, so that they are looked at again
	}
	k := newKey(w.access, w.secret.Reveal(), w.token.Reveal())
	for i, into := range []*string{&k.access, &k.secret, &k.token} {
		if w.files[i] == "" {
			continue
		}
		text, err := readSecret(w.files[i])
		if err != nil {
			w.seen = seen
			return nil, err
		}
		*into = text
	}
	if k.access == "" || k.secret == "" {
		return nil, errors.New("access_key or secret_key is empty")
	}
	// What changed while it was read is looked at again.
	w.seen, w.last = seen, k
	return k, nil
}

// environment is the SDK's environment variables.
type environment struct{ *remote }

func (environment) look() bool { return false }

func (e environment) fetch(ctx context.Context) (*key, error) {
	if id, file := e.getenv(envIDP), e.getenv(envIDTokenFile); id != "" && file != "" {
		return federation{e.remote, id, file}.fetch(ctx)
	}
	k := newKey(e.getenv(envAccess), e.getenv(envSecret), e.getenv(envToken))
	if k.access == "" || k.secret == "" {
		return nil, fmt.Errorf("%s and %s are not set", envAccess, envSecret)
	}
	return k, nil
}

// profile is the SDK's file of credentials.
type profile struct {
	*remote
	path string // "": the SDK's place
	seen string
}

func (p *profile) file() (string, error) {
	if p.path != "" {
		return p.path, nil
	}
	if path := p.getenv(envProfile); path != "" {
		return path, nil
	}
	home := p.getenv("HOME")
	if home == "" {
		return "", errNothing
	}
	return filepath.Join(home, ".huaweicloud", "credentials"), nil
}

func (p *profile) look() bool {
	path, err := p.file()
	return err == nil && files{path}.stamps() != p.seen
}

func (p *profile) fetch(ctx context.Context) (*key, error) {
	path, err := p.file()
	if err != nil {
		return nil, err
	}
	p.seen = files{path}.stamps()
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	file, err := ini.Load(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not an INI file", path) // the parser's words quote the line
	}
	// The SDK's chain asks for the section of this name, which inherits from
	// [basic].
	section := file.Section("basic.credentials")
	value := func(name string) string { return section.Key(name).String() }
	if id, tokenFile := value("idp_id"), value("id_token_file"); id != "" && tokenFile != "" {
		r := *p.remote
		if endpoint := value("iam_endpoint"); endpoint != "" && r.iamFromConfig == "" {
			r.iam = withScheme(endpoint)
		}
		return federation{&r, id, tokenFile}.fetch(ctx)
	}
	k := newKey(value("ak"), value("sk"), value("security_token"))
	if k.access == "" || k.secret == "" {
		return nil, fmt.Errorf("%s has no ak and sk in its section [basic]", path)
	}
	return k, nil
}

// withScheme completes an endpoint as the SDK does.
func withScheme(endpoint string) string {
	if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
		endpoint = "https://" + endpoint
	}
	return strings.TrimRight(endpoint, "/")
}
