// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"net/http"
	"sync"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// Options of a Pool. All are mandatory.
type Options struct {
	Now       func() time.Time
	Getenv    func(string) string
	UserAgent string
	// Direct is the transport to services of this host, without a proxy.
	Direct http.RoundTripper
	// KeyRotated is called with the access keys when one replaces another.
	KeyRotated func(from, to string)
}

// Pool shares caches: credentials that are configured alike have the same one,
// and so the same temporary keys and quota. Its methods may be called
// concurrently.
type Pool struct {
	options Options

	mu     sync.Mutex
	caches map[cacheID]*sharedCache
}

// cacheID identifies credentials by their configuration.
type cacheID struct {
	source                                                config.Source
	accessKey, accessKeyFile, secretKeyFile, secTokenFile string
	profileFile, idpID, idTokenFile                       string
	inline                                                Fingerprint
	iam                                                   IAM
}

type sharedCache struct {
	*Cache
	users int
}

// NewPool returns an empty pool.
func NewPool(o Options) *Pool {
	return &Pool{options: o, caches: map[cacheID]*sharedCache{}}
}

// Get returns the cache for cfg, and a function that releases it. It does not
// retrieve a key.
func (p *Pool) Get(cfg *config.Credentials, iam IAM) (*Cache, func(), error) {
	id := cacheID{
		source: cfg.Source, accessKey: cfg.AccessKey, accessKeyFile: cfg.AccessKeyFile, secretKeyFile: cfg.SecretKeyFile,
		secTokenFile: cfg.SecurityTokenFile, profileFile: cfg.ProfileFile, idpID: cfg.IDPID, idTokenFile: cfg.IDTokenFile,
		inline: NewKey(cfg.AccessKey, cfg.SecretKey.Reveal(), cfg.SecurityToken.Reveal()).Fingerprint(),
		iam:    iam,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	shared := p.caches[id]
	if shared == nil {
		provider, err := newProvider(cfg, &tokenClient{
			direct: p.options.Direct, iam: iam,
			getenv: p.options.Getenv, now: p.options.Now, userAgent: p.options.UserAgent,
		})
		if err != nil {
			return nil, nil, err
		}
		rotated := func(from, to *Key) { p.options.KeyRotated(from.AccessKey, to.AccessKey) }
		shared = &sharedCache{Cache: newCache(provider, p.options.Now, rotated)}
		p.caches[id] = shared
	}
	shared.users++
	return shared.Cache, sync.OnceFunc(func() { p.release(id, shared) }), nil
}

func (p *Pool) release(id cacheID, shared *sharedCache) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if shared.users--; shared.users == 0 {
		delete(p.caches, id)
	}
}

// Len returns the number of caches in use.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.caches)
}
