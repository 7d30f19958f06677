// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// staticProvider has a key of the configuration, inline or in files.
type staticProvider struct {
	cfg   *config.Credentials
	files files // of access key, secret key and security token
	now   func() time.Time
	last  *Key
	stat  string // of the files, when last was read
}

func newStaticProvider(cfg *config.Credentials, now func() time.Time) *staticProvider {
	return &staticProvider{cfg: cfg, now: now, files: files{cfg.AccessKeyFile, cfg.SecretKeyFile, cfg.SecurityTokenFile}}
}

// Changed reports whether one of the files changed.
func (p *staticProvider) Changed() bool { return p.files.stat() != p.stat }

// Retrieve reads the files.
func (p *staticProvider) Retrieve(context.Context) (*Key, error) {
	stat := p.files.stat() // before reading: what changes meanwhile is read again
	if p.last != nil && p.files.beingWritten(p.now()) {
		return p.last, nil // p.stat is the old one, so that Changed stays true
	}
	k := NewKey(p.cfg.AccessKey, p.cfg.SecretKey.Reveal(), p.cfg.SecurityToken.Reveal())
	for i, field := range []*string{&k.AccessKey, &k.SecretKey, &k.SecurityToken} {
		if p.files[i] == "" {
			continue
		}
		text, err := readSecret(p.files[i])
		if err != nil {
			p.stat = stat
			return nil, err
		}
		*field = text
	}
	if k.AccessKey == "" || k.SecretKey == "" {
		return nil, errors.New("access_key or secret_key is empty")
	}
	p.stat, p.last = stat, k
	return k, nil
}
