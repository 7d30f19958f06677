// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// maxFileSize is the size of a configuration file that names a hundred thousand
// desktops, and some more.
const maxFileSize = 8 << 20

// Options is what a configuration is checked against and this package cannot
// know.
type Options struct {
	KnownRegion func(region string) bool // has an endpoint without being told; nil: not checked
	Families    []string                 // names for metrics.disable, without prefix; nil: not checked
}

// Load reads the configuration file at path and checks it as a whole. An error
// is of type Errors.
func Load(path string, options Options) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, Errors{{File: path, Message: err.Error()}}
	}
	return Parse(path, data, options)
}

// Parse reads a configuration from memory and checks it as a whole, as Load
// does with a file. Errors name path, and relative paths are below its folder.
func Parse(path string, data []byte, options Options) (*Config, error) {
	r := newErrorList(path)
	root, err := parseDocument(data)
	if err != nil {
		return nil, Errors{syntaxError(path, data, err)}
	}
	c := &Config{}
	c.setDefaults()
	r.decode(root, c)
	c.applyDerivedDefaults(filepath.Dir(path), r.isSet)
	check(c, r, options)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// readFile reads a text of bounded size. Its errors do not repeat the path.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, readError(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	switch {
	case err != nil:
		return nil, readError(err)
	case len(data) > maxFileSize:
		return nil, fmt.Errorf("is larger than %d MiB; is it the right file?", maxFileSize>>20)
	case bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data):
		return nil, errors.New("is not a text in UTF-8; is it the right file?")
	}
	return data, nil
}

// readError says why a file cannot be read, without its path.
func readError(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot be read: %w; check its path and its permissions", err)
}

var (
	errEmptyFile      = errors.New("is empty; name at least one project or account")
	errSecondDocument = errors.New("begins a second document; only one is read, so remove the rest")
)

// parseDocument gives the root of the only YAML document in data.
func parseDocument(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) || err == nil && first.Content[0].ShortTag() == "!!null" {
		return nil, errEmptyFile
	}
	if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: %w", second.Line, errSecondDocument)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return first.Content[0], nil
}

var (
	yamlLine  = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)
	yamlAlias = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError makes one clean line of an error of document.
func syntaxError(path string, data []byte, err error) Error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	f := Error{File: path}
	m := yamlLine.FindStringSubmatch(text)
	f.Line, _ = strconv.Atoi(m[1])
	text = text[len(m[0]):]
	if alias := yamlAlias.FindStringSubmatch(text); alias != nil {
		// What follows the asterisk may be a secret that lacks its quotes.
		f.Line = 1 + bytes.Count(data[:max(0, bytes.Index(data, []byte("*"+alias[1])))], []byte("\n"))
		f.Message = "has an alias (*name) without its anchor (&name); put a text that begins with an asterisk in quotes"
		return f
	}
	f.Message = text
	if !errors.Is(err, errEmptyFile) && !errors.Is(err, errSecondDocument) {
		// Package yaml tells where the block begins in which it lost its way.
		f.Message = "is not YAML here or in the lines that follow: " + text + "; check indentation, colons and quotes"
	}
	return f
}

func (c *Config) setDefaults() {
	c.Refresh = Refresh{
		Timeout:      model.Duration(2 * time.Minute),
		MaxStaleness: model.Duration(15 * time.Minute),
	}
	c.Changes.setDefaults()
	c.State.setDefaults()
}

func (c *Changes) setDefaults() {
	c.Keep = 10_000
	c.Webhook.setDefaults()
}

func (w *Webhook) setDefaults() {
	w.Authorization.setDefaults()
	w.HTTP.EnableHTTP2 = true
	w.Timeout = model.Duration(10 * time.Second)
	w.Queue = 10_000
}

func (a *Authorization) setDefaults() { a.Type = "Bearer" }

func (s *State) setDefaults() { s.MaxAge = model.Duration(7 * 24 * time.Hour) }

func (p *Project) setDefaults() {
	p.EIPs = true
	p.HTTP.EnableHTTP2 = true
	p.Limits = Limits{RequestsPerMinute: 180, Concurrency: 8}
}

func (a *Account) setDefaults() {
	var p Project
	p.setDefaults()
	a.ProjectRefresh = model.Duration(10 * time.Minute)
	a.EIPs, a.HTTP, a.Limits = p.EIPs, p.HTTP, p.Limits
}

// applyDerivedDefaults fills in the defaults that depend on what was written, and resolves
// file names against dir.
func (c *Config) applyDerivedDefaults(dir string, written func(path string) bool) {
	for i := range c.Projects {
		p := &c.Projects[i]
		p.Endpoint = strings.TrimSuffix(p.Endpoint, "/")
		p.IAMEndpoint = strings.TrimSuffix(p.IAMEndpoint, "/")
		p.Credentials.applyDerivedDefaults(dir)
		p.HTTP.applyDerivedDefaults(dir, written(fmt.Sprintf("projects[%d].http.proxy_from_environment", i)))
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		for region, endpoint := range a.Endpoints {
			a.Endpoints[region] = strings.TrimSuffix(endpoint, "/")
		}
		a.IAMEndpoint = strings.TrimSuffix(a.IAMEndpoint, "/")
		a.Credentials.applyDerivedDefaults(dir)
		a.HTTP.applyDerivedDefaults(dir, written(fmt.Sprintf("accounts[%d].http.proxy_from_environment", i)))
	}
	w := &c.Changes.Webhook
	for _, file := range []*string{&w.URLFile, &w.Authorization.CredentialsFile, &c.State.File} {
		*file = promconfig.JoinDir(dir, *file)
	}
	w.HTTP.applyDerivedDefaults(dir, written("changes.webhook.http.proxy_from_environment"))
}

func (c *Credentials) applyDerivedDefaults(dir string) {
	for _, file := range []*string{&c.AccessKeyFile, &c.SecretKeyFile, &c.SecurityTokenFile, &c.ProfileFile, &c.IDTokenFile} {
		*file = promconfig.JoinDir(dir, *file)
	}
	if c.Source != "" {
		return
	}
	switch {
	case c.hasStaticKey():
		c.Source = SourceStatic
	case c.IDPID != "" || c.IDTokenFile != "":
		c.Source = SourceOIDC
	case c.ProfileFile != "":
		c.Source = SourceProfile
	default:
		c.Source = SourceChain
	}
}

func (c *Credentials) hasStaticKey() bool {
	return c.AccessKey != "" || c.AccessKeyFile != "" || !c.SecretKey.IsZero() || c.SecretKeyFile != "" ||
		!c.SecurityToken.IsZero() || c.SecurityTokenFile != ""
}

func (h *HTTP) applyDerivedDefaults(dir string, proxyChosen bool) {
	h.TLS.SetDirectory(dir)
	if h.ProxyURL.URL != nil && h.ProxyURL.String() == "" {
		h.ProxyURL.URL = nil
	}
	if h.ProxyURL.URL == nil && !proxyChosen {
		h.ProxyFromEnvironment = true
	}
}
